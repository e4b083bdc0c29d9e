/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_reflect.h"

#include "kube/kube_json.h"

#define QUIET_MS        INT64_C(120000) /* no failure for so long: the next one is a first one */
#define SHORT_WATCH_MS  INT64_C(1000)
#define MOST_PAGES_GONE 2u
#define MOST_WATCHES    3u /* that failed to start in a row: the list may be what is wrong */
#define NAME_BYTES      253u

void kube_reflector_init(struct kube_reflector *r, uint64_t seed)
{
    *r = (struct kube_reflector){
        .next = KUBE_WISH_LIST, .page = KUBE_PAGE, .due_ms = INT64_MIN, .failed_ms = INT64_MIN};
    r->random = seed | 1;
}

static uint32_t next_random(struct kube_reflector *r)
{
    uint64_t x = r->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    r->random = x;
    return (uint32_t)(x * UINT64_C(2685821657736338717) >> 32);
}

enum kube_wish kube_reflector_wish(const struct kube_reflector *r, int64_t now_ms)
{
    return r->asked || now_ms < r->due_ms ? KUBE_WISH_NOTHING : r->next;
}

int64_t kube_reflector_due_ms(const struct kube_reflector *r)
{
    return r->asked ? INT64_MAX : r->due_ms;
}

static void put_number(struct ds_buf *path, const char *key, unsigned value)
{
    (void)kube_query_put(path, key, "");
    (void)buf_printf(path, "%u", value);
}

int kube_reflector_ask(struct kube_reflector *r, int64_t now_ms, struct ds_buf *path)
{
    r->asked = true;
    r->asked_ms = now_ms;
    r->n_events = 0;
    if (r->next == KUBE_WISH_LIST) {
        if (!r->unpaged)
            put_number(path, "limit", r->page);
        if (r->next_page[0])
            (void)kube_query_put(path, "continue", r->next_page);
        return path->failed ? DS_ETOOBIG : 0;
    }
    unsigned more = (unsigned)((uint64_t)next_random(r) * KUBE_WATCH_LEAST_S >> 32);
    (void)kube_query_put(path, "watch", "1");
    (void)kube_query_put(path, "allowWatchBookmarks", "true");
    (void)kube_query_put(path, "resourceVersion", r->version);
    put_number(path, "timeoutSeconds", KUBE_WATCH_LEAST_S + more);
    return path->failed ? DS_ETOOBIG : 0;
}

bool kube_reflector_page_is_first(const struct kube_reflector *r)
{
    return !r->mid_list;
}

static bool keep(char *to, size_t room, struct ds_span text)
{
    if (text.len >= room || (text.len > 0 && memchr(text.ptr, '\0', text.len)))
        return false;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static void list_anew(struct kube_reflector *r)
{
    r->next = KUBE_WISH_LIST;
    r->mid_list = false;
    r->next_page[0] = '\0';
}

bool kube_reflector_page(struct kube_reflector *r, struct ds_span version, struct ds_span next_page,
                         int64_t now_ms)
{
    r->asked = false;
    r->due_ms = now_ms;
    /* The first page's version is the list's: what changed meanwhile is told again. */
    bool ok = version.len > 0 && (r->mid_list || keep(r->version, sizeof r->version, version))
              && keep(r->next_page, sizeof r->next_page, next_page);
    if (!ok) {
        kube_reflector_failed(r, KUBE_ODD, -1, now_ms);
        return false;
    }
    r->page = r->page < KUBE_PAGE / 2 ? r->page * 2 : KUBE_PAGE;
    r->mid_list = next_page.len > 0;
    if (r->mid_list)
        return false;
    r->next = KUBE_WISH_WATCH;
    r->unpaged = false;
    r->n_pages_gone = r->n_watch_failures = 0;
    return true;
}

void kube_reflector_event(struct kube_reflector *r, struct ds_span version)
{
    r->n_events++;
    r->n_watch_failures = 0;
    (void)keep(r->version, sizeof r->version, version); /* kube_event_read looked at its length */
}

static void back_off(struct kube_reflector *r, int64_t least_ms, int64_t now_ms)
{
    if (r->failed_ms != INT64_MIN && now_ms - r->failed_ms > QUIET_MS)
        r->backoff_ms = 0;
    r->backoff_ms = r->backoff_ms == 0 ? KUBE_FIRST_BACKOFF_MS : r->backoff_ms * 2;
    if (r->backoff_ms > KUBE_MOST_BACKOFF_MS)
        r->backoff_ms = KUBE_MOST_BACKOFF_MS;
    int64_t wait = r->backoff_ms + (int64_t)((uint64_t)r->backoff_ms * next_random(r) >> 32);
    r->failed_ms = now_ms;
    r->due_ms = now_ms + (wait > least_ms ? wait : least_ms);
}

bool kube_reflector_ended(struct kube_reflector *r, int64_t now_ms)
{
    r->asked = false;
    r->due_ms = now_ms;
    bool too_short = r->n_events == 0 && now_ms - r->asked_ms < SHORT_WATCH_MS;
    if (too_short)
        kube_reflector_failed(r, KUBE_SICK, -1, now_ms);
    return too_short;
}

/* false: it cannot be smaller. What is listed already is not listed again. */
static bool halve_page(struct kube_reflector *r)
{
    if (r->next != KUBE_WISH_LIST || (!r->unpaged && r->page == 1))
        return false;
    r->unpaged = false;
    r->n_pages_gone = 0;
    r->page /= r->page > 1 ? 2 : 1;
    return true;
}

void kube_reflector_failed(struct kube_reflector *r, enum kube_failure f, int64_t retry_after_ms,
                           int64_t now_ms)
{
    bool was_watch = r->next == KUBE_WISH_WATCH;
    /* A watch that brought something shows that the server is well: begin anew. */
    if (was_watch && r->n_events > 0)
        r->backoff_ms = 0;
    r->asked = false;
    if (f == KUBE_TOO_BIG && halve_page(r)) {
        r->due_ms = now_ms;
        return;
    }
    switch (f) {
    case KUBE_GONE:
        if (!was_watch && r->next_page[0] && ++r->n_pages_gone >= MOST_PAGES_GONE)
            r->unpaged = true; /* writes outrun our pages */
        list_anew(r);
        if (was_watch && (r->failed_ms == INT64_MIN || now_ms - r->failed_ms > QUIET_MS)) {
            r->failed_ms = now_ms; /* the first time is normal: no waiting */
            r->due_ms = now_ms;
            return;
        }
        break;
    case KUBE_AWAY:
    case KUBE_TOO_BIG:
        break;
    case KUBE_SICK:
        if (was_watch && r->n_events == 0 && ++r->n_watch_failures > MOST_WATCHES) {
            r->n_watch_failures = 0;
            list_anew(r);
        }
        break;
    case KUBE_ODD:
        list_anew(r);
        break;
    }
    back_off(r, retry_after_ms, now_ms);
}

enum kube_failure kube_failure_of(int status, const struct kube_status *s)
{
    if (status == 410 || strcmp(s->reason, "Expired") == 0 || strcmp(s->reason, "Gone") == 0)
        return KUBE_GONE;
    if (s->too_new) /* the server's past came back: our version is of a future it never had */
        return KUBE_GONE;
    if (status == 0 || status == 429)
        return KUBE_AWAY;
    return status >= 500 ? KUBE_SICK : KUBE_ODD;
}

/* ---- one line ---- */

bool kube_object_is_sane(const struct json *object, struct ds_span *version)
{
    const struct json *m = json_get(object, "metadata");
    struct ds_span name;
    return json_text(json_get(m, "name"), &name) && name.len > 0 && name.len <= NAME_BYTES
           && json_text(json_get(m, "resourceVersion"), version) && version->len > 0
           && version->len < KUBE_VERSION_BYTES;
}

static enum kube_event_type type_of(struct ds_span word)
{
    static const char *const NAMES[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
    for (size_t i = 0; i < DS_COUNT(NAMES); i++)
        if (ds_span_is(word, NAMES[i]))
            return (enum kube_event_type)(i + 1);
    return 0;
}

static int fill_event(struct kube_event *e, struct ds_err *err)
{
    struct ds_span type;
    if (!json_text(json_get(e->tree, "type"), &type) || !(e->type = type_of(type)))
        return ds_fail(err, DS_EINPUT, "a line that is no event of a watch");
    e->object = json_get(e->tree, "object");
    if (!json_is_object(e->object))
        return ds_fail(err, DS_EINPUT, "an event without object");
    if (e->type == KUBE_ERROR)
        return 0;
    const struct json *m = json_get(e->object, "metadata");
    bool sane = e->type == KUBE_BOOKMARK
                    ? json_text(json_get(m, "resourceVersion"), &e->version) && e->version.len > 0
                          && e->version.len < KUBE_VERSION_BYTES
                    : kube_object_is_sane(e->object, &e->version);
    return sane ? 0 : ds_fail(err, DS_EINPUT, "an event whose object has no name or version");
}

int kube_event_read(struct ds_span line, struct kube_event *out, struct ds_err *err)
{
    struct kube_event e = {.version = DS_SPAN("")};
    int rc = kube_json_parse(line, KUBE_LINE_MOST_BYTES, &e.tree, err);
    if (rc == 0)
        rc = fill_event(&e, err);
    if (rc < 0) {
        kube_event_clear(&e);
        return rc;
    }
    *out = e;
    return 0;
}

void kube_event_clear(struct kube_event *e)
{
    json_destroy(e->tree);
    *e = (struct kube_event){.version = DS_SPAN("")};
}
