/* SPDX-License-Identifier: GPL-3.0-or-later */
/* miniworker.c - a run host in a process of its own, so that tests can kill it
 *
 *   miniworker COMMAND WORD... [-- COMMAND WORD...]...
 *
 * Starts the commands, prints "ready GUARDIAN" when all run, and steps for ever. */
#include "agent/proc_io.h"
#include "agent/run_io.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct search {
    int proc_fd;
    pid_t guardian;
};

static bool is_guardian(void *arg, pid_t pid, uint64_t inode)
{
    struct search *s = arg;
    struct proc_stat st;
    (void)inode;
    /* started before any command, so the only child with a session of its own */
    if (proc_read_stat(s->proc_fd, pid, &st) && st.ppid == getpid() && st.sid == pid)
        s->guardian = pid;
    return s->guardian == 0;
}

int main(int argc, char **argv)
{
    struct run_host *h = NULL;
    struct ds_err err;
    struct search search = {.proc_fd = open("/proc", O_RDONLY | O_CLOEXEC)};
    if (run_host_create(&h, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 0; i < 1000 && search.guardian == 0; i++) {
        (void)proc_each(search.proc_fd, is_guardian, &search);
        usleep(1000);
    }
    for (int i = 1; i < argc;) {
        struct run_spec spec = {.argv = (const char *const *)(void *)(argv + i)};
        uint64_t id = 0;
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        if (i < argc)
            argv[i++] = NULL;
        if (run_start(h, &spec, &id, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    printf("ready %d\n", (int)search.guardian);
    fflush(stdout);
    for (;;) {
        struct pollfd p = {.fd = run_host_fd(h), .events = POLLIN};
        struct run_result r;
        (void)poll(&p, 1, -1);
        if (run_host_step(h, &err) < 0)
            fprintf(stderr, "%s\n", err.text);
        while (run_take_ended(h, &r))
            ;
    }
}
