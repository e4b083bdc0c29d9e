/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/api_write.h"

#include "base/json.h"
#include "base/units.h"

#include <stdio.h>

#define COMPONENT  "decksweep-scheduler"
#define NOTE_BYTES 960 /* with what stands before: 1000 and a bit; 1024 are allowed */

int api_put_status(const struct sweep_view *w, const struct sweep_status *status,
                   struct ds_buf *out, struct ds_err *err)
{
    struct json_writer j;
    jw_init(&j, out);
    jw_object(&j);
    jw_kv_cstr(&j, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(&j, "kind", SWEEP_KIND);
    jw_key(&j, "metadata");
    jw_object(&j);
    jw_kv_cstr(&j, "name", w->name);
    jw_kv_cstr(&j, "namespace", w->namespace_);
    jw_kv_cstr(&j, "resourceVersion", w->resource_version);
    jw_kv_cstr(&j, "uid", w->uid);
    jw_end_object(&j);
    (void)buf_put_text(out, ",\"status\":");
    int rc = sweep_status_encode(status, out, err);
    if (rc < 0)
        return rc;
    (void)buf_put_char(out, '}');
    return buf_check(out, "status", err);
}

void api_put_delete(struct ds_buf *out, const char *uid)
{
    struct json_writer j;
    jw_init(&j, out);
    jw_object(&j);
    jw_kv_cstr(&j, "apiVersion", "v1");
    jw_kv_cstr(&j, "kind", "DeleteOptions");
    jw_key(&j, "preconditions");
    jw_object(&j);
    jw_kv_cstr(&j, "uid", uid);
    jw_end_object(&j);
    jw_kv_cstr(&j, "propagationPolicy", "Background");
    jw_end_object(&j);
}

static void put_job_number(struct ds_buf *out, const char *uid, const char *key, int64_t number)
{
    struct json_writer j;
    jw_init(&j, out);
    jw_object(&j);
    jw_key(&j, "metadata");
    jw_object(&j);
    jw_kv_cstr(&j, "uid", uid);
    jw_end_object(&j);
    jw_key(&j, "spec");
    jw_object(&j);
    jw_kv_i64(&j, key, number);
    jw_end_object(&j);
    jw_end_object(&j);
}

void api_put_ttl(struct ds_buf *out, const char *uid, int64_t seconds)
{
    put_job_number(out, uid, "ttlSecondsAfterFinished", seconds);
}

void api_put_parallelism(struct ds_buf *out, const char *uid, int64_t parallelism)
{
    put_job_number(out, uid, "parallelism", parallelism);
}

static void put_time(struct json_writer *j, const char *key, int64_t unix_s)
{
    char date[24];
    units_format_date(unix_s, date);
    jw_kv_cstr(j, key, date);
}

/* At most so many bytes, not inside a character. */
static struct ds_span cut(const char *text, size_t room)
{
    size_t n = strlen(text);
    if (n > room)
        for (n = room; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    return (struct ds_span){text, n};
}

static void put_message(struct json_writer *j, const struct api_event *e)
{
    char text[NOTE_BYTES + 64];
    (void)snprintf(text, sizeof text, "%s%.*s",
                   e->memory->combined ? "(combined from similar events): " : "",
                   DS_FMT(cut(e->text, NOTE_BYTES)));
    jw_kv_cstr(j, "message", text);
}

void api_put_event(struct ds_buf *out, const struct api_event *e)
{
    struct json_writer j;
    jw_init(&j, out);
    jw_object(&j);
    jw_kv_cstr(&j, "apiVersion", "v1");
    jw_kv_u64(&j, "count", e->memory->count);
    put_time(&j, "firstTimestamp", e->first_s);
    jw_key(&j, "involvedObject");
    jw_object(&j);
    jw_kv_cstr(&j, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(&j, "kind", SWEEP_KIND);
    jw_kv_cstr(&j, "name", e->sweep->name);
    jw_kv_cstr(&j, "namespace", e->sweep->namespace_);
    jw_kv_cstr(&j, "uid", e->sweep->uid);
    jw_end_object(&j);
    jw_kv_cstr(&j, "kind", "Event");
    put_time(&j, "lastTimestamp", e->now_s);
    put_message(&j, e);
    jw_key(&j, "metadata");
    jw_object(&j);
    jw_kv_cstr(&j, "name", e->memory->name);
    jw_kv_cstr(&j, "namespace", e->sweep->namespace_);
    jw_end_object(&j);
    jw_kv_cstr(&j, "reason", e->reason);
    jw_kv_cstr(&j, "reportingComponent", COMPONENT);
    jw_kv_cstr(&j, "reportingInstance", e->instance);
    jw_key(&j, "source");
    jw_object(&j);
    jw_kv_cstr(&j, "component", COMPONENT);
    jw_end_object(&j);
    jw_kv_cstr(&j, "type", e->warning ? "Warning" : "Normal");
    jw_end_object(&j);
}

void api_put_event_count(struct ds_buf *out, const struct api_event *e)
{
    struct json_writer j;
    jw_init(&j, out);
    jw_object(&j);
    jw_kv_u64(&j, "count", e->memory->count);
    put_time(&j, "lastTimestamp", e->now_s);
    put_message(&j, e);
    jw_end_object(&j);
}
