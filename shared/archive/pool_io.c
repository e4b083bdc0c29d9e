/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/pool_io.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zstd.h>

#define MAX_THREADS 64u
#define SMALL_BYTES ((size_t)128 * 1024) /* below, handing over costs more than it gives */
#define KEEP_BYTES  ((size_t)1024 * 1024)
#define FIRST_BYTES ((size_t)16 * 1024)
#define EXTRA_JOBS  2u /* one being filled, one waiting */

struct job {
    unsigned char *in, *out;
    size_t in_room, out_room, in_len, out_len;
    bool finished;
    const char *error; /* of zstd; static text */
};

struct pool {
    int level;
    unsigned threads, started;
    ZSTD_CCtx *own; /* of the caller's thread */
    pthread_t ids[MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    bool stop;
    /* Jobs tail .. taken are with threads, taken .. head wait, head is being filled; these
     * count up for ever, a job's place is its number modulo n_jobs. */
    size_t tail, taken, head;
    size_t n_jobs;
    struct job jobs[MAX_THREADS + EXTRA_JOBS];
};

static void need(bool ok)
{
    if (!ok)
        abort();
}

static ZSTD_CCtx *create_context(int level)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    need(c && !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level))
         && !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    return c;
}

struct pool *pool_create(int level, unsigned threads)
{
    struct pool *p = calloc(1, sizeof *p);
    need(p != NULL);
    p->level = level;
    p->threads = threads < MAX_THREADS ? threads : MAX_THREADS;
    p->n_jobs = p->threads > 0 ? p->threads + EXTRA_JOBS : 1;
    p->own = create_context(level);
    need(pthread_mutex_init(&p->mutex, NULL) == 0 && pthread_cond_init(&p->work, NULL) == 0
         && pthread_cond_init(&p->done, NULL) == 0);
    return p;
}

void pool_destroy(struct pool *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->mutex);
    p->stop = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->started; i++)
        (void)pthread_join(p->ids[i], NULL);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_cond_destroy(&p->done);
    (void)pthread_mutex_destroy(&p->mutex);
    for (size_t i = 0; i < p->n_jobs; i++) {
        free(p->jobs[i].in);
        free(p->jobs[i].out);
    }
    (void)ZSTD_freeCCtx(p->own);
    free(p);
}

static void need_out(struct job *j)
{
    size_t n = ZSTD_compressBound(j->in_len);
    if (n <= j->out_room)
        return;
    free(j->out);
    j->out = malloc(n);
    need(j->out != NULL);
    j->out_room = n;
}

static void compress(ZSTD_CCtx *c, struct job *j)
{
    need_out(j);
    j->out_len = ZSTD_compress2(c, j->out, j->out_room, j->in, j->in_len);
    j->error = ZSTD_isError(j->out_len) ? ZSTD_getErrorName(j->out_len) : NULL;
}

static void *run_thread(void *argument)
{
    struct pool *p = argument;
    ZSTD_CCtx *c = create_context(p->level);
    (void)pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (!p->stop && p->taken == p->head)
            (void)pthread_cond_wait(&p->work, &p->mutex);
        if (p->stop)
            break;
        struct job *j = &p->jobs[p->taken++ % p->n_jobs];
        (void)pthread_mutex_unlock(&p->mutex);
        compress(c, j);
        (void)pthread_mutex_lock(&p->mutex);
        j->finished = true;
        (void)pthread_cond_signal(&p->done);
    }
    (void)pthread_mutex_unlock(&p->mutex);
    (void)ZSTD_freeCCtx(c);
    return NULL;
}

/* Signals stay with the thread that expects them. Without any thread the caller does it all. */
static void start_threads(struct pool *p)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->started < p->threads && pthread_create(&p->ids[p->started], NULL, run_thread, p) == 0)
        p->started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (p->started == 0)
        p->threads = 0;
}

unsigned char *pool_buffer(struct pool *p, size_t n)
{
    struct job *j = &p->jobs[p->head % p->n_jobs];
    if (n > j->in_room) {
        size_t room = j->in_room ? j->in_room * 2 : FIRST_BYTES;
        room = room < n ? n : room;
        j->in = realloc(j->in, room);
        need(j->in != NULL);
        j->in_room = room;
    }
    return j->in;
}

static int take_back(struct pool *p, pool_done_f done, void *context, struct ds_err *err)
{
    struct job *j = &p->jobs[p->tail % p->n_jobs];
    (void)pthread_mutex_lock(&p->mutex);
    while (!j->finished)
        (void)pthread_cond_wait(&p->done, &p->mutex);
    (void)pthread_mutex_unlock(&p->mutex);
    j->finished = false;
    p->tail++;
    if (!done)
        return 0;
    if (j->error)
        return ds_fail(err, DS_EIO, "zstd: %s", j->error);
    return done(context, j->out, j->out_len, err);
}

static int submit_to_threads(struct pool *p, pool_done_f done, void *context, struct ds_err *err)
{
    (void)pthread_mutex_lock(&p->mutex);
    p->head++;
    (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->mutex);
    return p->head - p->tail == p->n_jobs ? take_back(p, done, context, err) : 0;
}

int pool_submit(struct pool *p, size_t n, pool_done_f done, void *context, struct ds_err *err)
{
    struct job *j = &p->jobs[p->head % p->n_jobs];
    j->in_len = n;
    if (p->threads > p->started && n >= SMALL_BYTES)
        start_threads(p);
    if (p->started > 0 && (n >= SMALL_BYTES || p->tail != p->head))
        return submit_to_threads(p, done, context, err);
    compress(p->own, j);
    if (j->error)
        return ds_fail(err, DS_EIO, "zstd: %s", j->error);
    return done(context, j->out, j->out_len, err);
}

int pool_drain(struct pool *p, pool_done_f done, void *context, struct ds_err *err)
{
    int first = 0;
    while (p->tail != p->head) {
        int rc = take_back(p, first == 0 ? done : NULL, context, err);
        first = first < 0 ? first : rc;
    }
    return first;
}

void pool_trim(struct pool *p)
{
    for (size_t i = 0; i < p->n_jobs; i++) {
        struct job *j = &p->jobs[i];
        if (j->in_room > KEEP_BYTES) {
            free(j->in);
            j->in = NULL;
            j->in_room = 0;
        }
        if (j->out_room > KEEP_BYTES) {
            free(j->out);
            j->out = NULL;
            j->out_room = 0;
        }
    }
}
