/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A leak must fail a test under SAN=1 (tests/unit/leak_check.h); without it there is nothing to
 * prove and the test leaks nothing. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
Test(leak_check, a_leak_ends_the_test_by_abort, .signal = SIGABRT)
{
    char *volatile lost = malloc(123);
    lost[0] = 1;
    lost = NULL;
    leak_check_at_end(); /* what every test does last */
}
#endif

Test(leak_check, what_is_freed_is_no_leak)
{
    char *volatile kept = malloc(123);
    kept[0] = 1;
    free(kept);
}
