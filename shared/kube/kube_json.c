/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_json.h"

/* Bytes of the string that s begins with, quotes included, or all of it when it does not end. */
static size_t string_length(struct ds_span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return s.len;
}

/* A copy with null for every array and object that would be too deep. */
static void put_shallow(struct ds_span text, struct ds_buf *out)
{
    size_t depth = 0, step;
    for (size_t i = 0; i < text.len; i += step) {
        char c = text.ptr[i];
        bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';
        step = c == '"' ? string_length((struct ds_span){text.ptr + i, text.len - i}) : 1;
        depth += opens;
        if (opens && depth == KUBE_JSON_DEPTH + 1)
            (void)buf_put_text(out, "null");
        if (depth <= KUBE_JSON_DEPTH)
            (void)buf_put(out, text.ptr + i, step);
        depth -= closes && depth > 0;
    }
}

int kube_json_parse(struct ds_span text, size_t max_bytes, struct json **out, struct ds_err *err)
{
    int rc = json_parse(text, max_bytes, out, err);
    if (rc != DS_ETOOBIG || text.len > max_bytes)
        return rc;
    ds_auto_buf shallow;
    buf_init(&shallow, 2 * text.len + 16); /* "null" for "[]" */
    put_shallow(text, &shallow);
    rc = buf_check(&shallow, "an object", err);
    return rc < 0 ? rc : json_parse(buf_span(&shallow), shallow.len, out, err);
}
