/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views as blocks of memory for a cache, and what of them matters. */
#include "scheduler/views.h"

#include <assert.h>

#define TEXT(type, member) offsetof(type, member)

static const size_t JOB_TEXTS[] = {
    TEXT(struct job_view, name),
    TEXT(struct job_view, uid),
    TEXT(struct job_view, reason),
    TEXT(struct job_view, message),
    TEXT(struct job_view, why),
    TEXT(struct job_view, completed_indexes),
    TEXT(struct job_view, failed_indexes),
};
static const size_t POD_TEXTS[] = {
    TEXT(struct pod_view, name),    TEXT(struct pod_view, uid), TEXT(struct pod_view, job_uid),
    TEXT(struct pod_view, node),    TEXT(struct pod_view, why), TEXT(struct pod_view, waiting),
    TEXT(struct pod_view, message),
};

static const char *text_at(const void *view, size_t offset)
{
    const char *text;
    memcpy(&text, (const char *)view + offset, sizeof text);
    return text ? text : "";
}

static size_t bytes_of(const void *view, size_t size, const size_t *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        size += strlen(text_at(view, texts[i])) + 1;
    return size;
}

static void *pack(const void *view, size_t size, const size_t *texts, size_t n, void *room)
{
    char *at = (char *)room + size;
    memcpy(room, view, size);
    for (size_t i = 0; i < n; i++) {
        const char *text = text_at(view, texts[i]);
        size_t bytes = strlen(text) + 1;
        memcpy(at, text, bytes);
        memcpy((char *)room + texts[i], &at, sizeof at);
        at += bytes;
    }
    return room;
}

size_t job_view_bytes(const struct job_view *v)
{
    return bytes_of(v, sizeof *v, JOB_TEXTS, DS_COUNT(JOB_TEXTS));
}

struct job_view *job_view_pack(const struct job_view *v, void *room)
{
    return pack(v, sizeof *v, JOB_TEXTS, DS_COUNT(JOB_TEXTS), room);
}

size_t pod_view_bytes(const struct pod_view *v)
{
    return bytes_of(v, sizeof *v, POD_TEXTS, DS_COUNT(POD_TEXTS));
}

struct pod_view *pod_view_pack(const struct pod_view *v, void *room)
{
    return pack(v, sizeof *v, POD_TEXTS, DS_COUNT(POD_TEXTS), room);
}

/* Decoders zero a view before they fill it, so all bytes besides the pointers compare. */
static bool same(const void *x, const void *y, size_t size, const size_t *texts, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text_at(x, texts[i]), text_at(y, texts[i])) != 0)
            return false;
    while (from < size) { /* the stretch up to the next pointer */
        size_t to = size, next = size;
        for (size_t i = 0; i < n; i++)
            if (texts[i] >= from && texts[i] < to) {
                to = texts[i];
                next = to + sizeof(char *);
            }
        if (memcmp((const char *)x + from, (const char *)y + from, to - from) != 0)
            return false;
        from = next;
    }
    return true;
}

bool job_view_same(const struct job_view *x, const struct job_view *y)
{
    struct job_view a = *x;
    a.seen_s = y->seen_s;
    return same(&a, y, sizeof a, JOB_TEXTS, DS_COUNT(JOB_TEXTS));
}

bool pod_view_same(const struct pod_view *x, const struct pod_view *y)
{
    struct pod_view a = *x;
    a.seen_s = y->seen_s;
    return same(&a, y, sizeof a, POD_TEXTS, DS_COUNT(POD_TEXTS));
}

void job_view_note_seen(struct job_view *now, const struct job_view *before, int64_t now_s)
{
    bool same_state = before && before->seen_s > 0 && strcmp(now->uid, before->uid) == 0
                      && now->complete == before->complete && now->failed == before->failed
                      && now->deleting == before->deleting
                      && (now->n_active == 0) == (before->n_active == 0);
    now->seen_s = same_state ? before->seen_s : now_s;
}

void pod_view_note_seen(struct pod_view *now, const struct pod_view *before, int64_t now_s)
{
    bool same_state = before && before->seen_s > 0 && strcmp(now->uid, before->uid) == 0
                      && now->phase == before->phase && now->deleting == before->deleting;
    now->seen_s = same_state ? before->seen_s : now_s;
}
