/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve_child.h - a store pod's program as a child of a test, on a free port of the loopback */
#ifndef DS_TESTS_SERVE_CHILD_H
#define DS_TESTS_SERVE_CHILD_H

#include "agent/serve_io.h"
#include "base/sha256.h"
#include "decksweep/cluster.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVE_TOKEN "let-me-in"

struct serve_child {
    pid_t pid;
    unsigned port;
    char url[64];
};

/* more: a further option, or NULL. */
static inline struct serve_child serve_child_start(const char *folder, const char *more)
{
    static const struct cmd_entry *const commands[] = {&cmd_serve, NULL};
    static const struct program program = {.name = "serve", .version = "x", .commands = commands};
    struct serve_child c = {0};
    char hex[65], line[512] = "";
    int says[2];
    sha256_of(SERVE_TOKEN, strlen(SERVE_TOKEN), hex);
    cr_assert_eq(setenv(ENV_STORE_TOKEN, hex, 1), 0);
    cr_assert_eq(pipe(says), 0);
    c.pid = fork();
    if (c.pid == 0) {
        char *argv[] = {(char *)"serve",     (char *)"serve",
                        (char *)"--folder",  (char *)folder,
                        (char *)"--address", (char *)"127.0.0.1",
                        (char *)"--port",    (char *)"0",
                        (char *)more,        NULL};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails stops nobody */
        (void)dup2(says[1], STDERR_FILENO);
        (void)close(STDOUT_FILENO);
        _exit(program_main(&program, more ? 9 : 8, argv));
    }
    (void)close(says[1]);
    FILE *in = fdopen(says[0], "r");
    const char *at = fgets(line, sizeof line, in) ? strstr(line, "port ") : NULL;
    cr_assert_not_null(at, "%s", line);
    c.port = (unsigned)strtoul(at + 5, NULL, 10);
    (void)snprintf(c.url, sizeof c.url, "http://127.0.0.1:%u", c.port);
    return c; /* the pipe stays open: it may say more */
}

static inline int serve_child_stop(struct serve_child *c, int signal)
{
    int status = -1;
    (void)kill(c->pid, signal);
    (void)waitpid(c->pid, &status, 0);
    return status;
}

#endif
