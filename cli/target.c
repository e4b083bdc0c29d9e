/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/target.h"

#include "base/path.h"
#include "base/units.h"

#define LEAST_PREFIX 4u

static bool is_label(struct ds_span name)
{
    if (name.len == 0 || name.len > SWEEP_MAX_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool edge = i == 0 || i + 1 == name.len;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && !edge)))
            return false;
    }
    return true;
}

static struct ds_span without_trailing_slashes(struct ds_span s)
{
    while (s.len > 1 && s.ptr[s.len - 1] == '/')
        s.len--;
    return s;
}

static int fail_path_asked(struct ds_span text, struct ds_err *err)
{
    return ds_fail(err, DS_EINPUT,
                   "%.*s is a path, but -n, --context and --kubeconfig ask for a Sweep in a "
                   "cluster: give its name, or leave them out",
                   DS_FMT(text));
}

static int parse_path(struct ds_span text, struct ds_arena *a, struct target_words *w,
                      struct ds_err *err)
{
    bool remote = ds_span_starts(text, "s3://");
    struct ds_span path = remote ? text : path_normalise(a, text);
    if (!path.ptr)
        return ds_fail(err, DS_ETOOBIG, "TARGET is too long");
    w->kind = TARGET_PATH;
    w->sweep = path_base(path);
    w->store = path_dir(path);
    if (w->store.len == 0)
        w->store = DS_SPAN(".");
    if (!is_label(w->sweep))
        return ds_fail(err, DS_EINPUT,
                       "TARGET %.*s does not end in a sweep's name (small letters, digits, '-'): "
                       "give <store>/<sweep>, a sweep file, or the name of a Sweep in a cluster",
                       DS_FMT(text));
    return 0;
}

int target_parse(struct ds_span text, struct target_facts facts, struct ds_arena *a,
                 struct target_words *out, struct ds_err *err)
{
    struct target_words w = {.kind = TARGET_NAME, .in_cluster = true};
    int rc = 0;
    if (text.len == 0)
        return ds_fail(err, DS_EINPUT,
                       "TARGET is empty: give <store>/<sweep>, a sweep file, or the name of a "
                       "Sweep in a cluster");
    if (ds_span_starts(text, "pvc://"))
        return ds_fail(err, DS_EINPUT,
                       "%.*s is a volume of a cluster: give the name of the Sweep with -n "
                       "NAMESPACE; outside of a cluster the folder where it is mounted as TARGET, "
                       "or --store to `decksweep run`",
                       DS_FMT(text));
    text = without_trailing_slashes(text);
    bool is_path = memchr(text.ptr, '/', text.len) != NULL || ds_span_is(text, ".")
                   || ds_span_is(text, "..") || (facts.is_folder && !facts.asked);
    if (ds_span_ends(text, ".yaml") || ds_span_ends(text, ".yml")) {
        w.kind = TARGET_FILE;
        w.in_cluster = facts.asked;
    } else if (is_path && facts.asked) {
        return fail_path_asked(text, err);
    } else if (is_path || (!facts.asked && (!facts.has_cluster || !is_label(text)))) {
        w.in_cluster = false;
        rc = parse_path(text, a, &w, err);
    } else if (is_label(text)) {
        w.sweep = text;
    } else {
        rc = ds_fail(err, DS_EINPUT,
                     "%.*s is no name of a Sweep (small letters, digits, '-', at most %u)",
                     DS_FMT(text), (unsigned)SWEEP_MAX_NAME_BYTES);
    }
    if (rc == 0)
        *out = w;
    return rc;
}

static bool is_hex(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return s.len > 0;
}

/* First row whose id starts with text; *several: rows with another such id. */
static int64_t find_id_start(const struct design *d, struct ds_span text, bool *several)
{
    int64_t found = -1;
    *several = false;
    for (uint32_t i = 0; i < d->n_rows; i++) {
        if (memcmp(d->id[i].hex, text.ptr, text.len) != 0)
            continue;
        if (found < 0)
            found = i;
        else if (!case_id_eq(d->id[i], d->id[found]))
            *several = true;
    }
    return found;
}

int target_find_case(const struct design *d, struct ds_span text, uint32_t *row, struct ds_err *err)
{
    uint64_t number;
    int64_t found = -1;
    bool several = false;
    if (d->n_rows == 0)
        return ds_fail(err, DS_EINPUT, "the design has no cases");
    if (units_parse_u64(text, UINT32_MAX, &number, NULL) == 0)
        found = design_find_number(d, (uint32_t)number);
    if (found < 0 && is_hex(text) && text.len >= LEAST_PREFIX && text.len <= CASE_ID_CHARS)
        found = find_id_start(d, text, &several);
    if (several)
        return ds_fail(err, DS_EINPUT,
                       "several cases have ids that start with %.*s: give more of it",
                       DS_FMT(text));
    if (found < 0)
        return ds_fail(err, DS_EINPUT,
                       "no case %.*s: CASE is a number from %u to %u that the design has, or an id "
                       "of 16 hexadecimal digits",
                       DS_FMT(text), d->number[0], d->number[d->n_rows - 1]);
    *row = (uint32_t)found;
    return 0;
}

bool target_archive_key(const struct design *d, const struct case_tally *t,
                        char out[RESULT_KEY_BYTES])
{
    struct result_key key = {.id = d->id[t->row]};
    if (t->keep[0] != '\0') {
        key.kind = KEY_CASE;
        key.verdict = VERDICT_OK;
        memcpy(key.keep, t->keep, sizeof key.keep);
    } else if (t->last_failed_attempt > 0) {
        key.kind = KEY_FAILED;
        key.attempt = t->last_failed_attempt;
        key.verdict = t->last_verdict;
        key.limit = t->last_limit;
    } else {
        return false;
    }
    result_key_encode(&key, out);
    return true;
}

void target_put_params(struct json_writer *w, const struct plan *p, const struct design *d,
                       const struct ds_span *cells)
{
    jw_key(w, "parameters");
    jw_object(w);
    for (size_t i = 0; i < d->n_params; i++) {
        double number;
        bool is_number = i < p->n_params && p->params[i].is_number;
        jw_key_span(w, d->names[i]);
        if (is_number && units_parse_double(cells[i], &number, NULL) == 0)
            jw_double(w, number);
        else
            jw_text(w, cells[i]);
    }
    jw_end_object(w);
}
