/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_error.h"

#include "base/json.h"
#include "base/utf8.h"
#include "decksweep/cluster.h"

#include <stdio.h>

#define STATUS_MOST_BYTES ((size_t)1 << 20)

/* As much of text as fits, on one line. */
static void keep_plain(char *out, size_t room, struct ds_span text)
{
    size_t n = 0;
    while (text.len > 0) {
        uint32_t code;
        size_t step = utf8_step(text, &code);
        bool shown = code != '?' || text.ptr[0] == '?';
        if (n + step >= room)
            break;
        if (shown) {
            memcpy(out + n, text.ptr, step);
            n += step;
        } else if (n > 0 && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
        text.ptr += step;
        text.len -= step;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void keep_text(char *out, size_t room, const struct json *j)
{
    struct ds_span text;
    if (json_text(j, &text))
        keep_plain(out, room, text);
}

static bool has_cause(const struct json *details, const char *reason)
{
    struct ds_span text;
    for (const struct json *c = json_first(json_get(details, "causes")); c; c = json_next(c))
        if (json_text(json_get(c, "reason"), &text) && ds_span_is(text, reason))
            return true;
    return false;
}

void kube_status_of(const struct json *status, struct kube_status *out)
{
    int64_t number;
    const struct json *details = json_get(status, "details");
    *out = (struct kube_status){.retry_after_ms = -1};
    keep_text(out->reason, sizeof out->reason, json_get(status, "reason"));
    keep_text(out->message, sizeof out->message, json_get(status, "message"));
    keep_text(out->kind, sizeof out->kind, json_get(details, "kind"));
    keep_text(out->name, sizeof out->name, json_get(details, "name"));
    if (json_i64(json_get(status, "code"), &number) && number >= 100 && number <= 599)
        out->code = (int)number;
    if (json_i64(json_get(details, "retryAfterSeconds"), &number) && number > 0 && number <= 86400)
        out->retry_after_ms = number * 1000;
    out->too_new = has_cause(details, "ResourceVersionTooLarge")
                   || strstr(out->message, "Too large resource version") != NULL;
}

void kube_status_read(struct ds_span body, struct kube_status *out)
{
    ds_auto_json tree = NULL;
    struct ds_span kind;
    *out = (struct kube_status){.retry_after_ms = -1};
    if (json_parse(body, STATUS_MOST_BYTES, &tree, NULL) == 0
        && json_text(json_get(tree, "kind"), &kind) && ds_span_is(kind, "Status")) {
        kube_status_of(tree, out);
        return;
    }
    struct ds_span line;
    (void)ds_span_cut(ds_span_trim(body), '\n', &line);
    if (line.len > 200)
        line.len = 200;
    keep_plain(out->message, sizeof out->message, line);
}

static bool is_one_of(struct ds_span word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_is(word, words[i]))
            return true;
    return false;
}

const char *kube_role_for(const char *verb, const struct kube_place *at, bool in_cluster)
{
    static const char *const READS[] = {"get", "list", "watch"};
    static const char *const SEEN[] = {"sweeps", "jobs", "pods", "events"};
    static const char *const USED[] = {"sweeps", "pods", "configmaps", "persistentvolumeclaims"};
    bool known_group = at->group.len == 0 || ds_span_is(at->group, SWEEP_GROUP)
                       || ds_span_is(at->group, "batch") || ds_span_is(at->group, "events.k8s.io");
    if (in_cluster)
        return "decksweep-scheduler";
    if (!known_group || ds_span_is(at->subresource, "status"))
        return NULL;
    if (is_one_of(ds_span_of(verb), READS, DS_COUNT(READS)) && at->subresource.len == 0
        && is_one_of(at->resource, SEEN, DS_COUNT(SEEN)))
        return "decksweep-view";
    return is_one_of(at->resource, USED, DS_COUNT(USED)) ? "decksweep-user" : NULL;
}

void kube_asked_words(const struct kube_asked *q, char *out, size_t room)
{
    struct kube_place at;
    kube_path_read(q->path, &at);
    if (at.resource.len == 0) {
        (void)snprintf(out, room, "%s %.80s", http_method_name(q->method), q->path);
        return;
    }
    (void)snprintf(out, room, "%s %.*s%s%.*s%s%.*s%s%.*s", kube_verb(q->method, &at),
                   DS_FMT(at.resource), at.name.len ? "/" : "", DS_FMT(at.name),
                   at.subresource.len ? "/" : "", DS_FMT(at.subresource),
                   at.namespace_.len ? " in namespace " : "", DS_FMT(at.namespace_));
}

/* "... User "jane" cannot create ..." -> jane */
static struct ds_span user_in(const char *message)
{
    const char *from = strstr(message, "User \"");
    if (!from)
        return DS_SPAN("NAME");
    from += 6;
    const char *end = strchr(from, '"');
    return end ? (struct ds_span){from, (size_t)(end - from)} : DS_SPAN("NAME");
}

static int fill_forbidden(const struct kube_asked *q, const struct kube_status *s,
                          const char *words, struct ds_err *err)
{
    struct kube_place at;
    kube_path_read(q->path, &at);
    const char *role = kube_role_for(kube_verb(q->method, &at), &at, q->in_cluster);
    struct ds_span user = user_in(s->message);
    if (!role || !strstr(s->message, " cannot ")) /* quota, admission: the server says it all */
        return ds_fail(err, DS_EDENIED, "%s: %s", words, s->message);
    if (q->in_cluster)
        return ds_fail(err, DS_EDENIED,
                       "%s: forbidden; the ClusterRole %s allows it, is it bound "
                       "to the controller's service account? (kubectl apply -k k8s/base): %s",
                       words, role, s->message);
    return ds_fail(
        err, DS_EDENIED,
        "%s: forbidden; the ClusterRole %s allows it, an administrator gives it: kubectl "
        "create rolebinding %s --clusterrole=%s --user=%.*s%s%.*s: %.200s",
        words, role, role, role, DS_FMT(user), at.namespace_.len ? " -n " : "",
        DS_FMT(at.namespace_), s->message);
}

/* The collection itself is unknown: the server then names no object. */
static bool lacks_kind(const struct kube_asked *q, const struct kube_status *s)
{
    struct kube_place at;
    kube_path_read(q->path, &at);
    if (!ds_span_is(at.group, SWEEP_GROUP))
        return false;
    return s->name[0] == '\0'
           && (s->reason[0] == '\0' || strstr(s->message, "the requested resource") != NULL);
}

static int fill_not_found(const struct kube_asked *q, const struct kube_status *s,
                          const char *words, struct ds_err *err)
{
    if (lacks_kind(q, s))
        return ds_fail(err, DS_ENOTFOUND,
                       "%s: the cluster %s does not know %s; decksweep is not installed there: "
                       "kubectl apply -k k8s/base",
                       words, q->server, SWEEP_PLURAL "." SWEEP_GROUP);
    return ds_fail(err, DS_ENOTFOUND, "%s: %s", words, s->message[0] ? s->message : "not found");
}

static int fill_other(const struct kube_status *s, int status, const char *words,
                      struct ds_err *err)
{
    enum ds_code code = DS_EIO;
    if (status == 400 || status == 422 || status == 415)
        code = DS_EINPUT;
    else if (status == 409 || status == 410)
        code = strcmp(s->reason, "AlreadyExists") == 0 ? DS_EEXIST : DS_EAGAIN;
    else if (status == 413)
        code = DS_ETOOBIG;
    else if (status == 408 || status == 504)
        code = DS_ETIMEOUT;
    else if (status == 429)
        code = DS_EAGAIN;
    return ds_fail(err, code, "%s: %s (%d%s%s)", words,
                   s->message[0] ? s->message : "refused without a reason", status,
                   s->reason[0] ? " " : "", s->reason);
}

int kube_error_fill(const struct kube_asked *q, int status, struct ds_span body, struct ds_err *err)
{
    struct kube_status s;
    char words[400];
    kube_status_read(body, &s);
    kube_asked_words(q, words, sizeof words);
    switch (status) {
    case 401:
        return ds_fail(err, DS_EDENIED, "%s: %s does not accept who we are (401 %s); %s", words,
                       q->server, s.message[0] ? s.message : "Unauthorized", q->credential);
    case 403:
        return fill_forbidden(q, &s, words, err);
    case 404:
        return fill_not_found(q, &s, words, err);
    default:
        return fill_other(&s, status, words, err);
    }
}
