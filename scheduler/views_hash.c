/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of a spec, which tell one edit from another. */
#include "base/json_canonical.h"
#include "base/sha256.h"
#include "scheduler/views.h"

#define SPEC_MAX_BYTES (4u << 20)

static int hash_spec(const struct json *spec, const struct json_skip *skip, size_t n_skip,
                     struct ds_arena *scratch, char out[17], struct ds_err *err)
{
    ds_auto_buf text;
    char hex[65];
    buf_init(&text, SPEC_MAX_BYTES);
    int rc = json_put_canonical(spec, skip, n_skip, scratch, &text, err);
    if (rc < 0)
        return ds_wrap(err, "spec");
    sha256_of(text.data, text.len, hex);
    memcpy(out, hex, 16);
    out[16] = '\0';
    return 0;
}

int sweep_spec_hash(const struct json *spec, struct ds_arena *scratch, char out[17],
                    struct ds_err *err)
{
    static const struct json_skip SKIP[] = {{"run", NULL},        {"once", NULL},
                                            {"cluster", NULL},    {"collect", NULL},
                                            {"results", "store"}, {"failure", "maxFailed"}};
    return hash_spec(spec, SKIP, DS_COUNT(SKIP), scratch, out, err);
}

void sweep_store_hash(const struct json *spec, char out[17])
{
    struct ds_span url = {"", 0};
    char hex[65];
    (void)json_text(json_get(json_get(spec, "results"), "store"), &url);
    sha256_of(url.ptr, url.len, hex);
    memcpy(out, hex, 16);
    out[16] = '\0';
}

int sweep_edit_hash(const struct json *spec, struct ds_arena *scratch, char out[17],
                    struct ds_err *err)
{
    static const struct json_skip SKIP[] = {{"run", NULL}};
    return hash_spec(spec, SKIP, DS_COUNT(SKIP), scratch, out, err);
}
