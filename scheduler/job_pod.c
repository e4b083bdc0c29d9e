/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pods of a Job: an init container that brings our programs, and the user's image that runs
 * them. */
#include "scheduler/job_parts.h"
#include "scheduler/pod_size.h"

#include <stdio.h>

static const char AGENT[] = POD_AGENT, CLI[] = POD_CLI, SWEEP_FILE[] = POD_SPEC "/sweep.json";

#define GRACE_S      60 /* to end what runs and commit what is done */
#define ENV_MAX_ROOM (64u << 10)

/* The API server gives quantities back as they came: bytes in digits are exact. */
static void put_quantity(struct json_writer *w, const char *key, uint64_t amount)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)amount);
    jw_kv_cstr(w, key, text);
}

struct share { /* requests = limits */
    const char *cpu;
    uint64_t mem_bytes, disk_bytes;
};

static void put_resources(struct json_writer *w, const struct share *s)
{
    static const char *const BOTH[] = {"requests", "limits"};
    jw_key(w, "resources");
    jw_object(w);
    for (size_t i = 0; i < DS_COUNT(BOTH); i++) {
        jw_key(w, BOTH[i]);
        jw_object(w);
        jw_kv_cstr(w, "cpu", s->cpu);
        put_quantity(w, "memory", s->mem_bytes);
        put_quantity(w, "ephemeral-storage", s->disk_bytes);
        jw_end_object(w);
    }
    jw_end_object(w);
}

/* ---- environment ---- */

static void put_env(struct json_writer *w, const char *name, struct ds_span value)
{
    jw_object(w);
    jw_kv_cstr(w, "name", name);
    jw_kv_text(w, "value", value);
    jw_end_object(w);
}

static void put_env_from(struct json_writer *w, const char *name, const char *kind, const char *key,
                         const char *what)
{
    jw_object(w);
    jw_kv_cstr(w, "name", name);
    jw_key(w, "valueFrom");
    jw_object(w);
    jw_key(w, kind);
    jw_object(w);
    jw_kv_cstr(w, key, what);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* The administrator's limits and what the Sweep asks for less. */
static struct pod_limits merge_limits(const struct making *m)
{
    struct pod_limits l = m->in->limits->pods;
    uint64_t cores, workers = m->in->view->max_workers;
    if (json_u64(json_get(m->cluster, "workerCores"), 4096, &cores) && cores > 0
        && (l.worker_cores == 0 || cores < l.worker_cores))
        l.worker_cores = (uint32_t)cores;
    if (workers > 0 && (l.max_workers == 0 || workers < l.max_workers))
        l.max_workers = (uint32_t)workers;
    return l;
}

/* Words of spec.once.do, by comma. */
static void put_once(struct making *m)
{
    ds_auto_buf words;
    struct ds_span word;
    const struct json *list = json_get(json_get(m->spec, "once"), "do");
    buf_init(&words, 4096);
    for (const struct json *at = json_first(list); at; at = json_next(at))
        if (json_text(at, &word)) {
            if (words.len > 0)
                (void)buf_put_char(&words, ',');
            (void)buf_put_span(&words, word);
        }
    if (words.len > 0 && !words.failed)
        put_env(&m->w, ENV_ONCE, buf_span(&words));
}

static void put_census_env(struct making *m)
{
    ds_auto_buf text;
    struct pod_limits limits = merge_limits(m);
    buf_init(&text, ENV_MAX_ROOM);
    if (node_classes_encode(m->in->nodes, m->in->n_nodes, &text) == 0)
        put_env(&m->w, ENV_NODE_CLASSES, buf_span(&text));
    buf_reset(&text);
    if (pod_limits_encode(&limits, &text) == 0)
        put_env(&m->w, ENV_LIMITS, buf_span(&text));
    if (m->step->once[0])
        put_once(m);
    if (m->step->stopped[0])
        put_env(&m->w, ENV_STOPPED, ds_span_of(m->step->stopped));
}

static void put_environment(struct making *m)
{
    struct json_writer *w = &m->w;
    char bytes[24];
    (void)snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)m->pod.scratch_bytes);
    jw_key(w, "env");
    jw_array(w);
    put_env(w, ENV_SWEEP, ds_span_of(m->in->view->name));
    put_env_from(w, ENV_NODE, "fieldRef", "fieldPath", "spec.nodeName");
    put_env(w, ENV_VERSION, ds_span_of(m->in->version));
    put_env(w, ENV_SCRATCH_BYTES, ds_span_of(bytes));
    put_env_from(w, ENV_CPU_LIMIT, "resourceFieldRef", "resource", "limits.cpu");
    put_env_from(w, ENV_MEMORY_LIMIT, "resourceFieldRef", "resource", "limits.memory");
    put_env(w, "HOME", DS_SPAN("/tmp"));        /* user 1000 has none, and the root is read-only */
    put_env(w, "TMPDIR", DS_SPAN(POD_SCRATCH)); /* /var/tmp cannot be written, /tmp is small */
    if (m->is_census)
        put_census_env(m);
    else
        put_env_from(w, ENV_INDEX_FAILED, "fieldRef", "fieldPath",
                     "metadata.annotations['batch.kubernetes.io/job-index-failure-count']");
    jw_end_array(w);
}

/* ---- commands ---- */

static void put_words(struct json_writer *w, const char *const *words, size_t n)
{
    jw_key(w, "command");
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_cstr(w, words[i]);
    jw_end_array(w);
}

static void put_census_command(struct making *m)
{
    const char *const words[] = {
        CLI,         "census",   "--sweep-file", SWEEP_FILE,
        "--store",   POD_STORE,  "--deck",       m->deck_map ? POD_DECK : "none",
        "--scratch", POD_SCRATCH};
    put_words(&m->w, words, DS_COUNT(words));
}

static void put_worker_command(struct making *m)
{
    char round[16], first[16], cores[16], memory[24];
    (void)snprintf(round, sizeof round, "%u", m->step->number);
    (void)snprintf(first, sizeof first, "%u", m->job->shape.first_index);
    (void)snprintf(cores, sizeof cores, "%u", m->pod.cpus);
    (void)snprintf(memory, sizeof memory, "%llu", (unsigned long long)pod_size_worker_mem(&m->pod));
    const char *const words[] = {AGENT,           "work",
                                 "--store",       POD_STORE,
                                 "--sweep",       m->in->view->name,
                                 "--plan",        m->step->plan_digest,
                                 "--round",       round,
                                 "--first-index", first,
                                 "--cores",       cores,
                                 "--memory",      memory,
                                 "--scratch",     POD_SCRATCH};
    put_words(&m->w, words, DS_COUNT(words));
}

/* ---- containers ---- */

/* A little CPU and no whole one: the static CPU manager chooses cores for the worker alone. */
static void put_agent(struct making *m)
{
    static const char *const WORDS[] = {AGENT, "install", INSTALL_FOLDER};
    static const struct share SHARE = {"100m", UINT64_C(64) << 20, UINT64_C(64) << 20};
    struct json_writer *w = &m->w;
    jw_key(w, "initContainers");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "name", CONTAINER_AGENT);
    jw_kv_cstr(w, "image", m->in->agent_image);
    put_words(w, WORDS, DS_COUNT(WORDS));
    put_resources(w, &SHARE);
    job_put_container_security(m);
    jw_key(w, "volumeMounts");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "name", "programs");
    jw_kv_cstr(w, "mountPath", INSTALL_FOLDER);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    jw_end_array(w);
}

static void put_simulator(struct making *m)
{
    char cpus[16];
    const struct share share = {cpus, m->pod.mem_bytes, m->pod.scratch_bytes};
    struct json_writer *w = &m->w;
    (void)snprintf(cpus, sizeof cpus, "%u", m->pod.cpus);
    jw_key(w, "containers");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "name", CONTAINER_SIMULATOR);
    jw_kv_text(w, "image", job_text_of(json_get(m->spec, "simulator"), "image"));
    if (m->is_census)
        put_census_command(m);
    else
        put_worker_command(m);
    put_environment(m);
    put_resources(w, &share);
    job_put_container_security(m);
    jw_kv_cstr(w, "terminationMessagePath", POD_MESSAGE);
    jw_kv_cstr(w, "terminationMessagePolicy", "File");
    job_put_mounts(m);
    jw_kv_cstr(w, "workingDir", POD_SCRATCH);
    jw_end_object(w);
    jw_end_array(w);
}

void job_put_pod_spec(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_key(w, "spec");
    jw_object(w);
    jw_kv_cstr(w, "restartPolicy", "Never");
    if (m->deadline_s > 0)
        jw_kv_u64(w, "activeDeadlineSeconds", m->deadline_s);
    jw_kv_u64(w, "terminationGracePeriodSeconds", GRACE_S);
    jw_kv_bool(w, "automountServiceAccountToken", false);
    jw_kv_bool(w, "enableServiceLinks", false);
    job_put_placement(m);
    put_agent(m);
    put_simulator(m);
    job_put_volumes(m);
    jw_end_object(w);
}
