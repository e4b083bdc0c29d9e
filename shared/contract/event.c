/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One flat JSON object a line. Fields that do not apply are left out, so that a line costs
 * what it says; the decoder puts -1, NaN and "" back. */
#include "decksweep/event.h"

#include "base/json.h"

#include <math.h>

static const char *const kind_names[] = {
    [EVENT_WORKER] = "worker",     [EVENT_STAGED] = "staged",     [EVENT_STARTED] = "started",
    [EVENT_PROGRESS] = "progress", [EVENT_FINISHED] = "finished", [EVENT_COMMITTED] = "committed",
    [EVENT_FAILED] = "failed",     [EVENT_NOTE] = "note",         [EVENT_ENDED] = "ended",
};

void event_init(struct event *e, enum event_kind kind, int64_t at_ms)
{
    memset(e, 0, offsetof(struct event, cpuset));
    e->cpuset[0] = e->text[0] = e->tail[0] = '\0';
    e->kind = kind;
    e->at_ms = at_ms;
    e->number = e->slot = e->n_slots = e->pid = e->attempt = -1;
    e->step = e->n_steps = -1;
    e->wall_ms = e->peak_mem_bytes = e->limit_mem_bytes = -1;
    e->time_days = NAN;
}

/* The whole numbers, named once for both directions. */
struct whole_field {
    const char *key;
    size_t offset;
};
#define WHOLE(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct event, name)                                                        \
    }
static const struct whole_field wholes[] = {
    WHOLE(number),         WHOLE(slot),
    WHOLE(n_slots),        WHOLE(pid),
    WHOLE(attempt),        WHOLE(step),
    WHOLE(n_steps),        WHOLE(wall_ms),
    WHOLE(peak_mem_bytes), WHOLE(limit_mem_bytes),
};

static int64_t *whole_of(struct event *e, size_t i)
{
    return (int64_t *)(void *)((char *)e + wholes[i].offset);
}

static int64_t whole_value(const struct event *e, size_t i)
{
    int64_t value;
    memcpy(&value, (const char *)e + wholes[i].offset, sizeof value);
    return value;
}

/* Control bytes of a simulator's words would grow sixfold in JSON and do no good on a screen:
 * '?' keeps every line within EVENT_LINE_BYTES. */
static void put_text(struct json_writer *w, const char *key, const char *text, size_t room)
{
    char clean[EVENT_TAIL_BYTES];
    size_t n = strnlen(text, room);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        clean[i] = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : (char)c;
    }
    if (n > 0)
        jw_kv_text(w, key, (struct ds_span){clean, n});
}

int event_encode(const struct event *e, struct ds_buf *out, struct ds_err *err)
{
    if (e->kind <= EVENT_NONE || (size_t)e->kind >= DS_COUNT(kind_names))
        return ds_fail(err, DS_EINPUT, "event of no kind (%d)", (int)e->kind);
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "event", kind_names[e->kind]);
    jw_kv_i64(&w, "at_ms", e->at_ms);
    if (e->id.hex[0])
        jw_kv_text(&w, "id", (struct ds_span){e->id.hex, CASE_ID_CHARS});
    for (size_t i = 0; i < DS_COUNT(wholes); i++)
        if (whole_value(e, i) >= 0)
            jw_kv_i64(&w, wholes[i].key, whole_value(e, i));
    if (isfinite(e->time_days))
        jw_kv_double(&w, "time_days", e->time_days);
    if (e->verdict != VERDICT_NONE)
        jw_kv_cstr(&w, "verdict", verdict_name(e->verdict));
    if (e->final)
        jw_kv_bool(&w, "final", true);
    put_text(&w, "cpuset", e->cpuset, sizeof e->cpuset);
    put_text(&w, "text", e->text, sizeof e->text);
    put_text(&w, "tail", e->tail, sizeof e->tail);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, "event", err);
}

static enum event_kind kind_of(struct ds_span name)
{
    for (size_t i = 1; i < DS_COUNT(kind_names); i++)
        if (ds_span_is(name, kind_names[i]))
            return (enum event_kind)i;
    return EVENT_NONE;
}

/* Too long texts are cut: a view may lose words, never a line. */
static void get_text(const struct json *j, const char *key, char *out, size_t room)
{
    struct ds_span text;
    if (!json_text(json_get(j, key), &text))
        return;
    size_t n = text.len < room - 1 ? text.len : room - 1;
    while (n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xC0u) == 0x80u)
        n--; /* not through a character */
    memcpy(out, text.ptr, n);
    out[n] = '\0';
}

int event_decode(struct ds_span line, struct event *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    int rc = json_parse(line, EVENT_LINE_BYTES, &j, err);
    if (rc < 0)
        return rc == DS_ETOOBIG ? ds_fail(err, DS_EPARSE, "event line too long or deep") : rc;
    struct ds_span text;
    struct event e;
    event_init(&e, EVENT_NONE, 0);
    if (!json_text(json_get(j, "event"), &text))
        return ds_fail(err, DS_EPARSE, "event line without \"event\"");
    e.kind = kind_of(text);
    if (!json_i64(json_get(j, "at_ms"), &e.at_ms))
        return ds_fail(err, DS_EPARSE, "event line without \"at_ms\"");
    if (json_text(json_get(j, "id"), &text) && !case_id_parse(text, &e.id))
        return ds_fail(err, DS_EPARSE, "event line with a bad case id");
    for (size_t i = 0; i < DS_COUNT(wholes); i++) {
        int64_t value;
        if (json_i64(json_get(j, wholes[i].key), &value) && value >= 0)
            *whole_of(&e, i) = value;
    }
    double days;
    if (json_number(json_get(j, "time_days"), &days))
        e.time_days = days;
    if (json_text(json_get(j, "verdict"), &text))
        e.verdict = verdict_from_name(text);
    bool final;
    if (json_bool(json_get(j, "final"), &final))
        e.final = final;
    get_text(j, "cpuset", e.cpuset, sizeof e.cpuset);
    get_text(j, "text", e.text, sizeof e.text);
    get_text(j, "tail", e.tail, sizeof e.tail);
    *out = e;
    return 0;
}
