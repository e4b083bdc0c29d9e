/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A credential plugin as a child: stdin is empty, stderr is ours, stdout is read. It has a process
 * group of its own, so that all of it can be ended when it takes too long. */
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "kube/kube_auth_io.h"
#include "kube/kube_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLUGIN_MS   INT64_C(60000)
#define MOST_ENV    4096u
#define LOOK_MS     20
#define PIECE_BYTES ((size_t)16 << 10)

static bool names(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

static bool is_replaced(const char *entry, const struct kube_exec *x)
{
    bool hit = names(entry, "KUBERNETES_EXEC_INFO");
    for (size_t i = 0; i < x->n_env && !hit; i++)
        hit = names(entry, x->env[i].name);
    return hit;
}

static char *pair(struct ds_arena *a, const char *name, const char *value)
{
    return arena_cstr(a, arena_format(a, "%s=%s", name, value));
}

static char **arguments(const struct kube_exec *x, struct ds_arena *a)
{
    char **argv = ds_new(a, char *, x->n_args + 2);
    bool ok = argv && (argv[0] = arena_cstr(a, ds_span_of(x->command))) != NULL;
    for (size_t i = 0; ok && i < x->n_args; i++)
        ok = (argv[i + 1] = arena_cstr(a, ds_span_of(x->args[i]))) != NULL;
    return ok ? argv : NULL;
}

/* Ours, theirs on top. */
static char **environment(const struct kube_exec *x, const char *info, struct ds_arena *a)
{
    size_t n = 0, ours = 0;
    while (environ[ours] && ours < MOST_ENV)
        ours++;
    char **env = ds_new(a, char *, ours + x->n_env + 2);
    if (!env)
        return NULL;
    for (size_t i = 0; i < ours; i++)
        if (!is_replaced(environ[i], x))
            env[n++] = environ[i];
    for (size_t i = 0; i < x->n_env; i++)
        env[n++] = pair(a, x->env[i].name, x->env[i].value);
    env[n] = pair(a, "KUBERNETES_EXEC_INFO", info);
    for (size_t i = 0; i <= n; i++)
        if (!env[i])
            return NULL;
    return env;
}

static int start(char **argv, char **env, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int rc = posix_spawn_file_actions_init(&files);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
                                                    | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, out_fd, 1);
    if (rc == 0)
        rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int read_all(int fd, struct ds_buf *text, int64_t until_ms, struct ds_err *err)
{
    for (;;) {
        int64_t left = until_ms - clock_monotonic_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return ds_fail(err, DS_ETIMEOUT, "it took longer than %d s", (int)(PLUGIN_MS / 1000));
        int rc = poll(&p, 1, (int)left);
        if (rc < 0)
            return errno == EINTR ? ds_fail(err, DS_EINTR, "interrupted")
                                  : ds_fail_errno(err, DS_EIO, errno, "poll");
        if (rc == 0)
            continue;
        char *to = buf_reserve(text, PIECE_BYTES);
        if (!to)
            return ds_fail(err, DS_ETOOBIG, "it prints more than %zu bytes", text->cap_bytes);
        ssize_t n = read(fd, to, PIECE_BYTES);
        if (n < 0 && errno != EINTR)
            return ds_fail_errno(err, DS_EIO, errno, "read what it prints");
        if (n == 0)
            return 0;
        text->len += n > 0 ? (size_t)n : 0;
    }
}

static int await(pid_t pid, int64_t until_ms, struct ds_err *err)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (clock_monotonic_ms() > until_ms)
            return ds_fail(err, DS_ETIMEOUT, "it does not end");
        (void)poll(NULL, 0, LOOK_MS);
    }
    if (got < 0) /* somebody else took it: what it printed must do */
        return 0;
    if (WIFSIGNALED(status))
        return ds_fail(err, DS_EIO, "it died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status) == 0
               ? 0
               : ds_fail(err, DS_EDENIED, "it ended with status %d", WEXITSTATUS(status));
}

int kube_exec_run(const struct kube_exec *x, const char *info, struct ds_arena *a,
                  struct ds_span *out, struct ds_err *err)
{
    int fds[2];
    pid_t pid;
    int64_t until = clock_monotonic_ms() + PLUGIN_MS;
    char **env = environment(x, info, a), **argv = arguments(x, a);
    if (!env || !argv)
        return ds_fail(err, DS_ETOOBIG, "its arguments and environment are larger than fit");
    if (pipe2(fds, O_CLOEXEC) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "pipe");
    ds_auto_fd in = fds[0];
    int rc = start(argv, env, fds[1], &pid);
    (void)close(fds[1]);
    if (rc != 0)
        return ds_fail_errno(err, DS_EIO, rc, "cannot run it%s%s", x->install_hint ? "; " : "",
                             x->install_hint ? x->install_hint : "");
    ds_auto_buf text;
    buf_init(&text, KUBE_EXEC_MOST_BYTES);
    rc = read_all(in, &text, until, err);
    if (rc == 0)
        rc = await(pid, until, err);
    if (rc < 0) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return rc;
    }
    *out = arena_copy(a, buf_span(&text));
    return out->ptr ? 0 : ds_fail(err, DS_ETOOBIG, "it prints more than fits");
}
