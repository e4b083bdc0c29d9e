/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_warning.h"

bool kube_warning_next(struct ds_span *rest, char out[KUBE_WARNING_BYTES])
{
    const char *open = rest->len ? memchr(rest->ptr, '"', rest->len) : NULL;
    size_t n = 0;
    if (!open)
        return false;
    const char *end = rest->ptr + rest->len, *at = open + 1;
    for (; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
        if (n + 1 < KUBE_WARNING_BYTES)
            out[n++] = *at;
    }
    out[n] = '\0';
    if (at < end)
        at++;
    /* A date in quotes may follow; the next warning comes after a comma. */
    for (bool quoted = false; at < end && (quoted || *at != ','); at++)
        quoted ^= *at == '"';
    *rest = (struct ds_span){at, (size_t)(end - at)};
    return true;
}
