/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks form a list, newest first; a request larger than the block size gets a block of
 * its own behind the newest, so that the space left in that one is not lost. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define ALIGN       16u

struct block {
    struct block *older;
    size_t cap, used;
    alignas(16) unsigned char data[];
};

struct ds_arena {
    struct block *newest;
    size_t cap_bytes, used_bytes;
};

static struct block *block_create(size_t cap)
{
    struct block *b = malloc(sizeof *b + cap);
    if (!b)
        abort();
    b->older = NULL;
    b->cap = cap;
    b->used = 0;
    return b;
}

struct ds_arena *arena_create(size_t cap_bytes)
{
    struct ds_arena *a = malloc(sizeof *a);
    if (!a)
        abort();
    *a = (struct ds_arena){.cap_bytes = cap_bytes < 4096 ? 4096 : cap_bytes};
    return a;
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *older = b->older;
        free(b);
        b = older;
    }
}

void arena_destroy(struct ds_arena *a)
{
    if (!a)
        return;
    free_blocks(a->newest);
    free(a);
}

void arena_reset(struct ds_arena *a)
{
    if (a->newest && a->newest->cap <= BLOCK_BYTES) {
        free_blocks(a->newest->older);
        a->newest->older = NULL;
        a->newest->used = 0;
    } else {
        free_blocks(a->newest);
        a->newest = NULL;
    }
    a->used_bytes = 0;
}

size_t arena_used_bytes(const struct ds_arena *a)
{
    return a->used_bytes;
}

static struct block *block_with_room(struct ds_arena *a, size_t bytes)
{
    if (a->newest && a->newest->cap - a->newest->used >= bytes)
        return a->newest;
    if (bytes <= BLOCK_BYTES / 4 || !a->newest) {
        struct block *b = block_create(bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
        b->older = a->newest;
        a->newest = b;
        return b;
    }
    struct block *big = block_create(bytes);
    big->older = a->newest->older;
    a->newest->older = big;
    return big;
}

void *arena_take(struct ds_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - ALIGN)
        return NULL;
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (bytes == 0)
        bytes = ALIGN;
    if (bytes > a->cap_bytes - a->used_bytes)
        return NULL;
    struct block *b = block_with_room(a, bytes);
    void *p = b->data + b->used;
    b->used += bytes;
    a->used_bytes += bytes;
    return memset(p, 0, bytes);
}

char *arena_cstr(struct ds_arena *a, struct ds_span text)
{
    char *p = arena_take(a, text.len + 1, 1);
    if (p && text.len > 0)
        memcpy(p, text.ptr, text.len);
    return p;
}

struct ds_span arena_copy(struct ds_arena *a, struct ds_span text)
{
    char *p = arena_cstr(a, text);
    return p ? (struct ds_span){p, text.len} : (struct ds_span){NULL, 0};
}

struct ds_span arena_format(struct ds_arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    struct ds_span out = {NULL, 0};
    char *p = len < 0 ? NULL : arena_take(a, (size_t)len + 1, 1);
    if (p && vsnprintf(p, (size_t)len + 1, format, again) == len)
        out = (struct ds_span){p, (size_t)len};
    va_end(again);
    return out;
}
