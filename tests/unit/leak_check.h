/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Included into every unit test under SAN=1.
 *
 * Criterion ends a test's process without waiting for LeakSanitizer's verdict, so a leak would be
 * printed and pass. Here each test asks for it as its last act and dies of a leak. test_leak_check
 * proves it.
 *
 * Criterion forks while its messaging thread runs. glibc's malloc is safe then; ASan's is not: if
 * that thread is allocating at this moment, the child waits for the lock for ever. So a fork
 * waits until all other threads sleep. */
#ifndef DS_TESTS_LEAK_CHECK_H
#define DS_TESTS_LEAK_CHECK_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORK_MOST_LOOKS 2000 /* of 100 us: a thread that never sleeps must not stop the tests */

static void leak_check_at_end(void)
{
    if (__lsan_do_recoverable_leak_check() != 0)
        abort();
}

static bool thread_sleeps(const char *tid)
{
    char path[80], text[512];
    (void)snprintf(path, sizeof path, "/proc/self/task/%.40s/stat", tid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        (void)fclose(f);
    text[n] = '\0';
    const char *state = strrchr(text, ')'); /* "17 (name) S ..." */
    return !state || strlen(state) < 3 || (state[2] != 'R' && state[2] != 'D');
}

static bool others_sleep(void)
{
    DIR *d = opendir("/proc/self/task");
    if (!d)
        return true;
    char self[24];
    (void)snprintf(self, sizeof self, "%d", (int)gettid());
    bool quiet = true;
    for (struct dirent *e = readdir(d); e && quiet; e = readdir(d))
        quiet = e->d_name[0] == '.' || strcmp(e->d_name, self) == 0 || thread_sleeps(e->d_name);
    (void)closedir(d);
    return quiet;
}

static void wait_before_fork(void)
{
    unsigned in_a_row = 0;
    for (unsigned i = 0; in_a_row < 2 && i < FORK_MOST_LOOKS; i++) {
        in_a_row = others_sleep() ? in_a_row + 1 : 0;
        if (in_a_row < 2)
            (void)usleep(100);
    }
}

__attribute__((constructor)) static void wait_before_every_fork(void)
{
    (void)pthread_atfork(wait_before_fork, NULL, NULL);
}

#undef Test
#define Test(...) CR_EXPAND(CR_TEST_BASE(__VA_ARGS__, .fini = leak_check_at_end, .sentinel_ = 0))

#endif
