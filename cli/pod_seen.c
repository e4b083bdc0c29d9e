/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pod_seen.h"

#include "base/units.h"

#include <stdio.h>

static const char *copy_text(const struct json *object, const char *key, struct ds_arena *a)
{
    struct ds_span text = {"", 0};
    (void)json_text(json_get(object, key), &text);
    return arena_cstr(a, text);
}

static bool put_words(const struct json *from, char *out, size_t room)
{
    struct ds_span reason = {"", 0}, message = {"", 0};
    (void)json_text(json_get(from, "reason"), &reason);
    (void)json_text(json_get(from, "message"), &message);
    if (reason.len == 0 && message.len == 0)
        return false;
    (void)snprintf(out, room, "%.*s%s%.*s", DS_FMT(reason),
                   reason.len > 0 && message.len > 0 ? ": " : "", DS_FMT(message));
    return true;
}

static bool find_waiting(const struct json *statuses, char *out, size_t room)
{
    for (const struct json *c = json_first(statuses); c; c = json_next(c)) {
        const struct json *waiting = json_get(json_get(c, "state"), "waiting");
        if (waiting && put_words(waiting, out, room))
            return true;
    }
    return false;
}

/* Words of the scheduler, of the first waiting init container, of a waiting container. */
static void take_waiting(const struct json *status, struct pod_seen *p)
{
    struct ds_span phase = {"", 0}, type, truth;
    (void)json_text(json_get(status, "phase"), &phase);
    if (!ds_span_is(phase, "Pending"))
        return;
    (void)snprintf(p->waiting, sizeof p->waiting, "Pending");
    for (const struct json *c = json_first(json_get(status, "conditions")); c; c = json_next(c))
        if (json_text(json_get(c, "type"), &type) && ds_span_is(type, "PodScheduled")
            && json_text(json_get(c, "status"), &truth) && ds_span_is(truth, "False")
            && put_words(c, p->waiting, sizeof p->waiting))
            return;
    if (!find_waiting(json_get(status, "initContainerStatuses"), p->waiting, sizeof p->waiting))
        (void)find_waiting(json_get(status, "containerStatuses"), p->waiting, sizeof p->waiting);
}

int pod_seen_list(const struct json *list, struct ds_arena *a, struct pod_seen **out, size_t *n,
                  struct ds_err *err)
{
    const struct json *items = json_get(list, "items");
    struct pod_seen *pods = ds_new(a, struct pod_seen, json_count(items) + 1);
    size_t found = 0;
    if (!pods)
        return ds_fail(err, DS_ETOOBIG, "too many pods");
    for (const struct json *item = json_first(items); item; item = json_next(item)) {
        const struct json *meta = json_get(item, "metadata");
        struct pod_seen *p = &pods[found];
        struct ds_span created;
        p->name = copy_text(meta, "name", a);
        p->node = copy_text(json_get(item, "spec"), "nodeName", a);
        if (!p->name || !p->node)
            return ds_fail(err, DS_ETOOBIG, "too many pods");
        if (p->name[0] == '\0')
            continue;
        if (!json_text(json_get(meta, "creationTimestamp"), &created)
            || units_parse_date(created, &p->created_s, NULL) < 0)
            p->created_s = 0;
        take_waiting(json_get(item, "status"), p);
        found++;
    }
    *out = pods;
    *n = found;
    return 0;
}

const struct pod_seen *pod_seen_newest(const struct pod_seen *pods, size_t n)
{
    const struct pod_seen *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (!best || pods[i].created_s > best->created_s
            || (pods[i].created_s == best->created_s && strcmp(pods[i].name, best->name) > 0))
            best = &pods[i];
    return best;
}
