/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/schema.h"

#include "collector/names.h"

void schema_init(struct schema *s, struct ds_arena *a)
{
    *s = (struct schema){.arena = a};
}

static uint32_t hash_of(struct ds_span key, uint32_t occurrence)
{
    uint32_t h = ds_span_hash(key) + occurrence * 0x9e3779b9u;
    return h ^ h >> 15;
}

static uint32_t place_of(const struct schema *s, struct ds_span key, uint32_t occurrence)
{
    uint32_t at = hash_of(key, occurrence) & s->mask;
    while (s->table[at]) {
        const struct dataset_vector *v = &s->vectors[s->table[at] - 1];
        if (v->occurrence == occurrence && ds_span_eq(v->key, key))
            break;
        at = (at + 1) & s->mask;
    }
    return at;
}

uint32_t schema_find(const struct schema *s, struct ds_span key, uint32_t occurrence)
{
    if (s->n == 0)
        return SCHEMA_NONE;
    uint32_t found = s->table[place_of(s, key, occurrence)];
    return found ? found - 1 : SCHEMA_NONE;
}

static bool grow(struct schema *s)
{
    uint32_t room = s->room ? s->room * 2 : 256;
    struct dataset_vector *vectors = ds_new(s->arena, struct dataset_vector, room);
    uint32_t *table = ds_new(s->arena, uint32_t, (size_t)room * 2);
    if (!vectors || !table)
        return false;
    if (s->n > 0)
        memcpy(vectors, s->vectors, s->n * sizeof *vectors);
    s->vectors = vectors;
    s->table = table;
    s->room = room;
    s->mask = room * 2 - 1;
    for (uint32_t i = 0; i < s->n; i++)
        s->table[place_of(s, vectors[i].key, vectors[i].occurrence)] = i + 1;
    return true;
}

static bool copy_text(struct ds_arena *a, struct dataset_vector *v)
{
    struct ds_span *texts[] = {&v->key, &v->unit, &v->keyword, &v->wgname, &v->lgr};
    for (size_t i = 0; i < DS_COUNT(texts); i++) {
        *texts[i] = texts[i]->len ? arena_copy(a, *texts[i]) : DS_SPAN("");
        if (!texts[i]->ptr)
            return false;
    }
    char name[NAMES_BYTES];
    names_of_vector(v->key, v->occurrence, name);
    v->name = arena_cstr(a, ds_span_of(name));
    return v->name != NULL;
}

int schema_add(struct schema *s, const struct dataset_vector *v, uint32_t *index,
               struct ds_err *err)
{
    if (s->n == SCHEMA_MAX_VECTORS)
        return ds_fail(err, DS_ETOOBIG,
                       "the cases have more than %u vectors; choose with collect.vectors",
                       SCHEMA_MAX_VECTORS);
    struct dataset_vector copy = *v;
    if ((s->n == s->room && !grow(s)) || !copy_text(s->arena, &copy))
        return ds_fail(err, DS_ETOOBIG, "no room for %u vectors", s->n + 1);
    s->table[place_of(s, copy.key, copy.occurrence)] = s->n + 1;
    s->vectors[s->n] = copy;
    *index = s->n++;
    return 0;
}
