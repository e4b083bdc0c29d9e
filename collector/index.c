/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/index.h"

static uint32_t table_size(uint32_t n_rows)
{
    uint32_t size = 16;
    while (size < 2 * n_rows)
        size *= 2;
    return size;
}

/* The table's place for id: its slot, or the free place where it belongs. */
static uint32_t place_of(const struct index *x, struct case_id id)
{
    uint32_t at = (uint32_t)case_id_hash(id) & x->mask;
    while (x->table[at] && !case_id_eq(x->design->id[x->slots[x->table[at] - 1].first_row], id))
        at = (at + 1) & x->mask;
    return at;
}

int index_start(const struct design *d, struct ds_arena *a, struct index *out, struct ds_err *err)
{
    uint32_t size = table_size(d->n_rows);
    struct index x = {.mask = size - 1, .arena = a, .design = d};
    x.table = ds_new(a, uint32_t, size);
    x.slots = ds_new(a, struct index_slot, d->n_rows);
    x.slot_of_row = ds_new(a, uint32_t, d->n_rows);
    if (!x.table || !x.slots || !x.slot_of_row)
        return ds_fail(err, DS_ETOOBIG, "no room for an index of %u cases", d->n_rows);
    for (uint32_t row = 0; row < d->n_rows; row++) {
        uint32_t at = place_of(&x, d->id[row]);
        if (!x.table[at]) {
            x.slots[x.n_slots] = (struct index_slot){.first_row = row, .key = DS_SPAN("")};
            x.table[at] = ++x.n_slots;
        }
        x.slot_of_row[row] = x.table[at] - 1;
    }
    *out = x;
    return 0;
}

/* Is an archive with keep word `word` a better source than the one the slot has? Ties go
 * by the text, so that the order of the listing does not matter. */
static bool better_keep(const char *word, const char *than)
{
    bool has = strchr(word, 's') != NULL, had = strchr(than, 's') != NULL;
    if (has != had)
        return has;
    size_t n = strlen(word), m = strlen(than);
    return n != m ? n > m : strcmp(word, than) < 0;
}

static bool is_better(const struct index_slot *slot, const struct result_key *k, struct ds_span key)
{
    if (k->kind == KEY_CASE)
        return slot->verdict != VERDICT_OK || better_keep(k->keep, slot->keep);
    if (slot->verdict == VERDICT_OK)
        return false;
    if (slot->verdict == VERDICT_NONE || k->attempt != slot->attempt)
        return k->attempt > slot->attempt;
    return ds_span_compare(key, slot->key) < 0; /* two verdicts with one number */
}

int index_add(struct index *x, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms,
              struct ds_err *err)
{
    struct result_key k = result_key_decode(key);
    if (k.kind != KEY_CASE && k.kind != KEY_FAILED)
        return 0;
    uint32_t found = x->table[place_of(x, k.id)];
    if (!found)
        return 0;
    struct index_slot *slot = &x->slots[found - 1];
    if (k.kind == KEY_FAILED)
        slot->n_failed++;
    if (!is_better(slot, &k, key))
        return 0;
    struct ds_span kept = arena_copy(x->arena, key);
    if (!kept.ptr)
        return ds_fail(err, DS_ETOOBIG, "no room for the keys of %u cases", x->n_slots);
    slot->key = kept;
    slot->size_bytes = size_bytes;
    slot->mtime_ms = mtime_ms;
    slot->verdict = k.kind == KEY_CASE ? VERDICT_OK : k.verdict;
    slot->attempt = k.kind == KEY_CASE ? 0 : k.attempt;
    memcpy(slot->keep, k.keep, sizeof slot->keep);
    return 0;
}
