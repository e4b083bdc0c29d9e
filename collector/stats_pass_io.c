/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats_pass_io.h"

#include "base/fs_io.h"
#include "collector/chunk.h"
#include "collector/stats.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct pass {
    struct summary_nc *nc;
    const struct dataset *ds;
    const bool *take;
    size_t width; /* times of one panel: as many as memory allows */
    int spool_fd;
    pthread_mutex_t lock; /* of HDF5 and of what follows */
    size_t next;          /* vector */
    bool stop;
};

struct worker {
    struct pass *pass;
    void *packed, *planes;
    float *chunk;  /* [row of the block][time] */
    float *values; /* [row][time of the panel] */
    void *scratch;
    double *out; /* [STAT_KINDS][time of the panel] */
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

/* Times first .. first+width of the block of rows that begins at row. */
static int read_block(struct worker *w, size_t vector, uint32_t row, size_t first, size_t width)
{
    const struct dataset *ds = w->pass->ds;
    uint32_t n = ds->n_rows - row < ds->block_rows ? ds->n_rows - row : ds->block_rows;
    size_t bytes = 0, n_times = ds->axis.n;
    (void)pthread_mutex_lock(&w->pass->lock);
    int rc = summary_nc_read_chunk(w->pass->nc, vector, row, w->packed, &bytes, &w->err);
    (void)pthread_mutex_unlock(&w->pass->lock);
    if (rc < 0)
        return rc;
    if (bytes > 0 && !chunk_unpack(w->packed, bytes, ds->block_rows * n_times, w->planes, w->chunk))
        return ds_fail(&w->err, DS_ECORRUPT, "%s: a chunk does not read back",
                       ds->vectors[vector].name);
    for (uint32_t i = 0; i < n; i++) {
        float *to = w->values + (size_t)(row + i) * width;
        if (bytes > 0)
            memcpy(to, w->chunk + i * n_times + first, width * sizeof *to);
        for (size_t t = 0; bytes == 0 && t < width; t++)
            to[t] = NAN;
    }
    return 0;
}

static int do_panel(struct worker *w, size_t vector, size_t first, size_t width)
{
    struct pass *p = w->pass;
    const struct dataset *ds = p->ds;
    for (uint32_t row = 0; row < ds->n_rows; row += ds->block_rows) {
        int rc = read_block(w, vector, row, first, width);
        if (rc < 0)
            return rc;
    }
    stats_of_columns(w->values, ds->n_rows, width, width, p->take, w->scratch, w->out, width);
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < STAT_KINDS; k++)
        rc = pwrite_all(p->spool_fd, w->out + k * width, width * sizeof(double),
                        spool_offset(ds->axis.n, vector, k) + first * sizeof(double), &w->err);
    return rc;
}

static bool take_vector(struct pass *p, size_t *vector)
{
    (void)pthread_mutex_lock(&p->lock);
    bool any = !p->stop && p->next < p->ds->n_vectors;
    if (any)
        *vector = p->next++;
    (void)pthread_mutex_unlock(&p->lock);
    return any;
}

static void stop(struct pass *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_mutex_unlock(&p->lock);
}

/* Vectors until there are none. */
static void work(struct worker *w, int (*tick)(void *context, size_t vector), void *context)
{
    struct pass *p = w->pass;
    size_t vector = 0, n_times = p->ds->axis.n;
    while (w->rc == 0 && take_vector(p, &vector)) {
        for (size_t t = 0; w->rc == 0 && t < n_times; t += p->width)
            w->rc = do_panel(w, vector, t, n_times - t < p->width ? n_times - t : p->width);
        if (w->rc == 0 && tick && tick(context, vector) < 0)
            w->rc = ds_fail(&w->err, DS_EINTR, "interrupted; the dataset is as it was");
    }
    if (w->rc < 0)
        stop(p);
}

static void *help(void *context)
{
    work(context, NULL, NULL);
    return NULL;
}

static void worker_start(struct worker *w, struct pass *p)
{
    const struct dataset *ds = p->ds;
    size_t chunk = ds->block_rows * ds->axis.n;
    *w = (struct worker){.pass = p};
    w->packed = malloc(summary_nc_chunk_bytes(p->nc));
    w->planes = malloc(chunk * CHUNK_ELEMENT_BYTES + 1);
    w->chunk = malloc(chunk * sizeof *w->chunk + 1);
    w->values = malloc(ds->n_rows * p->width * sizeof *w->values + 1);
    w->scratch = malloc(stats_scratch_bytes(ds->n_rows) + 1);
    w->out = malloc(STAT_KINDS * p->width * sizeof *w->out + 1);
    if (!w->packed || !w->planes || !w->chunk || !w->values || !w->scratch || !w->out)
        abort();
}

static void worker_end(struct worker *w)
{
    free(w->packed);
    free(w->planes);
    free(w->chunk);
    free(w->values);
    free(w->scratch);
    free(w->out);
}

int stats_pass_run(struct summary_nc *w, const struct dataset *ds, const bool *take,
                   size_t memory_bytes, int spool_fd, int (*tick)(void *context, size_t vector),
                   void *context, struct ds_err *err)
{
    size_t width = memory_bytes / 2 / (ds->n_rows * sizeof(float));
    struct pass p = {
        .nc = w, .ds = ds, .take = take, .spool_fd = spool_fd, .lock = PTHREAD_MUTEX_INITIALIZER};
    p.width = width < 1 ? 1 : width > ds->axis.n ? ds->axis.n : width;
    struct worker workers[2];
    pthread_t thread;
    worker_start(&workers[0], &p);
    worker_start(&workers[1], &p);
    bool helped = pthread_create(&thread, NULL, help, &workers[1]) == 0; /* else it works alone */
    work(&workers[0], tick, context);
    if (helped)
        (void)pthread_join(thread, NULL);
    int rc = 0;
    for (size_t i = 0; i < 2; i++) {
        if (rc == 0 && workers[i].rc < 0) {
            rc = workers[i].rc;
            if (err)
                *err = workers[i].err;
        }
        worker_end(&workers[i]);
    }
    (void)pthread_mutex_destroy(&p.lock);
    return rc;
}

int stats_spool_next(void *spool, size_t vector, double *out, struct ds_err *err)
{
    const struct stats_spool *s = spool;
    return fs_pread_all(s->fd, out, STAT_KINDS * s->n_times * sizeof *out,
                        spool_offset(s->n_times, vector, 0), err);
}
