/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_path.h"

#include "http/http_target.h"

static void put_part(struct ds_buf *out, const char *part)
{
    (void)buf_put_char(out, '/');
    http_put_encoded(out, ds_span_of(part), false);
}

int kube_path_put(struct ds_buf *out, const char *group_version, const char *namespace_,
                  const char *plural, const char *name, const char *subresource)
{
    bool core = !strchr(group_version, '/');
    (void)buf_put_text(out, core ? "/api/" : "/apis/");
    http_put_encoded(out, ds_span_of(group_version), true);
    if (namespace_) {
        (void)buf_put_text(out, "/namespaces");
        put_part(out, namespace_);
    }
    put_part(out, plural);
    if (name)
        put_part(out, name);
    if (subresource)
        put_part(out, subresource);
    return out->failed ? DS_ETOOBIG : 0;
}

int kube_query_put(struct ds_buf *out, const char *key, const char *value)
{
    bool first = out->len == 0 || !memchr(out->data, '?', out->len);
    (void)buf_put_char(out, first ? '?' : '&');
    http_put_encoded(out, ds_span_of(key), false);
    (void)buf_put_char(out, '=');
    http_put_encoded(out, ds_span_of(value), false);
    return out->failed ? DS_ETOOBIG : 0;
}

static bool asks_to_watch(struct ds_span query)
{
    struct ds_span word;
    while (query.len > 0) {
        query = ds_span_cut(query, '&', &word);
        if (ds_span_is(word, "watch=1") || ds_span_is(word, "watch=true"))
            return true;
    }
    return false;
}

void kube_path_read(const char *path, struct kube_place *out)
{
    struct ds_span rest, part;
    struct ds_span none = DS_SPAN("");
    *out = (struct kube_place){none, none, none, none, none, none, false};
    out->watches = asks_to_watch(ds_span_cut(ds_span_of(path), '?', &rest));
    if (ds_span_starts(rest, "/apis/")) {
        rest.ptr += 6, rest.len -= 6;
        rest = ds_span_cut(rest, '/', &out->group);
    } else if (ds_span_starts(rest, "/api/")) {
        rest.ptr += 5, rest.len -= 5;
    } else {
        return;
    }
    rest = ds_span_cut(rest, '/', &out->version);
    struct ds_span after = ds_span_cut(rest, '/', &part);
    if (ds_span_is(part, "namespaces")) {
        struct ds_span deeper = ds_span_cut(after, '/', &out->namespace_);
        if (deeper.len > 0) {
            rest = deeper;
        } else { /* a namespace itself */
            out->namespace_ = none;
        }
    }
    rest = ds_span_cut(rest, '/', &out->resource);
    rest = ds_span_cut(rest, '/', &out->name);
    (void)ds_span_cut(rest, '/', &out->subresource);
}

const char *kube_verb(enum http_method method, const struct kube_place *at)
{
    bool named = at->name.len > 0;
    switch (method) {
    case HTTP_GET:
    case HTTP_HEAD:
        return at->watches ? "watch" : named ? "get" : "list";
    case HTTP_POST:
        return "create";
    case HTTP_PUT:
        return "update";
    case HTTP_PATCH:
        return "patch";
    case HTTP_DELETE:
        return named ? "delete" : "deletecollection";
    }
    return "use";
}
