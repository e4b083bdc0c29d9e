/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Job itself: what it is of, how its pods' ends are counted; and the ConfigMap of the spec. */
#include "scheduler/job_manifest.h"

#include "base/json_canonical.h"
#include "scheduler/job_parts.h"
#include "scheduler/pod_size.h"

#include <stdio.h>

#define EXIT_INTERRUPTED  75  /* of worker and census: no failure, again */
#define EXIT_NO_SIMULATOR 77  /* of a worker: all others will say the same */
#define HOST_NAME_CHARS   63u /* "<job>-<index>" is a pod's host name: a DNS label */

struct ds_span job_text_of(const struct json *object, const char *key)
{
    struct ds_span text = {"", 0};
    (void)json_text(json_get(object, key), &text);
    return text;
}

/* ---- metadata ---- */

/* Keys that are ours in labels and annotations alike: a user's are passed over. */
static bool is_ours(struct ds_span key)
{
    static const char *const PREFIXES[] = {"decksweep.io/", "batch.kubernetes.io/"};
    static const char *const KEYS[] = {LABEL_MANAGED_BY, LABEL_QUEUE, "job-name", "controller-uid"};
    for (size_t i = 0; i < DS_COUNT(PREFIXES); i++)
        if (ds_span_starts(key, PREFIXES[i]))
            return true;
    for (size_t i = 0; i < DS_COUNT(KEYS); i++)
        if (ds_span_is(key, KEYS[i]))
            return true;
    return false;
}

static void put_users(struct json_writer *w, const struct json *map)
{
    struct ds_span text;
    for (const struct json *at = json_first(map); at; at = json_next(at))
        if (json_key(at).len > 0 && !is_ours(json_key(at)) && json_text(at, &text)) {
            jw_key_span(w, json_key(at));
            jw_text(w, text);
        }
}

static void put_number_label(struct json_writer *w, const char *key, uint32_t number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    jw_kv_cstr(w, key, text);
}

static void put_labels(struct making *m, bool of_pod)
{
    struct json_writer *w = &m->w;
    struct ds_span queue = job_text_of(m->cluster, "queue");
    char claim[CLAIM_LABEL_BYTES];
    manifest_claim_label(m->in->view->claim, claim);
    jw_key(w, "labels");
    jw_object(w);
    put_users(w, json_get(m->cluster, "labels"));
    jw_kv_cstr(w, LABEL_MANAGED_BY, "decksweep");
    jw_kv_cstr(w, LABEL_SWEEP, m->in->view->name);
    jw_kv_cstr(w, LABEL_KIND, m->is_census ? "census" : "round");
    put_number_label(w, LABEL_STEP, m->step->number);
    if (!m->is_census)
        put_number_label(w, LABEL_SHAPE, m->number);
    jw_kv_cstr(w, LABEL_SPEC, m->in->view->spec_hash);
    if (of_pod)
        jw_kv_cstr(w, LABEL_CLAIM, claim);
    else if (queue.len > 0)
        jw_kv_text(w, LABEL_QUEUE, queue);
    jw_end_object(w);
}

/* Whatever moves pods about to save nodes would throw away hours: unless the user says so. */
static void put_annotations(struct making *m, bool of_pod)
{
    static const struct {
        const char *key, *value;
    } KEEP[] = {{ANNOTATION_SAFE_TO_EVICT, "false"}, {ANNOTATION_KARPENTER, "true"}};
    const struct json *users = json_get(m->cluster, "annotations");
    struct json_writer *w = &m->w;
    if (!of_pod && json_count(users) == 0)
        return;
    jw_key(w, "annotations");
    jw_object(w);
    put_users(w, users);
    for (size_t i = 0; of_pod && i < DS_COUNT(KEEP); i++)
        if (!json_get(users, KEEP[i].key))
            jw_kv_cstr(w, KEEP[i].key, KEEP[i].value);
    jw_end_object(w);
}

void job_put_metadata(struct making *m, bool of_pod)
{
    put_labels(m, of_pod);
    put_annotations(m, of_pod);
}

static void put_owner(struct json_writer *w, const struct sweep_view *v)
{
    jw_key(w, "ownerReferences");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(w, "kind", SWEEP_KIND);
    jw_kv_cstr(w, "name", v->name);
    jw_kv_cstr(w, "uid", v->uid);
    jw_kv_bool(w, "controller", true);
    jw_kv_bool(w, "blockOwnerDeletion", true);
    jw_end_object(w);
    jw_end_array(w);
}

/* ---- the Job ---- */

static void put_exit_rule(struct json_writer *w, const char *action, int code)
{
    jw_object(w);
    jw_kv_cstr(w, "action", action);
    jw_key(w, "onExitCodes");
    jw_object(w);
    jw_kv_cstr(w, "containerName", CONTAINER_SIMULATOR);
    jw_kv_cstr(w, "operator", "In");
    jw_key(w, "values");
    jw_array(w);
    jw_i64(w, code);
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* The first rule that fits holds; what fits none counts. Conditions before exit codes: a pod
 * that is pushed away ends with some code, too. */
static void put_failure_policy(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_key(w, "podFailurePolicy");
    jw_object(w);
    jw_key(w, "rules");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "action", "Ignore");
    jw_key(w, "onPodConditions");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "type", "DisruptionTarget");
    jw_kv_cstr(w, "status", "True");
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    put_exit_rule(w, "Ignore", EXIT_INTERRUPTED);
    if (!m->is_census)
        put_exit_rule(w, "FailJob", EXIT_NO_SIMULATOR);
    jw_end_array(w);
    jw_end_object(w);
}

/* A census that fails is begun again by reconcile, which waits and counts; indexes of a round get
 * one more pod at once, and the next census sees to the rest. */
static void put_counts(struct making *m)
{
    const struct manifest_input *in = m->in;
    struct json_writer *w = &m->w;
    if (m->is_census) {
        jw_kv_u64(w, "backoffLimit", 0);
        jw_kv_u64(w, "completions", 1);
        jw_kv_u64(w, "parallelism", 1);
        return;
    }
    jw_kv_cstr(w, "completionMode", "Indexed");
    jw_kv_u64(w, "backoffLimitPerIndex", 1);
    jw_kv_u64(w, "completions", m->job->shape.n_chunks);
    jw_kv_u64(w, "maxFailedIndexes", m->job->shape.n_chunks);
    jw_kv_u64(
        w, "parallelism",
        reconcile_parallelism(in->view, in->status, m->number, in->limits, in->nodes, in->n_nodes));
}

static void put_job(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_object(w);
    jw_kv_cstr(w, "apiVersion", "batch/v1");
    jw_kv_cstr(w, "kind", "Job");
    jw_key(w, "metadata");
    jw_object(w);
    jw_kv_cstr(w, "name", m->job->name);
    jw_kv_cstr(w, "namespace", m->in->view->namespace_);
    job_put_metadata(m, false);
    put_owner(w, m->in->view);
    jw_end_object(w);
    jw_key(w, "spec");
    jw_object(w);
    put_counts(m);
    put_failure_policy(m);
    jw_kv_cstr(w, "podReplacementPolicy", "Failed");
    jw_key(w, "template");
    jw_object(w);
    jw_key(w, "metadata");
    jw_object(w);
    job_put_metadata(m, true);
    jw_end_object(w);
    job_put_pod_spec(m);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* ---- what goes in ---- */

/* A census pod's size: the limits', less scratch where no node has so much. */
static void size_census(struct making *m)
{
    const struct manifest_input *in = m->in;
    uint64_t most = 0, ranks = 1;
    for (size_t i = 0; i < in->n_nodes; i++)
        if (in->nodes[i].scratch_bytes > most)
            most = in->nodes[i].scratch_bytes;
    (void)json_u64(json_get(json_get(m->spec, "resources"), "ranks"), 4096, &ranks);
    m->pod.cpus = in->limits->census_cpus;
    m->pod.mem_bytes = in->limits->census_mem_bytes;
    m->pod.scratch_bytes = in->limits->census_scratch_bytes;
    if (most > 0 && most < m->pod.scratch_bytes)
        m->pod.scratch_bytes = most;
    m->pod.shm_bytes = POD_SHM_RANK_BYTES * (ranks > 0 ? ranks : 1);
    if (m->pod.shm_bytes > m->pod.mem_bytes / 4)
        m->pod.shm_bytes = m->pod.mem_bytes / 4;
    m->deadline_s = in->limits->census_deadline_s > 0 && in->limits->census_deadline_s < INT32_MAX
                        ? (uint32_t)in->limits->census_deadline_s
                        : 0;
    if (in->view->deck_source == DECK_CONFIG_MAP && !in->status->bundle_stored)
        m->deck_map = in->view->deck_name;
}

static int check_sweep(const struct manifest_input *in, const struct json *spec, struct ds_err *err)
{
    const struct sweep_view *v = in->view;
    if (v->refused)
        return ds_fail(err, DS_EINPUT, "%s", v->refused);
    if (!v->claim || v->claim[0] == '\0')
        return ds_fail(err, DS_EINPUT,
                       "results.store: no claim; in a cluster write pvc://CLAIM/PATH");
    if (job_text_of(json_get(spec, "simulator"), "image").len == 0)
        return ds_fail(err, DS_EINPUT,
                       "simulator.image is missing: name the container image that holds the "
                       "simulator");
    return 0;
}

/* Indexed pods are called "<job>-<index>". */
static int check_host_name(const struct making *m, struct ds_err *err)
{
    int n = snprintf(NULL, 0, "%s-%u", m->job->name, m->job->shape.n_chunks - 1);
    if (!m->is_census && n > (int)HOST_NAME_CHARS)
        return ds_fail(err, DS_ETOOBIG,
                       "%s: with an index behind it this is longer than the %u characters of a "
                       "host name; a new sweep of a shorter name begins at round 1",
                       m->job->name, HOST_NAME_CHARS);
    return 0;
}

int job_manifest(const struct manifest_input *in, uint32_t job, struct ds_buf *out,
                 struct ds_err *err)
{
    const struct step *step = &in->status->step;
    struct making m = {.in = in, .step = step, .number = job};
    int rc;
    if (job >= step->n_jobs || job >= CENSUS_MAX_SHAPES || step->kind == STEP_NONE)
        return ds_fail(err, DS_ENOTFOUND, "there is no Job %u in this step", job);
    m.spec = json_get(in->sweep, "spec");
    m.cluster = json_get(m.spec, "cluster");
    m.job = &step->job[job];
    m.is_census = step->kind == STEP_CENSUS;
    m.pod = m.job->shape.pod;
    m.deadline_s = m.job->shape.deadline_s;
    if (m.is_census)
        size_census(&m);
    if (m.pod.shm_bytes == 0) /* a quantity of 0 means no limit */
        m.pod.shm_bytes = POD_SHM_RANK_BYTES;
    if (m.pod.scratch_bytes < POD_DISK_BYTES) /* the programs alone need some of it */
        m.pod.scratch_bytes = POD_DISK_BYTES;
    if ((rc = check_sweep(in, m.spec, err)) < 0 || (rc = check_host_name(&m, err)) < 0)
        return rc;
    if (!m.is_census && (m.job->shape.n_chunks == 0 || m.pod.cpus == 0 || m.pod.mem_bytes == 0))
        return ds_fail(err, DS_EINPUT, "%s: a shape without chunks, CPUs or memory", m.job->name);
    jw_init(&m.w, out);
    put_job(&m);
    return buf_check(out, "Job", err);
}

/* ---- the spec as a file ---- */

void job_manifest_spec_name(const char *sweep, const char *edit_hash, char out[STATUS_NAME_BYTES])
{
    memset(out, 0, STATUS_NAME_BYTES);
    (void)snprintf(out, STATUS_NAME_BYTES, "%.40s-%.8s-spec", sweep, edit_hash);
}

/* What a sweep file holds of the object: a parser of sweep files knows no creationTimestamp. */
static int render_file(const struct manifest_input *in, struct ds_buf *out, struct ds_err *err)
{
    ds_auto_arena scratch = arena_create(64u << 20);
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(&w, "kind", SWEEP_KIND);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_cstr(&w, "name", in->view->name);
    jw_end_object(&w);
    jw_key(&w, "spec");
    int rc = json_put_canonical(json_get(in->sweep, "spec"), NULL, 0, scratch, out, err);
    (void)buf_put_text(out, "}\n");
    return rc < 0 ? rc : buf_check(out, "sweep.json", err);
}

int job_manifest_spec(const struct manifest_input *in, struct ds_buf *out, struct ds_err *err)
{
    ds_auto_buf file;
    char name[STATUS_NAME_BYTES];
    struct json_writer w;
    buf_init(&file, MANIFEST_MAX_SPEC_BYTES);
    if (!json_is_object(json_get(in->sweep, "spec")))
        return ds_fail(err, DS_EINPUT, "the Sweep has no spec");
    int rc = render_file(in, &file, err);
    if (rc < 0)
        return ds_wrap(err, "spec");
    job_manifest_spec_name(in->view->name, in->view->edit_hash, name);
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", "v1");
    jw_kv_cstr(&w, "kind", "ConfigMap");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_cstr(&w, "name", name);
    jw_kv_cstr(&w, "namespace", in->view->namespace_);
    jw_key(&w, "labels");
    jw_object(&w);
    jw_kv_cstr(&w, LABEL_MANAGED_BY, "decksweep");
    jw_kv_cstr(&w, LABEL_SWEEP, in->view->name);
    jw_kv_cstr(&w, LABEL_KIND, "spec");
    jw_kv_cstr(&w, LABEL_SPEC, in->view->edit_hash);
    jw_end_object(&w);
    put_owner(&w, in->view);
    jw_end_object(&w);
    jw_kv_bool(&w, "immutable", true);
    jw_key(&w, "data");
    jw_object(&w);
    jw_kv_text(&w, "sweep.json", buf_span(&file));
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_check(out, "ConfigMap", err);
}
