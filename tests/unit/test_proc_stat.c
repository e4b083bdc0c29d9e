/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/proc_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(proc_stat, .timeout = 20);

#define TAIL " 34816 4321 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 2600960 777 18446744073709551615"

Test(proc_stat, reads_the_fields_whatever_the_program_is_called)
{
    static const char *const NAME[] = {"flow", "a b", "x) S 1 1 1", "((", "", "naughty\n9 (z) R 7"};
    for (size_t i = 0; i < DS_COUNT(NAME); i++) {
        char text[256];
        struct proc_stat st;
        int n = snprintf(text, sizeof(text), "4321 (%s) S 17 4321 99" TAIL "\n", NAME[i]);
        cr_assert(proc_stat_parse((struct ds_span){text, (size_t)n}, &st), "%s", NAME[i]);
        cr_expect(st.pid == 4321 && st.ppid == 17 && st.sid == 99 && st.state == 'S');
        cr_expect(st.n_threads == 1);
        cr_expect(st.start_ticks == 987654 && st.rss_pages == 777, "%llu %llu",
                  (unsigned long long)st.start_ticks, (unsigned long long)st.rss_pages);
    }
}

Test(proc_stat, refuses_what_is_cut_or_no_stat_line)
{
    static const char GOOD[] = "4321 (flow) S 17 4321 99" TAIL;
    struct proc_stat st;
    size_t whole = strstr(GOOD, "777") + 1 - GOOD;
    for (size_t n = 0; n < whole - 1; n++)
        cr_expect(!proc_stat_parse((struct ds_span){GOOD, n}, &st), "%zu bytes", n);
    static const char *const BAD[] = {"",
                                      "x",
                                      "12",
                                      "12 flow S 1 1 1",
                                      "99999999999 (a) S 1 1 1" TAIL,
                                      "1 (a) S -1 1 1" TAIL,
                                      "1 (a) S 1 1 99999999999" TAIL,
                                      "1 (a)"};
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        cr_expect(!proc_stat_parse(ds_span_of(BAD[i]), &st), "%s", BAD[i]);
}

Test(proc_stat, finds_pss_only_as_a_line_of_its_own)
{
    uint64_t bytes = 0;
    cr_expect(proc_pss_parse(DS_SPAN("5561-7ffd ---p [rollup]\nRss:  900 kB\nPss:     123 kB\n"),
                             &bytes));
    cr_expect(bytes == 123 * 1024);
    cr_expect(!proc_pss_parse(DS_SPAN("Pss_Dirty: 1 kB\nSwapPss: 4 kB\n"), &bytes));
    cr_expect(!proc_pss_parse(DS_SPAN("\nPss: x\n"), &bytes));
    cr_expect(!proc_pss_parse(DS_SPAN("\nPss: 99999999999999999999 kB\n"), &bytes));
    cr_expect(!proc_pss_parse(DS_SPAN(""), &bytes));
}

#define WINDOW_BYTES 16384 /* of proc_find_environ */

/* A process whose environment is one long variable, then the token with what stands behind it. */
static pid_t start_with_environment(size_t before, const char *token)
{
    char *filler = malloc(before);
    cr_assert_not_null(filler);
    memset(filler, 'A', before);
    filler[1] = '=';
    filler[before - 1] = '\0';
    char *env[] = {filler, (char *)(uintptr_t)token, (char *)(uintptr_t) "LAST=1", NULL};
    char *argv[] = {(char *)(uintptr_t) "sleep", (char *)(uintptr_t) "20", NULL};
    int ends[2];
    char gone;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        execve("/bin/sleep", argv, env);
        _exit(127);
    }
    close(ends[1]);
    cr_assert_eq(read(ends[0], &gone, 1), 0); /* it has executed */
    close(ends[0]);
    free(filler);
    return pid;
}

Test(proc_stat, a_token_where_one_read_of_the_environment_ends_is_found_whole)
{
    static const char TOKEN[] = "DECKSWEEP_RUN=1.2.3/123456";
    static const char *const ROW[] = {"DECKSWEEP_RUN=1.2.3/", "DECKSWEEP_RUN="};
    int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t cut = 0; cut <= sizeof TOKEN; cut++) {
        pid_t pid = start_with_environment(WINDOW_BYTES - cut, TOKEN);
        for (size_t i = 0; i < DS_COUNT(ROW); i++) {
            char rest[32] = "";
            cr_expect(proc_find_environ(proc_fd, pid, ROW[i], rest, sizeof rest), "cut at %zu",
                      cut);
            cr_expect_str_eq(rest, TOKEN + strlen(ROW[i]), "cut at %zu: %s", cut, rest);
        }
        cr_expect_not(proc_find_environ(proc_fd, pid, "DECKSWEEP_RUN=1.2.4/", (char[8]){0}, 8));
        cr_assert_eq(kill(pid, SIGKILL), 0);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
    }
    close(proc_fd);
}
