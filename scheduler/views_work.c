/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs and pods. Pods run images that users choose: their words and messages are hostile. */
#include "decksweep/round.h"
#include "scheduler/views_parts.h"

#define MAIN_CONTAINER   "simulator"
#define ANNOTATION_INDEX "batch.kubernetes.io/job-completion-index"
#define ANNOTATION_FAILS "batch.kubernetes.io/job-index-failure-count"

static enum step_kind kind_of(const struct json *labels)
{
    if (json_says(labels, LABEL_KIND, "census"))
        return STEP_CENSUS;
    return json_says(labels, LABEL_KIND, "round") ? STEP_ROUND : STEP_NONE;
}

static const struct json *find_true(const struct json *conditions, const char *type)
{
    const struct json *c = json_find(conditions, "type", type);
    return json_says(c, "status", "True") ? c : NULL;
}

/* ---- Jobs ---- */

static void take_job_end(struct taking *t, const struct json *status, struct job_view *out)
{
    const struct json *list = json_get(status, "conditions");
    const struct json *failed = find_true(list, "Failed");
    const struct json *target = find_true(list, "FailureTarget");
    const struct json *complete = find_true(list, "Complete");
    const struct json *says = failed ? failed : target ? target : complete;
    out->complete = complete != NULL;
    out->failed = failed != NULL;
    out->failure_target = target != NULL;
    out->reason = take_text(t, json_get(says, "reason"), STATUS_REASON_BYTES - 1);
    out->message = take_text(t, json_get(says, "message"), STATUS_TEXT_BYTES - 1);
    out->ended_s = json_time(json_get(status, "completionTime"));
    if (out->ended_s == 0 && (failed || complete))
        out->ended_s = json_time(json_get(failed ? failed : complete, "lastTransitionTime"));
}

int job_view_decode(const struct json *job, struct ds_arena *a, struct job_view *out,
                    struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *m = json_get(job, "metadata"), *labels = json_get(m, "labels");
    const struct json *spec = json_get(job, "spec"), *status = json_get(job, "status");
    struct ds_span hash = json_span(json_get(labels, LABEL_SPEC));
    memset(out, 0, sizeof *out);
    out->name = take_text(&t, json_get(m, "name"), VIEW_NAME_BYTES);
    out->uid = take_text(&t, json_get(m, "uid"), VIEW_NAME_BYTES);
    if (!out->name[0] || !out->uid[0])
        return ds_fail(err, DS_EPARSE, "a Job without name or uid");
    out->kind = kind_of(labels);
    out->number = json_digits(json_get(labels, LABEL_STEP));
    out->shape = json_digits(json_get(labels, LABEL_SHAPE));
    if (hash.len < sizeof out->spec_hash)
        memcpy(out->spec_hash, hash.ptr, hash.len);
    out->deleting = json_time(json_get(m, "deletionTimestamp")) != 0;
    (void)json_bool(json_get(spec, "suspend"), &out->suspended);
    take_job_end(&t, status, out);
    out->why = "";
    out->completions = json_count_of(spec, "completions");
    out->parallelism = json_count_of(spec, "parallelism");
    out->n_active = json_count_of(status, "active");
    out->n_succeeded = json_count_of(status, "succeeded");
    out->n_failed_pods = json_count_of(status, "failed");
    out->completed_indexes =
        take_text(&t, json_get(status, "completedIndexes"), VIEW_INDEXES_BYTES);
    out->failed_indexes = take_text(&t, json_get(status, "failedIndexes"), VIEW_INDEXES_BYTES);
    out->has_ttl = !json_is_null(json_get(spec, "ttlSecondsAfterFinished"));
    out->created_s = json_time(json_get(m, "creationTimestamp"));
    return take_check(&t, "Job", err);
}

/* ---- pods ---- */

static enum pod_phase phase_of(const struct json *status)
{
    static const char *const WORDS[] = {[POD_PENDING] = "Pending",
                                        [POD_RUNNING] = "Running",
                                        [POD_SUCCEEDED] = "Succeeded",
                                        [POD_FAILED] = "Failed"};
    for (unsigned i = 0; i < DS_COUNT(WORDS); i++)
        if (json_says(status, "phase", WORDS[i]))
            return (enum pod_phase)i;
    return json_get(status, "phase") ? POD_UNKNOWN : POD_PENDING;
}

/* The first container that waits for something that may never come. */
static void take_waiting(struct taking *t, const struct json *list, struct pod_view *out)
{
    for (const struct json *c = json_first(list); c && !out->waiting[0]; c = json_next(c)) {
        const struct json *waiting = json_at2(c, "state", "waiting");
        struct ds_span reason = json_span(json_get(waiting, "reason"));
        struct ds_span words = json_span(json_get(waiting, "message"));
        if (reason.len == 0 || ds_span_is(reason, "PodInitializing")
            || ds_span_is(reason, "ContainerCreating"))
            continue;
        out->waiting = take_span(t, reason, STATUS_REASON_BYTES - 1);
        out->why = take_span(t, words.len > 0 ? words : reason, STATUS_TEXT_BYTES - 1);
    }
}

/* When its last container ended; of a pod that has none (rejected, evicted, lost): when some
 * condition last changed. */
static void take_ends(const struct json *status, struct pod_view *out)
{
    static const char *const LISTS[] = {"initContainerStatuses", "containerStatuses"};
    for (size_t i = 0; i < DS_COUNT(LISTS); i++)
        for (const struct json *c = json_first(json_get(status, LISTS[i])); c; c = json_next(c)) {
            const struct json *end = json_at2(c, "state", "terminated");
            int64_t at = json_time(json_get(end, "finishedAt"));
            out->oom_killed = out->oom_killed || json_says(end, "reason", "OOMKilled");
            out->ended_s = at > out->ended_s ? at : out->ended_s;
        }
    bool over = out->phase == POD_SUCCEEDED || out->phase == POD_FAILED;
    for (const struct json *c = json_first(json_get(status, "conditions"));
         c && over && out->ended_s == 0; c = json_next(c))
        out->ended_s = json_time(json_get(c, "lastTransitionTime"));
    if (!over)
        out->ended_s = 0;
}

static void take_message(struct taking *t, const struct json *main_status, struct pod_view *out)
{
    const struct json *end = json_at2(main_status, "state", "terminated");
    struct ds_span text = json_span(json_get(end, "message"));
    struct chunk_report r;
    int64_t code;
    if (json_i64(json_get(end, "exitCode"), &code))
        out->exit_code = code >= 0 && code <= 255 ? (int)code : 255;
    if (out->kind == STEP_CENSUS) {
        out->message = text.len <= CENSUS_REPORT_BYTES ? take_span(t, text, text.len) : "";
        return;
    }
    if (text.len == 0 || text.len > CENSUS_REPORT_BYTES || chunk_report_decode(text, &r, NULL) < 0)
        return;
    for (int v = VERDICT_OK; v < VERDICT_COUNT; v++) {
        uint32_t n = r.attempts[v] < INT32_MAX ? (uint32_t)r.attempts[v] : INT32_MAX;
        if (v == VERDICT_OK)
            out->n_ok = n;
        else
            out->n_failed = n < INT32_MAX - out->n_failed ? out->n_failed + n : INT32_MAX;
    }
    out->n_failed_rows = r.failed_rows < INT32_MAX ? (uint32_t)r.failed_rows : INT32_MAX;
}

static void take_words(struct taking *t, const struct json *status, struct pod_view *out)
{
    const struct json *list = json_get(status, "conditions");
    const struct json *scheduled = json_find(list, "type", "PodScheduled");
    const struct json *disrupted = find_true(list, "DisruptionTarget");
    struct ds_span words = json_span(json_get(status, "message"));
    out->disrupted = disrupted != NULL;
    out->unschedulable = out->phase == POD_PENDING && json_says(scheduled, "status", "False");
    out->waiting = out->why = "";
    if (out->phase == POD_PENDING || out->phase == POD_RUNNING) {
        take_waiting(t, json_get(status, "initContainerStatuses"), out);
        take_waiting(t, json_get(status, "containerStatuses"), out);
    }
    if (out->why[0])
        return;
    if (out->unschedulable)
        words = json_span(json_get(scheduled, "message"));
    else if (words.len == 0)
        words = json_span(json_get(status, "reason"));
    if (words.len == 0 && disrupted)
        words = json_span(json_get(disrupted, "message"));
    out->why = take_span(t, words, STATUS_TEXT_BYTES - 1);
}

static uint32_t cpus_of(const struct json *spec)
{
    const struct json *c = json_find(json_get(spec, "containers"), "name", MAIN_CONTAINER);
    uint64_t milli = 0;
    (void)quantity_parse(json_span(json_get(json_at2(c, "resources", "requests"), "cpu")), 1000,
                         &milli);
    return milli < 1000000000 ? (uint32_t)((milli + 999) / 1000) : 0;
}

static void take_identity(struct taking *t, const struct json *m, struct pod_view *out)
{
    const struct json *annotations = json_get(m, "annotations");
    const struct json *owner = json_find(json_get(m, "ownerReferences"), "kind", "Job");
    struct ds_span index = json_span(json_get(annotations, ANNOTATION_INDEX));
    out->name = take_text(t, json_get(m, "name"), VIEW_NAME_BYTES);
    out->uid = take_text(t, json_get(m, "uid"), VIEW_NAME_BYTES);
    out->job_uid = take_text(t, json_get(owner, "uid"), VIEW_NAME_BYTES);
    out->kind = kind_of(json_get(m, "labels"));
    out->index = index.len > 0 && index.ptr[0] >= '0' && index.ptr[0] <= '9'
                     ? (int64_t)json_digits(json_get(annotations, ANNOTATION_INDEX))
                     : -1;
    out->n_failures = json_digits(json_get(annotations, ANNOTATION_FAILS));
    out->delete_by_s = json_time(json_get(m, "deletionTimestamp"));
    out->deleting = out->delete_by_s != 0;
    out->grace_s = json_count_of(m, "deletionGracePeriodSeconds");
    out->created_s = json_time(json_get(m, "creationTimestamp"));
}

int pod_view_decode(const struct json *pod, struct ds_arena *a, struct pod_view *out,
                    struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *spec = json_get(pod, "spec"), *status = json_get(pod, "status");
    memset(out, 0, sizeof *out);
    out->exit_code = -1;
    out->message = "";
    take_identity(&t, json_get(pod, "metadata"), out);
    if (!out->name[0] || !out->uid[0])
        return ds_fail(err, DS_EPARSE, "a pod without name or uid");
    out->node = take_text(&t, json_get(spec, "nodeName"), VIEW_NAME_BYTES);
    out->cpus = cpus_of(spec);
    out->phase = phase_of(status);
    out->started_s = json_time(json_get(status, "startTime"));
    take_words(&t, status, out);
    take_ends(status, out);
    take_message(&t, json_find(json_get(status, "containerStatuses"), "name", MAIN_CONTAINER), out);
    return take_check(&t, "pod", err);
}
