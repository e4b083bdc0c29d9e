/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/submit.h"

#include "base/base64.h"
#include "base/path.h"
#include "decksweep/cluster.h"

static void put_owner(struct json_writer *w, const char *sweep, const char *sweep_uid)
{
    jw_key(w, "ownerReferences");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "apiVersion", SWEEP_API_VERSION);
    jw_kv_bool(w, "controller", true); /* so the controller knows it for ours, and removes it */
    jw_kv_cstr(w, "kind", SWEEP_KIND);
    jw_kv_cstr(w, "name", sweep);
    jw_kv_cstr(w, "uid", sweep_uid);
    jw_end_object(w);
    jw_end_array(w);
}

int submit_config_map(const char *name, const char *namespace_, const char *sweep,
                      const char *sweep_uid, struct ds_span bundle, struct ds_buf *out,
                      struct ds_err *err)
{
    struct json_writer w;
    if (bundle.len > SUBMIT_CONFIG_MAP_BYTES)
        return ds_fail(err, DS_ETOOBIG, "a deck of %zu bytes does not fit into a ConfigMap",
                       bundle.len);
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", "v1");
    jw_key(&w, "binaryData");
    jw_object(&w);
    jw_key(&w, POD_BUNDLE);
    jw_raw(&w, DS_SPAN("\""));
    (void)base64_put(out, bundle.ptr, bundle.len);
    (void)buf_put_char(out, '"');
    jw_end_object(&w);
    jw_kv_bool(&w, "immutable", true);
    jw_kv_cstr(&w, "kind", "ConfigMap");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_key(&w, "labels");
    jw_object(&w);
    jw_kv_cstr(&w, LABEL_MANAGED_BY, "decksweep");
    jw_kv_cstr(&w, LABEL_KIND, "bundle");
    jw_kv_cstr(&w, LABEL_SWEEP, sweep);
    jw_end_object(&w);
    jw_kv_cstr(&w, "name", name);
    jw_kv_cstr(&w, "namespace", namespace_);
    put_owner(&w, sweep, sweep_uid);
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_check(out, "the deck's ConfigMap", err);
}

bool submit_owns(const struct json *config_map, const char *sweep_uid)
{
    const struct json *owners = json_get(json_get(config_map, "metadata"), "ownerReferences");
    for (const struct json *o = json_first(owners); o; o = json_next(o)) {
        struct ds_span uid;
        if (json_text(json_get(o, "uid"), &uid) && ds_span_is(uid, sweep_uid))
            return true;
    }
    return false;
}

int submit_check_deck(const struct json *object, struct ds_span deck, struct ds_err *err)
{
    struct ds_span theirs;
    if (!json_text(json_get(json_get(object, "spec"), "deck"), &theirs)
        || ds_span_eq(path_base(theirs), path_base(deck)))
        return 0;
    return ds_fail(err, DS_EINPUT,
                   "the Sweep of this name in the cluster is of the deck %.*s, this one of %.*s: "
                   "give metadata.name another name, or --replace to go on with this deck "
                   "(nothing is removed)",
                   DS_FMT(path_base(theirs)), DS_FMT(path_base(deck)));
}

/* "0.3.1" -> "0.3", "2.5.1" -> "2": what must agree. */
static struct ds_span generation(struct ds_span version)
{
    struct ds_span major, minor, rest = ds_span_cut(version, '.', &major);
    if (!ds_span_is(major, "0"))
        return major;
    (void)ds_span_cut(rest, '.', &minor);
    return (struct ds_span){version.ptr, (size_t)(minor.ptr + minor.len - version.ptr)};
}

enum submit_skew submit_skew(struct ds_span ours, struct ds_span theirs)
{
    if (theirs.len == 0 || ds_span_eq(ours, theirs))
        return SKEW_NONE;
    return ds_span_eq(generation(ours), generation(theirs)) ? SKEW_TELL : SKEW_REFUSE;
}
