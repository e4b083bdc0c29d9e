/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/simulator_io.h"

#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_BYTES  4096u
#define ANSWER_MS     30000
#define MAX_ENV_WORDS 4096u

static int absolute(struct ds_span word, struct ds_arena *a, struct ds_span *path,
                    struct ds_err *err)
{
    char cwd[PATH_MAX_BYTES];
    if (!getcwd(cwd, sizeof cwd))
        return ds_fail_errno(err, DS_EIO, errno, "working directory");
    struct ds_span whole = path_normalise(a, path_join(a, ds_span_of(cwd), word));
    if (!whole.ptr)
        return ds_fail(err, DS_ETOOBIG, "%.*s: name too long", DS_FMT(word));
    if (!env_is_program(whole.ptr))
        return ds_fail(err, DS_ESIMULATOR,
                       "simulator %.*s: there is no such program here; install it, or mend "
                       "spec.simulator.command or, in a cluster, spec.simulator.image",
                       DS_FMT(whole));
    *path = whole;
    return 0;
}

int simulator_find(struct ds_span word, struct ds_arena *a, struct ds_span *path,
                   struct ds_err *err)
{
    char found[PATH_MAX_BYTES];
    const char *name = arena_cstr(a, word);
    if (word.len > 0 && memchr(word.ptr, '/', word.len))
        return absolute(word, a, path, err);
    if (name && word.len > 0 && env_find_program(name, found, sizeof found)) {
        *path = arena_copy(a, ds_span_of(found));
        return path->ptr ? 0 : ds_fail(err, DS_ETOOBIG, "simulator: arena");
    }
    bool flow = ds_span_is(word, "flow");
    return ds_fail(err, DS_ESIMULATOR, "simulator '%.*s' is not in PATH%s", DS_FMT(word),
                   flow ? "; on Debian: apt install libopm-simulators-bin" : "");
}

/* The environment with Open MPI's daemon switched off: asking a version must not fork one. */
static char **quick_environment(struct ds_arena *a)
{
    static char isolated[] = "OMPI_MCA_ess_singleton_isolated=1";
    size_t n = 0;
    while (environ[n] && n < MAX_ENV_WORDS)
        n++;
    char **env = ds_new(a, char *, n + 2);
    if (!env)
        return environ;
    memcpy(env, environ, n * sizeof *env);
    env[n] = isolated;
    return env;
}

/* The last word of the first line that has a digit: "flow 2022.10". */
static struct ds_span find_version(struct ds_span answer)
{
    struct ds_span line, best = {"", 0};
    while (answer.len > 0 && best.len == 0) {
        answer = ds_span_cut(answer, '\n', &line);
        line = ds_span_trim(line);
        size_t start = line.len;
        while (start > 0 && line.ptr[start - 1] != ' ')
            start--;
        struct ds_span word = {line.ptr + start, line.len - start};
        for (size_t i = 0; i < word.len; i++)
            if (word.ptr[i] >= '0' && word.ptr[i] <= '9')
                best = word;
    }
    return best.len <= 64 ? best : (struct ds_span){"", 0};
}

/* Read until a whole line tells a version, the end, the cap or the deadline: flow takes longer to
 * leave MPI than to answer. */
static size_t read_answer(int fd, char *answer, size_t cap)
{
    int64_t deadline = clock_monotonic_ms() + ANSWER_MS;
    size_t n = 0;
    while (n < cap) {
        struct pollfd p = {fd, POLLIN, 0};
        int64_t left = deadline - clock_monotonic_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            break;
        ssize_t got = read(fd, answer + n, cap - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        if (answer[n - 1] == '\n' && find_version((struct ds_span){answer, n}).len > 0)
            break;
    }
    return n;
}

static int run_for_answer(const char *path, struct ds_arena *a, char *answer, size_t *n,
                          struct ds_err *err)
{
    int out[2];
    pid_t pid;
    char *const argv[] = {(char *)path, (char *)"--version", NULL};
    posix_spawn_file_actions_t files;
    if (pipe2(out, O_CLOEXEC) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "pipe");
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int sys = posix_spawn(&pid, path, &files, NULL, argv, quick_environment(a));
    (void)posix_spawn_file_actions_destroy(&files);
    (void)close(out[1]);
    if (sys == 0) {
        *n = read_answer(out[0], answer, ANSWER_BYTES);
        (void)kill(pid, SIGKILL); /* after its answer, or too late */
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(out[0]);
    if (sys != 0)
        return ds_fail_errno(err, DS_ESIMULATOR, sys, "start %s", path);
    return 0;
}

int simulator_ask_version(struct ds_span path, struct ds_arena *a, struct ds_span *version,
                          struct ds_err *err)
{
    char answer[ANSWER_BYTES];
    size_t n = 0;
    int rc = run_for_answer(path.ptr, a, answer, &n, err);
    if (rc < 0)
        return rc;
    struct ds_span found = find_version((struct ds_span){answer, n});
    if (found.len == 0)
        return ds_fail(err, DS_ESIMULATOR, "%.*s --version does not tell a version", DS_FMT(path));
    *version = arena_copy(a, found);
    return version->ptr ? 0 : ds_fail(err, DS_ETOOBIG, "version does not fit");
}
