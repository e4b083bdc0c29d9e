/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats_pass_io.h"

#include "base/fs_io.h"
#include "collector/stats.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Some times of one vector: sorted and spooled by a thread of its own. */
struct job {
    const struct dataset *ds;
    const bool *take;
    float *values; /* [row][width] */
    void *scratch;
    double *out; /* [STAT_KINDS][width] */
    size_t vector, first_time, width;
    int spool_fd;
    int rc;
    struct ds_err err;
};

static uint64_t spool_offset(size_t n_times, size_t vector, size_t kind)
{
    return ((uint64_t)vector * STAT_KINDS + kind) * n_times * sizeof(double);
}

static int pwrite_all(int fd, const void *data, size_t n, uint64_t at, struct ds_err *err)
{
    const char *p = data;
    while (n > 0) {
        ssize_t wrote = pwrite(fd, p, n, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return ds_fail_errno(err, DS_EIO, errno, "write statistics");
        p += wrote;
        n -= (size_t)wrote;
        at += (uint64_t)wrote;
    }
    return 0;
}

static void *do_job(void *context)
{
    struct job *j = context;
    stats_of_columns(j->values, j->ds->n_rows, j->width, j->width, j->take, j->scratch, j->out,
                     j->width);
    j->rc = 0;
    for (size_t k = 0; j->rc == 0 && k < STAT_KINDS; k++)
        j->rc = pwrite_all(
            j->spool_fd, j->out + k * j->width, j->width * sizeof(double),
            spool_offset(j->ds->axis.n, j->vector, k) + j->first_time * sizeof(double), &j->err);
    return NULL;
}

struct pass {
    struct job job[2]; /* one is being read into while the other runs */
    pthread_t thread;
    struct job *running; /* NULL none */
};

static int finish_running(struct pass *p, struct ds_err *err)
{
    struct job *j = p->running;
    if (!j)
        return 0;
    (void)pthread_join(p->thread, NULL);
    p->running = NULL;
    if (j->rc < 0 && err)
        *err = j->err;
    return j->rc;
}

static int start(struct pass *p, struct job *j, struct ds_err *err)
{
    int sys = pthread_create(&p->thread, NULL, do_job, j);
    if (sys != 0)
        return ds_fail_errno(err, DS_EIO, sys, "start a thread");
    p->running = j;
    return 0;
}

static int run_vector(struct pass *p, struct summary_nc *w, const struct dataset *ds, size_t v,
                      size_t width, unsigned *turn, struct ds_err *err)
{
    for (size_t t = 0; t < ds->axis.n; t += width) {
        struct job *j = &p->job[*turn];
        *turn ^= 1;
        j->vector = v;
        j->first_time = t;
        j->width = ds->axis.n - t < width ? ds->axis.n - t : width;
        int rc = summary_nc_read(w, v, t, j->width, j->values, err);
        if (rc == 0)
            rc = finish_running(p, err);
        if (rc == 0)
            rc = start(p, j, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int stats_pass_run(struct summary_nc *w, const struct dataset *ds, const bool *take,
                   size_t memory_bytes, int spool_fd, int (*tick)(void *context, size_t vector),
                   void *context, struct ds_err *err)
{
    size_t width = memory_bytes / 2 / (ds->n_rows * sizeof(float));
    width = width < 1 ? 1 : width;
    width = width > ds->axis.n ? ds->axis.n : width;
    struct pass p = {.running = NULL};
    for (size_t i = 0; i < 2; i++) {
        p.job[i] = (struct job){.ds = ds, .take = take, .spool_fd = spool_fd};
        p.job[i].values = calloc(ds->n_rows * (width + 1), sizeof(float));
        p.job[i].scratch = malloc(stats_scratch_bytes(ds->n_rows) + 1);
        p.job[i].out = calloc(STAT_KINDS * (width + 1), sizeof(double));
        if (!p.job[i].values || !p.job[i].scratch || !p.job[i].out)
            abort();
    }
    int rc = 0;
    unsigned turn = 0;
    for (size_t v = 0; rc == 0 && v < ds->n_vectors; v++) {
        rc = run_vector(&p, w, ds, v, width, &turn, err);
        if (rc == 0 && tick && tick(context, v) < 0)
            rc = ds_fail(err, DS_EINTR, "interrupted");
    }
    int last = finish_running(&p, rc < 0 ? NULL : err);
    for (size_t i = 0; i < 2; i++) {
        free(p.job[i].values);
        free(p.job[i].scratch);
        free(p.job[i].out);
    }
    return rc < 0 ? rc : last;
}

int stats_spool_next(void *spool, size_t vector, double *out, struct ds_err *err)
{
    const struct stats_spool *s = spool;
    return fs_pread_all(s->fd, out, STAT_KINDS * s->n_times * sizeof *out,
                        spool_offset(s->n_times, vector, 0), err);
}
