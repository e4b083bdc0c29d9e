/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cluster_logs_io.h"

#include "base/units.h"
#include "cli/pod_log.h"
#include "cli/pod_seen.h"
#include "cli/text.h"
#include "kube/kube_path.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define LIST_BYTES ((size_t)256 << 20)
#define LOG_BYTES  ((size_t)16 << 20)
#define TAIL_LINES "1000" /* a worker says every 10 s how each of its cases stands */
#define AT_ONCE    16u
#define TURN_MS    500
#define WAIT_MS    5000
#define OUT_BYTES  ((size_t)64 << 20)
#define CONTAINER  "simulator"

/* Control bytes stay out of terminals; files and pipes get the bytes as they are. */
static void put_clean(struct cli *cli, struct ds_span text)
{
    ds_auto_buf clean = {0};
    if (!isatty(fileno(cli->out))) {
        (void)fwrite(text.ptr, 1, text.len, cli->out);
    } else {
        buf_init(&clean, text.len * 4 + 4096);
        text_put_lines(&clean, text);
        cli_put(cli, &clean);
    }
    (void)fflush(cli->out);
}

/* ---- which pods ---- */

static int list_pods(struct target *t, const char *kinds, bool running, struct pod_seen **out,
                     size_t *n, struct ds_err *err)
{
    struct cluster *c = &t->cluster->at;
    ds_auto_buf path = {0};
    ds_auto_json list = NULL;
    struct ds_span body;
    char selector[512];
    buf_init(&path, PATH_BYTES);
    (void)snprintf(selector, sizeof selector, LABEL_SWEEP "=%s," LABEL_KIND " in (%s)",
                   t->cluster->report.name, kinds);
    (void)kube_path_put(&path, "v1", kube_namespace(c->kube), "pods", NULL, NULL);
    (void)kube_query_put(&path, "labelSelector", selector);
    if (running)
        (void)kube_query_put(&path, "fieldSelector", "status.phase=Running");
    int rc = buf_check(&path, "the path of the pods", err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_GET, .path = path.data, .max_body_bytes = LIST_BYTES};
    rc = kube_do(c->kube, &call, t->arena, &body, NULL, err);
    if (rc == 0)
        rc = json_parse(body, LIST_BYTES, &list, err);
    return rc < 0 ? rc : pod_seen_list(list, t->arena, out, n, err);
}

static int put_log_path(struct target *t, const char *pod, struct ds_buf *path, struct ds_err *err)
{
    (void)kube_path_put(path, "v1", kube_namespace(t->cluster->at.kube), "pods", pod, "log");
    (void)kube_query_put(path, "container", CONTAINER);
    return buf_check(path, "the path of a pod", err);
}

/* ---- looking for the case ---- */

struct look { /* at one pod */
    const struct pod_seen *pod;
    struct pod_log log;
    bool over;
    struct ds_err err;
};

static void take_log(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct look *l = context;
    (void)status;
    l->over = true;
    if (err)
        l->err = *err;
    else
        pod_log_feed(&l->log, body, NULL);
}

static int start_look(struct target *t, struct look *l, const struct pod_seen *pod,
                      struct ds_span text, bool by_id, struct ds_err *err)
{
    ds_auto_buf path = {0};
    uint64_t id;
    buf_init(&path, PATH_BYTES);
    *l = (struct look){.pod = pod};
    int rc = pod_log_init(&l->log, text, by_id, err);
    if (rc == 0)
        rc = put_log_path(t, pod->name, &path, err);
    if (rc < 0)
        return rc;
    (void)kube_query_put(&path, "tailLines", TAIL_LINES);
    struct kube_call call = {
        .method = HTTP_GET, .path = path.data, .accept = "*/*", .max_body_bytes = LOG_BYTES};
    return kube_start(t->cluster->at.kube, &call, take_log, l, &id, err);
}

static bool all_over(const struct look *looks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!looks[i].over)
            return false;
    return true;
}

/* The first pods of the list, at most AT_ONCE, side by side. */
static int look_at_some(struct target *t, const struct pod_seen *pods, size_t n, struct look *looks,
                        struct ds_span text, bool by_id, struct ds_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = start_look(t, &looks[i], &pods[i], text, by_id, err);
    while (rc == 0 && !all_over(looks, n))
        rc = http_turn(t->cluster->at.loop, TURN_MS, NULL, NULL, 0, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (looks[i].err.code == DS_EDENIED) { /* the same for every pod */
            *err = looks[i].err;
            rc = looks[i].err.code;
        }
    return rc;
}

/* *out: the look at the pod that runs the case (the newest word wins); its pod NULL: none does. */
static int find_case(struct target *t, struct ds_span text, bool by_id, struct look *out,
                     struct ds_err *err)
{
    struct pod_seen *pods = NULL;
    size_t n = 0;
    struct look *looks = ds_new(t->arena, struct look, AT_ONCE);
    out->pod = NULL;
    if (!looks)
        return ds_fail(err, DS_ETOOBIG, "the logs do not fit");
    int rc = list_pods(t, "round,census", true, &pods, &n, err);
    for (size_t at = 0; at < n && rc == 0; at += AT_ONCE) {
        size_t some = n - at < AT_ONCE ? n - at : AT_ONCE;
        rc = look_at_some(t, pods + at, some, looks, text, by_id, err);
        for (size_t i = 0; i < some && rc == 0; i++)
            if (looks[i].log.state == POD_CASE_RUNNING && !looks[i].log.worker_ended
                && (!out->pod || looks[i].log.last_ms > out->log.last_ms))
                *out = looks[i];
    }
    return rc;
}

/* A number wins over an id of the same digits. */
static int find_running(struct target *t, const char *text, struct look *out, struct ds_err *err)
{
    uint64_t number;
    struct ds_span word = ds_span_of(text);
    bool is_number = units_parse_u64(word, UINT32_MAX, &number, NULL) == 0;
    int rc = find_case(t, word, !is_number, out, err);
    if (rc == 0 && !out->pod && is_number && word.len >= 4 && word.len <= CASE_ID_CHARS)
        rc = find_case(t, word, true, out, err);
    return rc;
}

/* ---- a stream ---- */

struct streaming {
    struct cli *cli;
    struct pod_log *log; /* NULL: as it comes */
    struct ds_buf out;
    bool over;
    struct ds_err err;
};

static int take_bytes(void *context, struct ds_span bytes, struct ds_err *err)
{
    struct streaming *s = context;
    (void)err;
    if (!s->log) {
        put_clean(s->cli, bytes);
        return 0;
    }
    buf_reset(&s->out);
    pod_log_feed(s->log, bytes, &s->out);
    put_clean(s->cli, buf_span(&s->out));
    return 0;
}

static void take_end(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct streaming *s = context;
    (void)status;
    (void)body;
    s->over = true;
    if (err)
        s->err = *err;
}

/* Until the stream or the case ends. */
static int stream(struct streaming *s, struct target *t, const char *path, struct ds_err *err)
{
    uint64_t id = 0;
    struct kube_call call = {.method = HTTP_GET, .path = path, .accept = "*/*", .deadline_ms = -1};
    buf_init(&s->out, OUT_BYTES);
    int rc = kube_stream(t->cluster->at.kube, &call, take_bytes, take_end, s, &id, err);
    while (rc == 0 && !s->over && !(s->log && s->log->state == POD_CASE_ENDED)
           && !ferror(s->cli->out))
        rc = http_turn(t->cluster->at.loop, TURN_MS, NULL, NULL, 0, err);
    if (!s->over)
        http_cancel(t->cluster->at.loop, id);
    buf_clear(&s->out);
    if (rc == 0 && s->err.code != DS_OK) {
        *err = s->err;
        rc = s->err.code;
    }
    return rc;
}

static int follow_case(struct cli *cli, struct target *t, struct look *l, struct ds_err *err)
{
    ds_auto_buf path = {0};
    char since[24];
    buf_init(&path, PATH_BYTES);
    int rc = put_log_path(t, l->pod->name, &path, err);
    if (rc < 0)
        return rc;
    units_format_date(l->log.last_ms / 1000, since);
    (void)kube_query_put(&path, "sinceTime", since);
    (void)kube_query_put(&path, "follow", "true");
    struct streaming s = {.cli = cli, .log = &l->log};
    rc = stream(&s, t, path.data, err);
    if (rc < 0)
        return rc;
    if (l->log.state != POD_CASE_ENDED)
        log_info("pod %s ended before the case did; it runs again in a later round", l->pod->name);
    else
        log_info("the whole log: decksweep logs %.*s %s", DS_FMT(t->label), cli_arg(cli, 1));
    return 0;
}

int cluster_case_log(struct cli *cli, struct target *t, const char *text, bool follow, bool *found,
                     struct ds_err *err)
{
    struct look *l = ds_new(t->arena, struct look, 1);
    ds_auto_buf out = {0};
    *found = false;
    if (!l)
        return ds_fail(err, DS_ETOOBIG, "the logs do not fit");
    int rc = find_running(t, text, l, err);
    if (rc < 0 || !l->pod)
        return rc;
    *found = true;
    buf_init(&out, OUT_BYTES);
    log_info("case %s runs in pod %s on node %s", text, l->pod->name, l->pod->node);
    pod_log_put_state(&l->log, &out);
    put_clean(cli, buf_span(&out));
    if (out.len == 0)
        log_info("it is being staged");
    return follow ? follow_case(cli, t, l, err) : 0;
}

int cluster_wait_case(struct cli *cli, struct target *t, const char *text, bool *runs,
                      struct ds_err *err)
{
    struct look *l = ds_new(t->arena, struct look, 1);
    struct sweep_report *r = &t->cluster->report;
    int rc = l ? 0 : ds_fail(err, DS_ETOOBIG, "the logs do not fit");
    (void)cli;
    *runs = false;
    log_info("case %s has not started yet; waiting (Ctrl-C ends)", text);
    while (rc == 0 && !sweep_report_is_final(r) && r->status.phase != PHASE_SUSPENDED) {
        (void)poll(NULL, 0, WAIT_MS);
        rc = find_running(t, text, l, err);
        if (rc == 0 && l->pod) {
            *runs = true;
            break;
        }
        if (rc == 0)
            rc = cluster_get_sweep(&t->cluster->at, r->name, r, NULL, err);
    }
    return rc;
}

/* ---- the census ---- */

static int fail_no_census(const struct target *t, struct ds_err *err)
{
    const struct sweep_status *s = &t->cluster->report.status;
    return ds_fail(err, DS_ENOTFOUND,
                   "%.*s: no pod of a census is there (they go some time after their end); the "
                   "Sweep is %s%s%s",
                   DS_FMT(t->label), sweep_phase_name(s->phase), s->message[0] ? ": " : "",
                   s->message);
}

int cluster_census_log(struct cli *cli, struct target *t, bool follow, struct ds_err *err)
{
    struct pod_seen *pods = NULL;
    size_t n = 0;
    ds_auto_buf path = {0};
    int rc = list_pods(t, "census", false, &pods, &n, err);
    if (rc < 0)
        return rc;
    const struct pod_seen *pod = pod_seen_newest(pods, n);
    if (!pod)
        return fail_no_census(t, err);
    if (pod->waiting[0]) /* the log would be an error that says less */
        return ds_fail(err, DS_EAGAIN, "pod %s has not started: %s", pod->name, pod->waiting);
    buf_init(&path, PATH_BYTES);
    rc = put_log_path(t, pod->name, &path, err);
    if (rc < 0)
        return rc;
    if (follow)
        (void)kube_query_put(&path, "follow", "true");
    log_info("pod %s on node %s", pod->name, pod->node);
    struct streaming s = {.cli = cli};
    return stream(&s, t, path.data, err);
}
