/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/dry_run_io.h"

#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "cli/case_folder_io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DRY_RUN_MS (INT64_C(10) * 60 * 1000)
#define POLL_MS    20

/* In the child: the case's folder is the working folder, nothing reaches the terminal. */
static void become_simulator(const char *folder, const char *program, const char *deck)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    /* NOLINTBEGIN(concurrency-mt-unsafe): the child of a fork has one thread */
    (void)setenv("OMP_NUM_THREADS", "1", 1);
    (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 1);
    /* NOLINTEND(concurrency-mt-unsafe) */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (chdir(folder) < 0 || null < 0)
        _exit(127);
    int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execl(program, program, deck, "--enable-dry-run=true", "--threads-per-process=1",
                "--output-dir=.", (char *)NULL);
    _exit(127);
}

static int end(pid_t pid, struct ds_err *err, enum ds_code code, const char *why)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return ds_fail(err, code, "%s", why);
}

/* stops: blocked signals that end the measuring, so that its folder does not stay behind. */
static int wait_for(pid_t pid, const sigset_t *stops, uint64_t *peak_bytes, struct ds_err *err)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    int64_t deadline = clock_monotonic_ms() + DRY_RUN_MS;
    struct rusage usage;
    int status;
    pid_t got;
    while ((got = wait4(pid, &status, WNOHANG, &usage)) == 0 && clock_monotonic_ms() < deadline)
        if (sigtimedwait(stops, NULL, &pause) > 0)
            return end(pid, err, DS_EINTR, "interrupted while a dry run was measured");
    if (got == 0)
        return end(pid, err, DS_ETIMEOUT, "took more than 10 minutes");
    if (got < 0)
        return ds_fail_errno(err, DS_EIO, errno, "wait");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ds_fail(err, DS_EINPUT,
                       "the simulator does not load the first case (try `decksweep render`)");
    *peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    return 0;
}

static int measure_in(struct session *s, const char *dir, const sigset_t *stops, struct ds_err *err)
{
    const struct plan *p = s->view->plan;
    ds_auto_arena a = arena_create((size_t)1 << 20);
    struct ds_span folder = path_join(a, ds_span_of(dir), p->deck_dir);
    struct ds_span deck = arena_copy(a, p->deck_name);
    int rc = case_folder_write(s->view, 0, dir, p->trim, err);
    if (rc < 0)
        return rc;
    pid_t pid = fork();
    if (pid == 0)
        become_simulator(folder.ptr, s->view->simulator_path.ptr, deck.ptr);
    if (pid < 0)
        return ds_fail_errno(err, DS_EIO, errno, "fork");
    return wait_for(pid, stops, &s->evidence.dry_run_peak_bytes, err);
}

int dry_run_measure(struct session *s, const char *scratch, struct ds_err *err)
{
    char dir[4096];
    sigset_t stops, before;
    assert(s->view->plan->preset_flow);
    int n = snprintf(dir, sizeof dir, "%s/decksweep-dry-XXXXXX", env_temporary_folder(scratch));
    if (n < 0 || (size_t)n >= sizeof dir || !mkdtemp(dir))
        return ds_fail_errno(err, DS_EIO, errno, "%s", dir);
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGINT);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &stops, &before);
    int rc = measure_in(s, dir, &stops, err);
    if (fs_remove_tree_at(AT_FDCWD, dir, NULL) < 0)
        log_warn("%s could not be removed", dir);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}
