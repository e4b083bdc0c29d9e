/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/pack_io.h"

#include "collector/chunk.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 4u /* chunks on their way: two are packed while others wait for their turn */

enum slot_state { SLOT_FREE, SLOT_POSTED, SLOT_TAKEN, SLOT_DONE };

struct slot {
    enum slot_state state;
    struct chunk_packer *packer;
    const float *values;
    float *padded; /* a whole chunk for a last, shorter block */
    const unsigned char *packed;
    size_t bytes;
};

struct pack_pool {
    size_t rows, row_values; /* of a chunk */
    size_t have;             /* values of a vector in this block */
    struct slot slot[SLOTS]; /* vector v uses slot v % SLOTS */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* of the slots' states, and of what follows */
    pthread_cond_t changed;
    bool end;
};

static bool has_value(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

/* HDF5's chunks are all whole: beyond the last row stands the fill value. */
static void pack_slot(const struct pack_pool *p, struct slot *s)
{
    size_t whole = p->rows * p->row_values;
    const float *values = s->values;
    s->bytes = 0;
    if (!has_value(values, p->have))
        return;
    if (p->have < whole) {
        memcpy(s->padded, values, p->have * sizeof *values);
        for (size_t i = p->have; i < whole; i++)
            s->padded[i] = NAN;
        values = s->padded;
    }
    s->bytes = chunk_pack(s->packer, values, &s->packed);
}

/* With the lock held, which is let go meanwhile. Packs the first slot that nobody has taken,
 * counted from vector `from`; false: there is none. */
static bool pack_one(struct pack_pool *p, size_t from)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &p->slot[(from + i) % SLOTS];
        if (s->state != SLOT_POSTED)
            continue;
        s->state = SLOT_TAKEN;
        (void)pthread_mutex_unlock(&p->lock);
        pack_slot(p, s);
        (void)pthread_mutex_lock(&p->lock);
        s->state = SLOT_DONE;
        (void)pthread_cond_broadcast(&p->changed);
        return true;
    }
    return false;
}

static void *help(void *context)
{
    struct pack_pool *p = context;
    (void)pthread_mutex_lock(&p->lock);
    while (!p->end)
        if (!pack_one(p, 0))
            (void)pthread_cond_wait(&p->changed, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pack_pool *pack_pool_create(size_t rows, size_t row_values)
{
    struct pack_pool *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct pack_pool){.rows = rows,
                            .row_values = row_values,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    for (size_t i = 0; i < SLOTS; i++) {
        p->slot[i].packer = chunk_packer_create(rows * row_values, row_values);
        p->slot[i].padded = malloc(rows * row_values * sizeof(float) + 1);
        if (!p->slot[i].padded)
            abort();
    }
    p->threaded = pthread_create(&p->thread, NULL, help, p) == 0;
    return p;
}

void pack_pool_destroy(struct pack_pool *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->end = true;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    if (p->threaded)
        (void)pthread_join(p->thread, NULL);
    for (size_t i = 0; i < SLOTS; i++) {
        chunk_packer_destroy(p->slot[i].packer);
        free(p->slot[i].padded);
    }
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

/* With the lock held. Pack, or wait for the helper, until vector v is done. */
static void finish_slot(struct pack_pool *p, size_t v)
{
    while (p->slot[v % SLOTS].state != SLOT_DONE)
        if (!pack_one(p, v) && p->slot[v % SLOTS].state != SLOT_DONE)
            (void)pthread_cond_wait(&p->changed, &p->lock);
}

int pack_pool_run(struct pack_pool *p, const float *slab, size_t n_vectors, size_t rows,
                  pack_ready_f ready, void *context, struct ds_err *err)
{
    size_t posted = 0;
    int rc = 0;
    (void)pthread_mutex_lock(&p->lock);
    p->have = rows * p->row_values;
    for (size_t v = 0; v < n_vectors; v++) {
        for (; rc == 0 && posted < n_vectors && posted < v + SLOTS; posted++)
            p->slot[posted % SLOTS] = (struct slot){.state = SLOT_POSTED,
                                                    .packer = p->slot[posted % SLOTS].packer,
                                                    .padded = p->slot[posted % SLOTS].padded,
                                                    .values = slab + posted * p->have};
        if (v >= posted)
            break; /* after a failure: all that was posted is done */
        (void)pthread_cond_broadcast(&p->changed);
        finish_slot(p, v);
        const struct slot *s = &p->slot[v % SLOTS];
        (void)pthread_mutex_unlock(&p->lock);
        if (rc == 0)
            rc = ready(context, v, s->packed, s->bytes, err);
        (void)pthread_mutex_lock(&p->lock);
        p->slot[v % SLOTS].state = SLOT_FREE;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}
