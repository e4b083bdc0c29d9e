/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all kinds of objects share, and what is small. */
#include "base/units.h"
#include "base/utf8.h"
#include "scheduler/views_parts.h"

const char *take_span(struct taking *t, struct ds_span text, size_t max)
{
    char *copy;
    if (text.len == 0)
        return "";
    if (text.len > max) {
        text.len = max;
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    copy = arena_cstr(t->a, text);
    if (!copy)
        t->full = true;
    return copy ? copy : "";
}

const char *take_text(struct taking *t, const struct json *j, size_t max)
{
    return take_span(t, json_span(j), max);
}

int take_check(const struct taking *t, const char *what, struct ds_err *err)
{
    return t->full ? ds_fail(err, DS_ETOOBIG, "%s: too large", what) : 0;
}

const struct json *json_at2(const struct json *j, const char *outer, const char *inner)
{
    return json_get(json_get(j, outer), inner);
}

struct ds_span json_span(const struct json *j)
{
    struct ds_span text = {"", 0};
    (void)json_text(j, &text);
    return text;
}

bool json_says(const struct json *j, const char *key, const char *text)
{
    struct ds_span is;
    return json_text(json_get(j, key), &is) && ds_span_is(is, text);
}

int64_t json_time(const struct json *j)
{
    struct ds_span whole = json_span(j), head;
    char text[24];
    int64_t s = 0;
    if (whole.len > 40)
        return 0;
    (void)ds_span_cut(whole, '.', &head);
    if (head.len == whole.len)
        return units_parse_date(whole, &s, NULL) == 0 ? s : 0;
    if (head.len + 2 > sizeof text) /* the Z that went with the fraction */
        return 0;
    memcpy(text, head.ptr, head.len);
    text[head.len] = 'Z';
    return units_parse_date((struct ds_span){text, head.len + 1}, &s, NULL) == 0 ? s : 0;
}

uint32_t json_count_of(const struct json *j, const char *key)
{
    uint64_t n = 0;
    (void)json_u64(json_get(j, key), INT32_MAX, &n);
    return (uint32_t)n;
}

uint32_t json_digits(const struct json *j)
{
    uint64_t n = 0;
    return units_parse_u64(json_span(j), INT32_MAX, &n, NULL) == 0 ? (uint32_t)n : 0;
}

const struct json *json_find(const struct json *list, const char *key, const char *text)
{
    for (const struct json *at = json_first(list); at; at = json_next(at))
        if (json_says(at, key, text))
            return at;
    return NULL;
}

static const struct json *find_controller(const struct json *metadata)
{
    bool is;
    for (const struct json *o = json_first(json_get(metadata, "ownerReferences")); o;
         o = json_next(o))
        if (json_bool(json_get(o, "controller"), &is) && is)
            return o;
    return NULL;
}

int object_ref_decode(const struct json *object, struct ds_arena *a, struct object_ref *out,
                      struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *m = json_get(object, "metadata"), *labels = json_get(m, "labels");
    const struct json *owner = find_controller(m);
    *out = (struct object_ref){
        .kind = take_text(&t, json_get(object, "kind"), VIEW_NAME_BYTES),
        .namespace_ = take_text(&t, json_get(m, "namespace"), VIEW_NAME_BYTES),
        .name = take_text(&t, json_get(m, "name"), VIEW_NAME_BYTES),
        .uid = take_text(&t, json_get(m, "uid"), VIEW_NAME_BYTES),
        .resource_version = take_text(&t, json_get(m, "resourceVersion"), VIEW_NAME_BYTES),
        .sweep = take_text(&t, json_get(labels, LABEL_SWEEP), VIEW_NAME_BYTES),
        .sweep_kind = take_text(&t, json_get(labels, LABEL_KIND), VIEW_NAME_BYTES),
        .owner_kind = take_text(&t, json_get(owner, "kind"), VIEW_NAME_BYTES),
        .owner_uid = take_text(&t, json_get(owner, "uid"), VIEW_NAME_BYTES),
        .owner_name = take_text(&t, json_get(owner, "name"), VIEW_NAME_BYTES),
        .deleting = json_time(json_get(m, "deletionTimestamp")) != 0,
    };
    if (out->name[0] == '\0' || out->uid[0] == '\0')
        return ds_fail(err, DS_EPARSE, "an object without name or uid");
    return take_check(&t, "object", err);
}

/* Events come as core/v1 (involvedObject, message, lastTimestamp, count) or events.k8s.io/v1
 * (regarding, note, eventTime, deprecatedLastTimestamp, series). */
static int64_t event_time(const struct json *e)
{
    static const char *const KEYS[] = {"lastTimestamp", "deprecatedLastTimestamp", "eventTime",
                                       "firstTimestamp"};
    int64_t newest = json_time(json_at2(e, "series", "lastObservedTime"));
    for (size_t i = 0; i < DS_COUNT(KEYS); i++) {
        int64_t at = json_time(json_get(e, KEYS[i]));
        newest = at > newest ? at : newest;
    }
    return newest;
}

const char *event_list_failed_create(const struct json *list, const char *uid, int64_t since_s,
                                     struct ds_arena *a)
{
    struct taking t = {a, false};
    struct ds_span words = {"", 0};
    int64_t newest = since_s;
    for (const struct json *e = json_first(json_get(list, "items")); e; e = json_next(e)) {
        const struct json *about = json_get(e, "regarding");
        struct ds_span text = json_span(json_get(e, "message"));
        about = about ? about : json_get(e, "involvedObject");
        if (!json_says(e, "reason", "FailedCreate") || !json_says(about, "uid", uid))
            continue;
        int64_t at = event_time(e);
        if (at < newest)
            continue;
        newest = at;
        words = text.len > 0 ? text : json_span(json_get(e, "note"));
    }
    return take_span(&t, words, STATUS_TEXT_BYTES);
}

/* A quantity: sign, digits with a point, then a suffix or an exponent. */
static bool suffix_factor(struct ds_span suffix, double *factor)
{
    static const struct {
        const char *text;
        double factor;
    } SUFFIXES[] = {{"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},
                    {"k", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
                    {"P", 1e15},    {"E", 1e18},    {"Ki", 0x1p10}, {"Mi", 0x1p20},
                    {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
    for (size_t i = 0; i < DS_COUNT(SUFFIXES); i++)
        if (ds_span_is(suffix, SUFFIXES[i].text)) {
            *factor = SUFFIXES[i].factor;
            return true;
        }
    return false;
}

bool quantity_parse(struct ds_span text, uint64_t per_unit, uint64_t *out)
{
    double number, factor = 1, whole;
    size_t digits = 0;
    if (text.len > 64)
        return false;
    while (digits < text.len
           && (strchr("0123456789.", text.ptr[digits]) || (digits == 0 && text.ptr[0] == '+')))
        digits++;
    struct ds_span head = {text.ptr, digits}, tail = {text.ptr + digits, text.len - digits};
    if (!suffix_factor(tail, &factor)) { /* an exponent: all of it is one number */
        head = text;
        factor = 1;
    }
    if (head.len == 0 || units_parse_double(head, &number, NULL) < 0 || number < 0)
        return false;
    number *= factor * (double)per_unit;
    if (!(number < 0x1p60))
        return false;
    whole = (double)(uint64_t)number;
    /* 0.1 x 1000 must stay 100: what is a rounding error above is no unit more. */
    *out = (uint64_t)number + (number - whole > 1e-6 ? 1 : 0);
    return true;
}
