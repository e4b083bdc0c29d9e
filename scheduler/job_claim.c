/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims as a sweep file names them, for everyone who mounts one. */
#include "base/path.h"
#include "scheduler/job_manifest.h"

#include <stdio.h>

/* DNS labels with dots between. */
static bool is_claim_name(struct ds_span s)
{
    struct ds_span rest = s, label = {"", 0};
    bool ok = s.len > 0 && s.len <= 253 && s.ptr[s.len - 1] != '.';
    while (ok && rest.len > 0) {
        rest = ds_span_cut(rest, '.', &label);
        ok = label.len > 0 && label.len <= 63 && label.ptr[0] != '-'
             && label.ptr[label.len - 1] != '-';
        for (size_t i = 0; ok && i < label.len; i++)
            ok = (label.ptr[i] >= 'a' && label.ptr[i] <= 'z')
                 || (label.ptr[i] >= '0' && label.ptr[i] <= '9') || label.ptr[i] == '-';
    }
    return ok;
}

int manifest_claim_parse(struct ds_span url, struct ds_span *claim, struct ds_span *path,
                         struct ds_err *err)
{
    static const char SCHEME[] = "pvc://";
    struct ds_span name = {"", 0}, rest = {"", 0};
    int shown = url.len < 200 ? (int)url.len : 200;
    if (ds_span_starts(url, SCHEME))
        rest = ds_span_cut(
            (struct ds_span){url.ptr + sizeof SCHEME - 1, url.len - (sizeof SCHEME - 1)}, '/',
            &name);
    if (!is_claim_name(name))
        return ds_fail(err, DS_EINPUT,
                       "results.store: '%.*s' names no claim; in a cluster write pvc://CLAIM/PATH",
                       shown, url.ptr);
    while (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    if (rest.len > 0 && !path_is_safe_member(rest))
        return ds_fail(err, DS_EINPUT,
                       "results.store: the path of '%.*s' leaves its claim or has an empty part",
                       shown, url.ptr);
    *claim = name;
    *path = rest;
    return 0;
}

void manifest_claim_label(const char *claim, char out[CLAIM_LABEL_BYTES])
{
    size_t n = strlen(claim);
    memset(out, 0, CLAIM_LABEL_BYTES);
    if (n < CLAIM_LABEL_BYTES)
        (void)snprintf(out, CLAIM_LABEL_BYTES, "%s", claim);
    else
        (void)snprintf(out, CLAIM_LABEL_BYTES, "%.50s-%08x", claim,
                       ds_span_hash((struct ds_span){claim, n}));
}
