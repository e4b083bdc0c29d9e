/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.h - memory for everything one parse, plan or message produces
 *
 * Blocks are taken as needed up to a cap given at birth; nothing is freed singly; all goes
 * at once with arena_destroy or arena_reset. Zeroed. Not thread-safe: one owner. */
#ifndef DS_BASE_ARENA_H
#define DS_BASE_ARENA_H

#include "decksweep/err.h"
#include "decksweep/span.h"

struct ds_arena;

/* cap_bytes: most that it will ever hand out (>= 4096). Aborts when the system has no
 * memory at all. gives: arena_destroy. */
struct ds_arena *arena_create(size_t cap_bytes);
void arena_destroy(struct ds_arena *a); /* NULL is legal */
void arena_reset(struct ds_arena *a);   /* forget everything, keep the first block */
size_t arena_used_bytes(const struct ds_arena *a);

/* n * size zeroed bytes aligned to 16, or NULL when the cap is reached or it overflows.
 * n == 0 gives a valid pointer. */
void *arena_take(struct ds_arena *a, size_t n, size_t size)
    __attribute__((malloc, alloc_size(2, 3)));
#define ds_new(a, type, n) ((type *)arena_take((a), (n), sizeof(type)))

/* A terminated copy; {NULL, 0} when the cap is reached. */
struct ds_span arena_copy(struct ds_arena *a, struct ds_span text);
/* A terminated copy as C string, or NULL. */
char *arena_cstr(struct ds_arena *a, struct ds_span text);
/* printf into the arena; {NULL, 0} when the cap is reached. */
struct ds_span arena_format(struct ds_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void arena_destroy_at(struct ds_arena **a)
{
    arena_destroy(*a);
}
#define ds_auto_arena __attribute__((cleanup(arena_destroy_at))) struct ds_arena *

#endif
