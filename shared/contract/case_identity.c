/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The identity of a case (docs/identity.md): a text in which every part says its own length,
 * hashed. The part that all cases of a design share is made once. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "decksweep/plan.h"

#include <assert.h>
#include <stdlib.h>

#define IDENTITY_MAX_BYTES ((size_t)64 << 20)

struct case_hasher {
    struct ds_buf text;   /* the shared part, then one case's */
    size_t n_shared;      /* bytes of it */
    size_t n;             /* parameters */
    struct ds_span *name; /* each ready as "<length>:<name>\n", inside names */
    struct ds_buf names;
};

/* "<length>:<bytes>\n" */
static void put_part(struct ds_buf *b, struct ds_span s)
{
    char digits[24];
    size_t at = sizeof digits, n = s.len;
    digits[--at] = ':';
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    (void)buf_put(b, digits + at, sizeof digits - at);
    (void)buf_put_span(b, s);
    (void)buf_put_char(b, '\n');
}

static void put_list(struct ds_buf *b, const char *what, const struct ds_span *list, size_t n)
{
    (void)buf_printf(b, "%s %zu\n", what, n);
    for (size_t i = 0; i < n; i++)
        put_part(b, list[i]);
}

static void put_shared(struct ds_buf *b, const struct case_identity *s, size_t n_params)
{
    (void)buf_printf(b, "decksweep-case %d\nbase %.64s\n", PLAN_RULE_VERSION, s->base_digest);
    if (s->preset_flow)
        (void)buf_put_text(b, "preset flow\n");
    else
        put_list(b, "command", s->command, s->n_command);
    put_list(b, "args", s->args, s->n_args);
    (void)buf_put_text(b, "version ");
    put_part(b, s->version);
    (void)buf_printf(b, "ranks %u\nparameters %zu\n", s->ranks, n_params);
}

struct case_hasher *case_hasher_create(const struct case_identity *shared,
                                       const struct ds_span *names, size_t n)
{
    struct case_hasher *h = malloc(sizeof *h);
    struct ds_span *name = calloc(n ? n : 1, sizeof *name);
    size_t *end = calloc(n ? n : 1, sizeof *end);
    if (!h || !name || !end)
        abort();
    *h = (struct case_hasher){.n = n, .name = name};
    buf_init(&h->text, IDENTITY_MAX_BYTES);
    buf_init(&h->names, IDENTITY_MAX_BYTES);
    put_shared(&h->text, shared, n);
    h->n_shared = h->text.len;
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || ds_span_compare(names[i - 1], names[i]) < 0);
        put_part(&h->names, names[i]);
        end[i] = h->names.len;
    }
    for (size_t i = 0; i < n; i++) { /* the buffer moves no more */
        size_t start = i > 0 ? end[i - 1] : 0;
        h->name[i] = (struct ds_span){h->names.data + start, end[i] - start};
    }
    free(end);
    return h;
}

void case_hasher_destroy(struct case_hasher *h)
{
    if (!h)
        return;
    buf_clear(&h->text);
    buf_clear(&h->names);
    free(h->name);
    free(h);
}

struct case_id case_hasher_id(struct case_hasher *h, const struct ds_span *values)
{
    char hex[SHA256_HEX_BYTES];
    struct case_id id;
    h->text.len = h->n_shared;
    for (size_t i = 0; i < h->n; i++) {
        (void)buf_put_span(&h->text, h->name[i]);
        put_part(&h->text, values[i]);
    }
    assert(!h->text.failed); /* names and values are bounded by the parser */
    sha256_of(h->text.data, h->text.len, hex);
    memcpy(id.hex, hex, sizeof id.hex);
    return id;
}

struct case_id case_identity_of(const struct case_identity *shared, const struct ds_span *names,
                                const struct ds_span *values, size_t n)
{
    struct case_hasher *h = case_hasher_create(shared, names, n);
    struct case_id id = case_hasher_id(h, values);
    case_hasher_destroy(h);
    return id;
}

uint32_t case_id_count_distinct(const struct case_id *ids, uint32_t n, struct ds_arena *a)
{
    size_t room = 16;
    while (room < (size_t)n * 2)
        room *= 2;
    uint32_t *slot = ds_new(a, uint32_t, room), distinct = 0;
    if (!slot)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t at = case_id_hash(ids[i]) & (room - 1);
        while (slot[at] != 0 && !case_id_eq(ids[slot[at] - 1], ids[i]))
            at = (at + 1) & (room - 1);
        distinct += slot[at] == 0;
        slot[at] = i + 1;
    }
    return distinct;
}
