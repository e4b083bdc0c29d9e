/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values are only skipped here; each is read by json_parse before anything trusts it. */
#include "kube/kube_list.h"

#include "kube/kube_json.h"

#define META_MOST_BYTES ((size_t)64 << 10)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct ds_span *s)
{
    while (s->len > 0 && is_blank(s->ptr[0]))
        s->ptr++, s->len--;
}

/* Bytes of the string that s begins with, quotes included; 0: it does not end. */
static size_t string_length(struct ds_span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Bytes of the value that s begins with; 0: none. */
static size_t value_length(struct ds_span s)
{
    size_t depth = 0, i = 0;
    while (i < s.len) {
        char c = s.ptr[i];
        size_t step = 1;
        if (c == '"')
            step = string_length((struct ds_span){s.ptr + i, s.len - i});
        if (step == 0)
            return 0;
        if (c == '{' || c == '[')
            depth++;
        bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ',' || is_blank(c)))
            return i;
        depth -= closes;
        i += step;
        if (depth == 0 && (closes || c == '"'))
            return i;
    }
    return depth == 0 ? i : 0;
}

static struct ds_span take(struct ds_span *s, size_t n)
{
    struct ds_span head = {s->ptr, n};
    s->ptr += n;
    s->len -= n;
    return head;
}

static bool take_char(struct ds_span *s, char c)
{
    skip_blanks(s);
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    (void)take(s, 1);
    return true;
}

/* One `"key": value` of the outer object. */
static bool take_member(struct ds_span *s, struct ds_span *key, struct ds_span *value)
{
    skip_blanks(s);
    size_t n = s->len > 0 && s->ptr[0] == '"' ? string_length(*s) : 0;
    if (n == 0)
        return false;
    *key = take(s, n);
    if (!take_char(s, ':'))
        return false;
    skip_blanks(s);
    n = value_length(*s);
    *value = take(s, n);
    return n > 0;
}

static bool find_parts(struct ds_span rest, struct ds_span *metadata, struct ds_span *items)
{
    struct ds_span key, value;
    *metadata = *items = DS_SPAN("");
    if (!take_char(&rest, '{'))
        return false;
    for (bool more = !take_char(&rest, '}'); more; more = take_char(&rest, ',')) {
        if (!take_member(&rest, &key, &value))
            return false;
        if (ds_span_is(key, "\"metadata\"") && metadata->len == 0)
            *metadata = value;
        else if (ds_span_is(key, "\"items\"") && items->len == 0)
            *items = value;
        skip_blanks(&rest);
        if (rest.len > 0 && rest.ptr[0] == '}')
            break;
    }
    bool closed = take_char(&rest, '}'); /* an empty object has no items and is none of ours */
    skip_blanks(&rest);
    return closed && rest.len == 0 && metadata->len > 0 && items->len > 0;
}

int kube_list_open(struct ds_span text, struct kube_list *l, struct ds_err *err)
{
    struct ds_span metadata, items;
    *l = (struct kube_list){.text = text, .first = true};
    bool found = find_parts(text, &metadata, &items);
    if (found && ds_span_is(items, "null"))
        items = DS_SPAN("[]");
    if (!found || items.ptr[0] != '[')
        return ds_fail(err, DS_EPARSE, "an answer that is no list");
    int rc = json_parse(metadata, META_MOST_BYTES, &l->metadata, err);
    if (rc < 0)
        return ds_wrap(err, "the list's metadata");
    if (!json_is_object(l->metadata)) {
        kube_list_close(l);
        return ds_fail(err, DS_EINPUT, "an answer that is no list");
    }
    l->items = (struct ds_span){items.ptr + 1, items.len - 2};
    return 0;
}

void kube_list_close(struct kube_list *l)
{
    json_destroy(l->metadata);
    l->metadata = NULL;
}

static struct ds_span text_at(const struct json *object, const char *key)
{
    struct ds_span text;
    return json_text(json_get(object, key), &text) ? text : DS_SPAN("");
}

struct ds_span kube_list_version(const struct kube_list *l)
{
    return text_at(l->metadata, "resourceVersion");
}

struct ds_span kube_list_more(const struct kube_list *l)
{
    return text_at(l->metadata, "continue");
}

int kube_list_next(struct kube_list *l, struct json **object, struct ds_err *err)
{
    skip_blanks(&l->items);
    if (l->items.len == 0)
        return 0;
    if (!l->first && !take_char(&l->items, ','))
        return ds_fail(err, DS_EPARSE, "no comma between two objects of the list");
    l->first = false;
    skip_blanks(&l->items);
    size_t n = value_length(l->items);
    if (n == 0)
        return ds_fail(err, DS_EPARSE, "an object of the list is missing");
    int rc = kube_json_parse(take(&l->items, n), KUBE_OBJECT_MOST_BYTES, object, err);
    return rc < 0 ? ds_wrap(err, "an object of the list") : 1;
}
