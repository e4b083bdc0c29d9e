/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-limits as numbers. One table names every key, its kind, range and default; the
 * comments of k8s/base/limits.yaml are held to it by tests/unit/test_limits.c. */
#include "scheduler/limits.h"

#include "base/json.h"
#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>

enum limit_kind { LIMIT_COUNT = 1, LIMIT_SIZE, LIMIT_SECONDS };

struct limit {
    const char *key, *fallback;
    enum limit_kind kind;
    bool may_be_none; /* 0 then */
    uint64_t min, max;
    size_t offset, size; /* in struct cluster_limits */
    const char *form;    /* for people */
};

#define MIB         (UINT64_C(1) << 20)
#define MAX_SIZE    (UINT64_C(1) << 50)
#define MAX_SECONDS UINT64_C(315360000) /* ten years */
#define INTO(member)                                                                               \
    .offset = offsetof(struct cluster_limits, member),                                             \
    .size = sizeof(((struct cluster_limits *)0)->member)

static const struct limit LIMITS[] = {
    {"worker-cores", "8", LIMIT_COUNT, false, 1, 4096, INTO(pods.worker_cores),
     .form = "a whole number, 1 to 4096"},
    {"worker-memory", "none", LIMIT_SIZE, true, 256 * MIB, MAX_SIZE, INTO(pods.worker_mem_bytes),
     .form = "a size, at least 256MiB, or none"},
    {"max-workers", "none", LIMIT_COUNT, true, 1, 100000, INTO(pods.max_workers),
     .form = "a whole number, 1 to 100000, or none"},
    {"max-chunks", "2000", LIMIT_COUNT, false, 1, RECONCILE_MAX_INDEXES, INTO(pods.max_chunks),
     .form = "a whole number, 1 to 4096"},
    {"chunk-duration", "10m", LIMIT_SECONDS, false, 10, 86400, INTO(pods.chunk_s),
     .form = "a duration, 10s to 1d"},
    {"census-cpus", "1", LIMIT_COUNT, false, 1, 64, INTO(census_cpus),
     .form = "a whole number, 1 to 64"},
    {"census-memory", "2GiB", LIMIT_SIZE, false, 256 * MIB, MAX_SIZE, INTO(census_mem_bytes),
     .form = "a size, at least 256MiB"},
    {"census-scratch", "8GiB", LIMIT_SIZE, false, 512 * MIB, MAX_SIZE, INTO(census_scratch_bytes),
     .form = "a size, at least 512MiB"},
    {"census-deadline", "none", LIMIT_SECONDS, true, 60, MAX_SECONDS, INTO(census_deadline_s),
     .form = "a duration, at least 1m, or none"},
    {"max-active-sweeps", "none", LIMIT_COUNT, true, 1, 1000000, INTO(max_sweeps_active),
     .form = "a whole number, at least 1, or none"},
};

/* True: *out is inside the limit's range, or 0 for none. */
static bool read_value(const struct limit *l, struct ds_span text, uint64_t *out)
{
    uint64_t v = 0;
    int rc = 0;
    if (l->may_be_none && ds_span_is(text, "none")) {
        *out = 0;
        return true;
    }
    switch (l->kind) {
    case LIMIT_COUNT:
        rc = units_parse_u64(text, l->max, &v, NULL);
        break;
    case LIMIT_SIZE:
        rc = units_parse_size(text, &v, NULL);
        break;
    case LIMIT_SECONDS:
        rc = units_parse_duration(text, &v, NULL);
        v /= 1000;
        break;
    }
    *out = v;
    return rc == 0 && v >= l->min && v <= l->max;
}

static void store(const struct limit *l, uint64_t value, struct cluster_limits *out)
{
    char *at = (char *)out + l->offset;
    uint32_t narrow = (uint32_t)value; /* ranges keep it below 2^32 */
    if (l->size == sizeof narrow)
        memcpy(at, &narrow, sizeof narrow);
    else
        memcpy(at, &value, sizeof value);
}

void limits_default(struct cluster_limits *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < DS_COUNT(LIMITS); i++) {
        uint64_t v = 0;
        (void)read_value(&LIMITS[i], ds_span_of(LIMITS[i].fallback), &v);
        store(&LIMITS[i], v, out);
    }
}

__attribute__((format(printf, 2, 3))) static void add_problem(struct limits_problems *p,
                                                              const char *format, ...)
{
    va_list args;
    if (p->n == LIMITS_MAX_PROBLEMS)
        return;
    va_start(args, format);
    (void)vsnprintf(p->text[p->n++], sizeof p->text[0], format, args);
    va_end(args);
}

static const struct limit *find_limit(struct ds_span key)
{
    for (size_t i = 0; i < DS_COUNT(LIMITS); i++)
        if (ds_span_is(key, LIMITS[i].key))
            return &LIMITS[i];
    return NULL;
}

static const char *nearest_key(struct ds_span key)
{
    const char *near = NULL;
    size_t best = 4;
    for (size_t i = 0; i < DS_COUNT(LIMITS); i++) {
        size_t d = ds_span_distance(key, ds_span_of(LIMITS[i].key), best);
        if (d < best) {
            best = d;
            near = LIMITS[i].key;
        }
    }
    return near;
}

static int shown(struct ds_span s)
{
    return s.len < 60 ? (int)s.len : 60;
}

static void read_member(const struct json *at, struct cluster_limits *out,
                        struct limits_problems *problems)
{
    struct ds_span key = json_key(at), text = {"", 0};
    const struct limit *l = find_limit(key);
    const char *near = l ? NULL : nearest_key(key);
    uint64_t v = 0;
    if (!l) {
        add_problem(problems, LIMITS_CONFIG_MAP ": %.*s: unknown key%s%s%s", shown(key), key.ptr,
                    near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return;
    }
    (void)json_text(at, &text); /* values of ConfigMaps are texts */
    text = ds_span_trim(text);
    if (read_value(l, text, &v))
        store(l, v, out);
    else
        add_problem(problems, LIMITS_CONFIG_MAP ": %s: '%.*s': write %s; the default %s is used",
                    l->key, shown(text), text.ptr, l->form, l->fallback);
}

void limits_read(const struct json *config_map, struct cluster_limits *out,
                 struct limits_problems *problems)
{
    limits_default(out);
    problems->n = 0;
    for (const struct json *at = json_first(json_get(config_map, "data")); at; at = json_next(at))
        read_member(at, out, problems);
}
