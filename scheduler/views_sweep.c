/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Sweep object. The schema of the CRD has been checked by the API server, but it may have been
 * another version's: nothing is taken for granted. */
#include "base/path.h"
#include "base/units.h"
#include "scheduler/views_parts.h"

#define SWEEP_NAME_CHARS 40u
#define TTL_DEFAULT_S    86400
#define TTL_MOST_S       INT64_C(31536000) /* a year */

static enum run_wish run_of(const struct json *spec)
{
    if (json_says(spec, "run", "Suspended"))
        return RUN_SUSPENDED;
    return json_says(spec, "run", "Cancelled") ? RUN_CANCELLED : RUN_ACTIVE;
}

static bool is_dns_label(struct ds_span s, size_t most)
{
    if (s.len == 0 || s.len > most || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", s.ptr[i]) || s.ptr[i] == '\0')
            return false;
    return true;
}

/* Names of ConfigMaps and claims: labels with dots between. */
static bool is_dns_name(struct ds_span s)
{
    struct ds_span rest = s, label;
    if (s.len == 0 || s.len > 253 || s.ptr[s.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '.', &label);
        if (!is_dns_label(label, 63))
            return false;
    }
    return true;
}

/* "<key>: <what><words>" */
static const char *refuse(struct taking *t, const char *key, struct ds_span what, const char *words)
{
    struct ds_span said = arena_format(t->a, "%s: '%.*s' %s", key,
                                       what.len < 200 ? (int)what.len : 200, what.ptr, words);
    t->full = t->full || !said.ptr;
    return said.ptr ? said.ptr : "";
}

/* results.store as claim and path; what is wrong with it, or NULL. */
static const char *take_store(struct taking *t, const struct json *spec, struct sweep_view *out)
{
    struct ds_span url = json_span(json_at2(spec, "results", "store")), claim, path;
    if (url.len == 0)
        return "results.store is missing: in a cluster results live on a PersistentVolumeClaim; "
               "write results: {store: pvc://CLAIM/PATH}";
    if (ds_span_starts(url, "s3://"))
        return refuse(t, "results.store", url,
                      "comes with S3 support, which this version does not have in a cluster; "
                      "write pvc://CLAIM/PATH");
    if (!ds_span_starts(url, "pvc://"))
        return refuse(t, "results.store", url,
                      "is a folder of somebody's machine; in a cluster write pvc://CLAIM/PATH");
    path = ds_span_cut((struct ds_span){url.ptr + 6, url.len - 6}, '/', &claim);
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (!is_dns_name(claim))
        return refuse(t, "results.store", url, "names no claim; write pvc://CLAIM/PATH");
    if (path.len > 0 && (!path_is_safe_member(path) || path.len > 512))
        return refuse(t, "results.store", url,
                      "has a path that leaves its claim or has an empty part; write "
                      "pvc://CLAIM/PATH");
    out->claim = take_span(t, claim, VIEW_NAME_BYTES);
    out->claim_path = take_span(t, path, 512);
    return NULL;
}

static const char *take_deck(struct taking *t, const struct json *spec, struct sweep_view *out)
{
    const struct json *from = json_get(spec, "deckFrom");
    static const struct {
        const char *key;
        enum deck_source source;
    } SOURCES[] = {{"configMap", DECK_CONFIG_MAP}, {"store", DECK_STORE}, {"url", DECK_URL}};
    for (size_t i = 0; i < DS_COUNT(SOURCES); i++) {
        struct ds_span name = json_span(json_get(from, SOURCES[i].key));
        if (name.len == 0)
            continue;
        if (out->deck_source != DECK_NONE)
            return "deckFrom: write one of configMap and store, not both";
        out->deck_source = SOURCES[i].source;
        out->deck_name = take_span(t, name, 1024);
        if (out->deck_source == DECK_URL)
            return refuse(t, "deckFrom.url", name,
                          "comes with S3 support, which this version does not have; write "
                          "configMap or store, or let decksweep submit bring the deck");
        if (out->deck_source == DECK_CONFIG_MAP && !is_dns_name(name))
            return refuse(t, "deckFrom.configMap", name, "is no name of a ConfigMap");
        if (out->deck_source == DECK_STORE && !path_is_safe_member(name))
            return refuse(t, "deckFrom.store", name, "is no key of a store");
    }
    return NULL;
}

static const char *find_refusal(struct taking *t, const struct json *spec, struct sweep_view *out)
{
    const char *store = take_store(t, spec, out), *deck = take_deck(t, spec, out);
    if (!is_dns_label(ds_span_of(out->name), SWEEP_NAME_CHARS))
        return "metadata.name must be a DNS label of at most 40 characters (a-z, 0-9, -), because "
               "Jobs and pods are named after it: create the sweep under another name";
    if (json_span(json_at2(spec, "simulator", "image")).len == 0)
        return "simulator.image is missing: write the image that holds the simulator, or submit "
               "with DECKSWEEP_SIMULATOR_IMAGE set";
    return store ? store : deck;
}

/* Seconds, or a duration like "1d". */
static int64_t ttl_of(const struct json *cluster)
{
    const struct json *j = json_get(cluster, "ttl");
    struct ds_span text;
    uint64_t n = 0;
    if (json_text(j, &text)) {
        if (units_parse_duration(text, &n, NULL) < 0)
            return TTL_DEFAULT_S;
        n /= 1000;
    } else if (!json_u64(j, INT32_MAX, &n)) {
        return TTL_DEFAULT_S;
    }
    return n < (uint64_t)TTL_MOST_S ? (int64_t)n : TTL_MOST_S;
}

int sweep_view_decode(const struct json *sweep, struct ds_arena *a, struct sweep_view *out,
                      struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *m = json_get(sweep, "metadata"), *spec = json_get(sweep, "spec");
    const struct json *cluster = json_get(spec, "cluster");
    int rc;
    memset(out, 0, sizeof *out);
    out->namespace_ = take_text(&t, json_get(m, "namespace"), VIEW_NAME_BYTES);
    out->name = take_text(&t, json_get(m, "name"), VIEW_NAME_BYTES);
    out->uid = take_text(&t, json_get(m, "uid"), VIEW_NAME_BYTES);
    out->resource_version = take_text(&t, json_get(m, "resourceVersion"), VIEW_NAME_BYTES);
    if (!out->name[0] || !out->uid[0] || !out->namespace_[0])
        return ds_fail(err, DS_EPARSE, "a Sweep without name, namespace or uid");
    (void)json_i64(json_get(m, "generation"), &out->generation);
    out->created_s = json_time(json_get(m, "creationTimestamp"));
    out->deleting = json_time(json_get(m, "deletionTimestamp")) != 0;
    out->run = run_of(spec);
    out->deck_name = out->claim = out->claim_path = "";
    out->once_token = take_text(&t, json_at2(spec, "once", "token"), STATUS_NAME_BYTES - 1);
    out->max_workers = json_count_of(cluster, "maxWorkers");
    out->has_queue = json_span(json_get(cluster, "queue")).len > 0;
    out->ttl_s = ttl_of(cluster);
    out->refused = find_refusal(&t, spec, out);
    sweep_status_decode(json_get(sweep, "status"), &out->status);
    sweep_store_hash(spec, out->store_hash);
    rc = sweep_spec_hash(spec, a, out->spec_hash, err);
    rc = rc < 0 ? rc : sweep_edit_hash(spec, a, out->edit_hash, err);
    return rc < 0 ? rc : take_check(&t, "Sweep", err);
}

void sweep_view_set_deck(struct sweep_view *w, const struct json *config_map)
{
    const struct json *m = json_get(config_map, "metadata");
    w->deck_present = w->deck_owned = false;
    if (w->deck_source != DECK_CONFIG_MAP || !json_says(m, "name", w->deck_name))
        return;
    w->deck_present = json_span(json_get(m, "deletionTimestamp")).len == 0;
    w->deck_owned = json_says(json_get(m, "labels"), LABEL_KIND, "bundle")
                    && json_find(json_get(m, "ownerReferences"), "uid", w->uid);
}

void sweep_view_set_claim(struct sweep_view *w, const struct json *claim)
{
    /* What a bound volume really offers counts; before that, what was asked for. */
    const struct json *modes = json_at2(claim, "status", "accessModes");
    bool many = false, one = false, one_pod = false;
    if (json_count(modes) == 0)
        modes = json_at2(claim, "spec", "accessModes");
    for (const struct json *mode = json_first(modes); mode; mode = json_next(mode)) {
        struct ds_span word = json_span(mode);
        many = many || ds_span_is(word, "ReadWriteMany");
        one = one || ds_span_is(word, "ReadWriteOnce");
        one_pod = one_pod || ds_span_is(word, "ReadWriteOncePod");
    }
    w->claim_missing = w->claim[0] && !json_says(json_get(claim, "metadata"), "name", w->claim);
    w->read_write_once = !many && (one || one_pod);
    w->read_write_once_pod = !many && !one && one_pod;
}
