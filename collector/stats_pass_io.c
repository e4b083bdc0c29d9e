/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats_pass_io.h"

#include "base/fs_io.h"
#include "collector/chunk.h"
#include "collector/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
    struct stats_pass *pass;
    void *packed, *planes;
    float *chunk;  /* [row of the block][time] */
    float *values; /* [row][time of the panel] */
    void *scratch;
    double *out; /* [STAT_KINDS][time of the panel] */
    int rc;
    struct ds_err err;
};

struct stats_pass {
    struct stats_what what;
    size_t n_blocks;
    size_t width; /* times of one panel: as many as memory allows */
    int file_fd, spool_fd;
    struct worker worker[2]; /* the caller, the thread */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    size_t next; /* vector */
    bool *done;  /* of each vector */
    bool stop;
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
            return ds_fail_errno(err, DS_EIO, errno, "write");
        p += wrote;
        n -= (size_t)wrote;
        at += (uint64_t)wrote;
    }
    return 0;
}

/* Times first .. first+width of a block of rows. */
static int read_block(struct worker *w, size_t vector, size_t block, size_t first, size_t width)
{
    const struct stats_pass *p = w->pass;
    const struct dataset *ds = p->what.ds;
    const struct chunk_place *place = &p->what.place[vector * p->n_blocks + block];
    uint32_t row = (uint32_t)block * ds->block_rows;
    uint32_t n = dataset_rows_from(ds, row);
    size_t n_times = ds->axis.n;
    if (place->bytes > 0) {
        int rc = fs_pread_all(p->file_fd, w->packed, place->bytes, place->at, &w->err);
        if (rc < 0)
            return ds_wrap(&w->err, "%s", p->what.path);
        if (!chunk_unpack(w->packed, place->bytes, ds->block_rows * n_times, w->planes, w->chunk))
            return ds_fail(&w->err, DS_ECORRUPT, "%s: a chunk does not read back",
                           ds->vectors[vector].name);
    }
    for (uint32_t i = 0; i < n; i++) {
        float *to = w->values + (size_t)(row + i) * width;
        if (place->bytes > 0)
            memcpy(to, w->chunk + i * n_times + first, width * sizeof *to);
        for (size_t t = 0; place->bytes == 0 && t < width; t++)
            to[t] = NAN;
    }
    return 0;
}

static int do_panel(struct worker *w, size_t vector, size_t first, size_t width)
{
    struct stats_pass *p = w->pass;
    const struct dataset *ds = p->what.ds;
    for (size_t block = 0; block < p->n_blocks; block++) {
        int rc = read_block(w, vector, block, first, width);
        if (rc < 0)
            return rc;
    }
    stats_of_columns(w->values, ds->n_rows, width, width, p->what.take, w->scratch, w->out, width);
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < STAT_KINDS; k++)
        rc = pwrite_all(p->spool_fd, w->out + k * width, width * sizeof(double),
                        spool_offset(ds->axis.n, vector, k) + first * sizeof(double), &w->err);
    return rc < 0 ? ds_wrap(&w->err, "%s", p->what.spool_path) : 0;
}

static int do_vector(struct worker *w, size_t vector)
{
    size_t n_times = w->pass->what.ds->axis.n, width = w->pass->width;
    int rc = 0;
    for (size_t t = 0; rc == 0 && t < n_times; t += width)
        rc = do_panel(w, vector, t, n_times - t < width ? n_times - t : width);
    return rc;
}

/* ---- who does which ---- */

/* With the lock held. Does the next vector without it; false: there is none. */
static bool do_next(struct worker *w)
{
    struct stats_pass *p = w->pass;
    if (p->stop || p->next >= p->what.ds->n_vectors)
        return false;
    size_t vector = p->next++;
    (void)pthread_mutex_unlock(&p->lock);
    int rc = do_vector(w, vector);
    (void)pthread_mutex_lock(&p->lock);
    w->rc = rc;
    p->done[vector] = rc == 0;
    p->stop = p->stop || rc < 0;
    (void)pthread_cond_broadcast(&p->changed);
    return true;
}

static void *help(void *context)
{
    struct worker *w = context;
    (void)pthread_mutex_lock(&w->pass->lock);
    while (do_next(w))
        ;
    (void)pthread_mutex_unlock(&w->pass->lock);
    return NULL;
}

/* Help until a vector is done, or nothing more will be. */
static bool wait_done(struct stats_pass *p, size_t vector)
{
    (void)pthread_mutex_lock(&p->lock);
    while (!p->done[vector] && !p->stop)
        if (!do_next(&p->worker[0]) && !p->done[vector] && !p->stop)
            (void)pthread_cond_wait(&p->changed, &p->lock);
    bool done = p->done[vector];
    (void)pthread_mutex_unlock(&p->lock);
    return done;
}

static int what_failed(const struct stats_pass *p, struct ds_err *err)
{
    for (size_t i = 0; i < DS_COUNT(p->worker); i++)
        if (p->worker[i].rc < 0) {
            if (err)
                *err = p->worker[i].err;
            return p->worker[i].rc;
        }
    return ds_fail(err, DS_EIO, "statistics were stopped");
}

int stats_pass_next(void *pass, size_t vector, double *out, struct ds_err *err)
{
    struct stats_pass *p = pass;
    if (!wait_done(p, vector))
        return what_failed(p, err);
    if (p->what.tick && p->what.tick(p->what.context) < 0)
        return ds_fail(err, DS_EINTR, "interrupted; the dataset is as it was");
    return fs_pread_all(p->spool_fd, out, STAT_KINDS * p->what.ds->axis.n * sizeof *out,
                        spool_offset(p->what.ds->axis.n, vector, 0), err);
}

/* ---- start and end ---- */

static void worker_start(struct worker *w, struct stats_pass *p)
{
    const struct dataset *ds = p->what.ds;
    size_t chunk = ds->block_rows * ds->axis.n;
    *w = (struct worker){.pass = p};
    w->packed = malloc(chunk_most_bytes(chunk));
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

static int open_files(struct stats_pass *p, struct ds_err *err)
{
    p->file_fd = open(p->what.path, O_RDONLY | O_CLOEXEC);
    if (p->file_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", p->what.path);
    p->spool_fd = open(p->what.spool_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (p->spool_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", p->what.spool_path);
    return 0;
}

int stats_pass_start(const struct stats_what *what, struct stats_pass **out, struct ds_err *err)
{
    const struct dataset *ds = what->ds;
    struct stats_pass *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct stats_pass){.what = *what,
                             .n_blocks = dataset_blocks(ds),
                             .file_fd = -1,
                             .spool_fd = -1,
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .changed = PTHREAD_COND_INITIALIZER};
    size_t width = what->memory_bytes / 2 / (ds->n_rows * sizeof(float));
    p->width = width < 1 ? 1 : width > ds->axis.n ? ds->axis.n : width;
    p->done = calloc(ds->n_vectors + 1, sizeof *p->done);
    if (!p->done)
        abort();
    for (size_t i = 0; i < DS_COUNT(p->worker); i++)
        worker_start(&p->worker[i], p);
    int rc = open_files(p, err);
    if (rc < 0) {
        stats_pass_end(p);
        return rc;
    }
    p->threaded = pthread_create(&p->thread, NULL, help, &p->worker[1]) == 0;
    *out = p;
    return 0;
}

void stats_pass_end(struct stats_pass *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_mutex_unlock(&p->lock);
    if (p->threaded)
        (void)pthread_join(p->thread, NULL);
    for (size_t i = 0; i < DS_COUNT(p->worker); i++)
        worker_end(&p->worker[i]);
    fs_close_at(&p->file_fd);
    fs_close_at(&p->spool_fd);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p->done);
    free(p);
}
