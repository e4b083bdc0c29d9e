/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/chunk.h"
#include "collector/pack_io.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, TIMES = 25, VECTORS = 50 };

static float slab[VECTORS * ROWS * TIMES];

/* Of every seventh vector no case has a value. */
static void fill(size_t rows)
{
    for (size_t v = 0; v < VECTORS; v++)
        for (size_t i = 0; i < rows * TIMES; i++)
            slab[v * rows * TIMES + i] =
                v % 7 == 3 ? NAN : (float)((v + 1) * 1000 + i * 2654435761u % (v + 2)) * 0.1f;
}

struct seen {
    size_t rows, next, stop_at;
    struct chunk_packer *packer; /* to compare with */
};

static int on_chunk(void *context, size_t v, const unsigned char *packed, size_t bytes,
                    struct ds_err *err)
{
    static float whole[ROWS * TIMES];
    struct seen *s = context;
    cr_expect_eq(v, s->next++, "in the order of the vectors");
    if (v == s->stop_at)
        return ds_fail(err, DS_ENOSPC, "full");
    cr_assert_eq(bytes == 0, v % 7 == 3, "vector %zu", v);
    if (bytes == 0)
        return 0;
    for (size_t i = 0; i < ROWS * TIMES; i++)
        whole[i] = i < s->rows * TIMES ? slab[v * s->rows * TIMES + i] : NAN;
    const unsigned char *want = NULL;
    cr_assert_eq(bytes, chunk_pack(s->packer, whole, &want));
    cr_expect_eq(memcmp(packed, want, bytes), 0, "vector %zu", v);
    return 0;
}

Test(pack, chunks_come_in_order_as_one_thread_would_pack_them)
{
    struct pack_pool *p = pack_pool_create(ROWS, TIMES);
    struct seen s = {.packer = chunk_packer_create(ROWS * TIMES, TIMES), .stop_at = SIZE_MAX};
    static const size_t BLOCKS[] = {ROWS, ROWS, ROWS - 1, 1, ROWS};
    for (size_t k = 0; k < 200; k++) {
        s.rows = BLOCKS[k % 5];
        s.next = 0;
        fill(s.rows);
        cr_assert_eq(pack_pool_run(p, slab, VECTORS, s.rows, on_chunk, &s, NULL), 0);
        cr_expect_eq(s.next, VECTORS);
    }
    cr_assert_eq(pack_pool_run(p, slab, 0, ROWS, on_chunk, &s, NULL), 0);
    chunk_packer_destroy(s.packer);
    pack_pool_destroy(p);
}

Test(pack, a_failure_ends_it_and_the_pool_works_on)
{
    struct ds_err err = {0};
    struct pack_pool *p = pack_pool_create(ROWS, TIMES);
    struct seen s = {.rows = ROWS, .packer = chunk_packer_create(ROWS * TIMES, TIMES)};
    fill(ROWS);
    for (size_t stop = 0; stop < VECTORS; stop++) {
        s.stop_at = stop;
        s.next = 0;
        cr_assert_eq(pack_pool_run(p, slab, VECTORS, ROWS, on_chunk, &s, &err), DS_ENOSPC);
        cr_expect_eq(s.next, stop + 1, "nothing after vector %zu", stop);
    }
    s.stop_at = SIZE_MAX;
    s.next = 0;
    cr_assert_eq(pack_pool_run(p, slab, VECTORS, ROWS, on_chunk, &s, &err), 0);
    cr_expect_eq(s.next, VECTORS);
    chunk_packer_destroy(s.packer);
    pack_pool_destroy(p);
}
