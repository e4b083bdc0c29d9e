/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Included into every unit test under SAN=1: Criterion ends a test's process without waiting for
 * LeakSanitizer's verdict, so a leak would be printed and pass. Here each test asks for it as its last
 * act and dies of a leak. test_leak_check proves it. */
#ifndef DS_TESTS_LEAK_CHECK_H
#define DS_TESTS_LEAK_CHECK_H

#include <criterion/criterion.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>

static void leak_check_at_end(void)
{
    if (__lsan_do_recoverable_leak_check() != 0)
        abort();
}

#undef Test
#define Test(...) CR_EXPAND(CR_TEST_BASE(__VA_ARGS__, .fini = leak_check_at_end, .sentinel_ = 0))

#endif
