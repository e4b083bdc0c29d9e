/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/env_io.h"
#include "base/fs_io.h"
#include "cli/census_work_io.h"
#include "cli/collect_progress_io.h"
#include "cli/submit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES         ((size_t)1 << 30)
#define COLLECT_BYTES       ((size_t)4 << 30)
#define WORKER_CORES        8u
#define MAX_CHUNKS          2000u
#define MOST_CHUNKS         4096u /* indexes that a controller follows in one Job */
#define CHUNK_S             600u
#define STOPPED_BY_FAILURES "MaxFailed"

/* What a failure means for the controller: is another try worth it, or an edit? */
static enum census_outcome outcome_of(int rc)
{
    switch (rc) {
    case DS_EINPUT:
    case DS_EPARSE:
    case DS_ETOOBIG:
    case DS_EUNSUPPORTED:
    case DS_ECORRUPT:
    case DS_ESIMULATOR:
    case DS_ENOFIT:
        return CENSUS_REFUSED;
    default:
        return CENSUS_TROUBLE;
    }
}

static void conclude(struct census_work *w, enum census_outcome outcome, const char *text)
{
    w->report.outcome = outcome;
    (void)snprintf(w->report.text, sizeof w->report.text, "%s", text);
}

static int give_up(struct census_work *w, int rc, const struct ds_err *err)
{
    if (rc == DS_EINTR)
        return rc;
    struct ds_span image = w->sweep.image;
    if (rc == DS_ESIMULATOR && image.len > 0) {
        ds_auto_free char *text = NULL;
        if (asprintf(&text, "%s (image %.*s)", err->text, DS_FMT(image)) < 0)
            abort();
        conclude(w, outcome_of(rc), text);
    } else {
        conclude(w, outcome_of(rc), err->text);
    }
    return 0;
}

/* ---- environment ---- */

static void read_once(struct census_work *w)
{
    struct ds_span rest = ds_span_of(env_get(ENV_ONCE)), word;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, ',', &word);
        word = ds_span_trim(word);
        w->once.retry_failed |= ds_span_is(word, "retry-failed");
        w->once.refill |= ds_span_is(word, "refill");
        w->once.accept |= ds_span_is(word, "accept");
        w->once.replace |= ds_span_is(word, "replace");
    }
}

/* DS_EAGAIN, not a refusal: whoever runs the cluster mends it, and the sweep goes on by itself. */
static int check_version(const char *theirs, struct ds_err *err)
{
    switch (submit_skew(DS_SPAN(DECKSWEEP_VERSION), ds_span_of(theirs))) {
    case SKEW_NONE:
        break;
    case SKEW_TELL:
        census_say("warning: this decksweep is %s, the controller's is %s", DECKSWEEP_VERSION,
                   theirs);
        break;
    case SKEW_REFUSE:
        return ds_fail(err, DS_EAGAIN,
                       "the agent image has decksweep %s, the controller is %s: what they exchange "
                       "may differ; give the controller's --agent-image its own version",
                       DECKSWEEP_VERSION, theirs);
    }
    return 0;
}

static int read_environment(struct census_work *w, struct ds_err *err)
{
    const char *nodes = env_get(ENV_NODE_CLASSES), *limits = env_get(ENV_LIMITS);
    const char *version = env_get(ENV_VERSION), *stopped = env_get(ENV_STOPPED);
    w->limits = (struct pod_limits){.worker_cores = WORKER_CORES};
    int rc = 0;
    if (nodes && nodes[0]) {
        w->n_nodes = NODE_CLASSES_MAX;
        rc = node_classes_decode(ds_span_of(nodes), w->nodes, &w->n_nodes, err);
    }
    if (rc == 0 && limits && limits[0])
        rc = pod_limits_decode(ds_span_of(limits), &w->limits, err);
    w->limits.worker_cores = w->limits.worker_cores ? w->limits.worker_cores : WORKER_CORES;
    if (w->limits.max_chunks == 0 || w->limits.max_chunks > MOST_CHUNKS)
        w->limits.max_chunks = w->limits.max_chunks ? MOST_CHUNKS : MAX_CHUNKS;
    w->limits.chunk_s = w->limits.chunk_s ? w->limits.chunk_s : CHUNK_S;
    w->stopped = stopped ? stopped : "";
    read_once(w);
    return rc < 0 ? rc : check_version(version ? version : "", err);
}

/* ---- sweep, deck, plan ---- */

/* A first look: name, and where the deck comes from. */
static int read_sweep(struct census_work *w, struct ds_err *err)
{
    struct ds_span text;
    struct sweep_problems problems;
    int rc = fs_read_file(w->o->sweep_file, SWEEP_MAX_FILE_BYTES, w->arena, &text, err);
    if (rc < 0)
        return rc;
    rc = sweep_parse(ds_span_of(w->o->sweep_file), text, w->arena, &w->sweep, &problems, err);
    if (rc < 0 && problems.n > 0) { /* lines of the API server's object are nobody's */
        char all[DS_ERR_TEXT_BYTES];
        size_t at = 0;
        for (size_t i = 0; i < problems.n && at < sizeof all - 1; i++) {
            int n = snprintf(all + at, sizeof all - at, "%s%s", i ? "; " : "", problems.at[i].text);
            at += n > 0 ? (size_t)n : 0;
        }
        return ds_fail(err, DS_EINPUT, "%s", all);
    }
    (void)snprintf(w->prefix, sizeof w->prefix, "%.*s/", DS_FMT(w->sweep.name));
    return rc;
}

static struct deck_request deck_request_of(const struct census_work *w)
{
    return (struct deck_request){.store = w->store,
                                 .prefix = w->prefix,
                                 .w = &w->sweep,
                                 .mount = w->o->mount,
                                 .scratch = w->scratch};
}

static int tell_faults(struct census_work *w, const struct plan_faults *faults)
{
    char text[CENSUS_TEXT_BYTES];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < faults->n; i++) {
        census_say("error: %.*s", DS_FMT(faults->texts[i]));
        int n = at < sizeof text ? snprintf(text + at, sizeof text - at, "%s%.*s", i ? "; " : "",
                                            DS_FMT(faults->texts[i]))
                                 : 0;
        at += n > 0 ? (size_t)n : 0;
    }
    if (at >= sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    if (faults->more > 0)
        census_say("error: and %zu more", faults->more);
    conclude(w, CENSUS_REFUSED, text);
    return 0;
}

static int make_plan(struct census_work *w, struct ds_err *err)
{
    struct plan_faults faults;
    int rc =
        plan_load_bundle(w->o->sweep_file, w->deck.root, w->deck.paths, &w->planned, &faults, err);
    if (rc < 0 && faults.n > 0)
        return tell_faults(w, &faults);
    if (rc < 0)
        return rc;
    w->view = planned_view(w->planned);
    (void)snprintf(w->report.plan_digest, sizeof w->report.plan_digest, "%s", w->view->digest);
    w->report.max_failed = sweep_max_failed(w->view->sweep, w->view->design->n_rows);
    w->policy = census_policy_of(w->view->plan);
    census_say("plan %s: %u cases of %.*s (%.*s %.*s), deck from %s", w->view->digest,
               w->view->plan->n_cases, DS_FMT(w->view->plan->deck_name),
               DS_FMT(w->view->plan->simulator), DS_FMT(w->view->plan->simulator_version),
               w->deck.from);
    for (size_t i = 0; i < w->view->n_warnings; i++)
        census_say("warning: %.*s", DS_FMT(w->view->warnings[i]));
    return 0;
}

/* Everything up to a plan in memory. 0 with report.outcome set: there is none. */
static int prepare(struct census_work *w, struct ds_err *err)
{
    int rc = read_environment(w, err);
    rc = rc < 0 ? rc : read_sweep(w, err);
    rc = rc < 0 ? rc : store_open(w->o->store_url, STORE_WRITE, &w->store, err);
    if (rc == 0 && store_note(w->store)[0])
        census_say("%s", store_note(w->store));
    struct deck_request q = deck_request_of(w);
    rc = rc < 0 ? rc : deck_bring(&q, w->arena, &w->deck, err);
    return rc < 0 ? rc : make_plan(w, err);
}

/* ---- decisions that people take ---- */

static int refuse_lacking(struct census_work *w)
{
    char want[KEEP_WORD_BYTES], text[CENSUS_TEXT_BYTES];
    keep_word(&w->policy.keep, want);
    (void)snprintf(
        text, sizeof text,
        "%u cases are done but hold fewer files than results.keep asks for now (%s): run "
        "them again with spec.once.do [refill], or take them as they are with [accept]",
        w->census.n_lacking, want);
    conclude(w, CENSUS_DECISION, text);
    return 0;
}

/* "<sweep>/decided/<keep>.<word>": what was decided once about cases with narrower results. It
 * holds for that keep until every case is settled by it, whichever census sees that. */
static void decision_key(const struct census_work *w, const char *word, char key[STORE_KEY_BYTES])
{
    char want[KEEP_WORD_BYTES];
    keep_word(&w->policy.keep, want);
    (void)snprintf(key, STORE_KEY_BYTES, "%sdecided/%s.%s", w->prefix, want, word);
}

static int recall_decision(struct census_work *w, const char *word, bool overruled, bool *out,
                           struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    uint64_t bytes;
    decision_key(w, word, key);
    if (overruled)
        return store_remove(w->store, key, err);
    int rc = store_head(w->store, key, &bytes, err);
    *out = rc == 0;
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static int recall_decisions(struct census_work *w, struct ds_err *err)
{
    int rc = recall_decision(w, "accept", w->once.refill, &w->policy.accept_narrow, err);
    return rc < 0 ? rc : recall_decision(w, "refill", w->once.accept, &w->policy.refill, err);
}

static int note_decision(struct census_work *w, const char *word, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    bool existed;
    struct store_body empty = {.data = "", .fd = -1, .len = 0};
    decision_key(w, word, key);
    return store_put_if_absent(w->store, key, empty, &existed, err);
}

/* Cases lack files and nobody has said yet what to do: spec.once says it, or people must. */
static int decide_lacking(struct census_work *w, struct ds_err *err)
{
    if (w->census.n_lacking == 0 || w->policy.refill || w->policy.accept_narrow)
        return 0;
    if (!w->once.accept && !w->once.refill)
        return refuse_lacking(w);
    w->policy.accept_narrow = w->once.accept;
    w->policy.refill = w->once.refill && !w->once.accept;
    int rc = note_decision(w, w->once.accept ? "accept" : "refill", err);
    return rc < 0 ? rc : census_look(w, err);
}

static int grant_again(struct census_work *w, struct ds_err *err)
{
    uint32_t n;
    if (!w->once.retry_failed || w->census.n_failed == 0)
        return 0;
    int rc = census_grant(w->store, w->prefix, &w->census, w->view->design, &w->policy, &n, err);
    if (rc < 0)
        return rc;
    census_say("%u failed cases get all their attempts again", n);
    return census_look(w, err);
}

/* ---- ends ---- */

static void drop_narrower(struct census_work *w)
{
    uint32_t n;
    struct ds_err err;
    if (census_drop_narrower(w->store, w->prefix, &w->listing, &w->policy.keep, &n, &err) < 0)
        census_say("warning: %s", err.text);
    else if (n > 0)
        census_say("removed %u narrower results that wider ones replace", n);
}

static int collect(struct census_work *w, struct ds_err *err)
{
    struct collect_options o = {.what = &w->view->sweep->collect, .scratch_dir = w->scratch};
    struct collect_report report = {0};
    ds_auto_arena a = arena_create(COLLECT_BYTES);
    memcpy(o.plan_digest, w->view->digest, sizeof o.plan_digest);
    int rc = collect_with_progress(w->store, ds_span_of(w->prefix), w->view->plan, w->view->design,
                                   o, a, &report, err);
    if (rc < 0)
        return ds_wrap(err, "collect");
    w->report.collected = true;
    if (report.no_cases)
        return 0;
    census_say("dataset: %u ok, %u failed, %u missing of %u cases; %u vectors, %u times",
               report.n_ok, report.n_failed, report.n_missing, report.n_rows, report.n_vectors,
               report.n_times);
    return 0;
}

static void say_no_fit(const struct census_work *w, char *text, size_t room)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < w->census.n_distinct; i++)
        if (w->census.tally[i].state == CASE_NO_FIT && w->census.tally[i].need_mem_bytes > most)
            most = w->census.tally[i].need_mem_bytes;
    struct pod_need need = census_pod_need(w, most, 1);
    struct pod_size pod;
    struct ds_err err = {0};
    text[0] = '\0';
    if (w->census.n_no_fit == 0)
        return;
    if (pod_size_of(&need, w->nodes, w->n_nodes, &w->limits, &pod, &err) == 0)
        (void)snprintf(err.text, sizeof err.text, "more than a worker may have");
    (void)snprintf(text, room, "%u %s not fit: %s", w->census.n_no_fit,
                   w->census.n_no_fit == 1 ? "case does" : "cases do", err.text);
}

static int finish(struct census_work *w, enum census_outcome outcome, const char *why,
                  struct ds_err *err)
{
    char text[CENSUS_TEXT_BYTES], no_fit[CENSUS_TEXT_BYTES];
    census_write_sizing(w->store, w->prefix, &w->sizing, w->evidence.n_siblings);
    if (w->policy.refill)
        drop_narrower(w);
    int rc = collect(w, err);
    if (rc < 0 && outcome_of(rc) == CENSUS_TROUBLE)
        return rc;
    /* what cannot be merged (cases of two unit systems) ends the sweep without a dataset */
    const char *merged = rc < 0 ? err->text : "";
    say_no_fit(w, no_fit, sizeof no_fit);
    (void)snprintf(text, sizeof text, "%.400s%s%.300s%s%.300s", why,
                   why[0] && (no_fit[0] || merged[0]) ? "; " : "", no_fit,
                   no_fit[0] && merged[0] ? "; " : "", merged);
    conclude(w, outcome, text);
    return 0;
}

static bool is_stopped(const struct census_work *w, char *why, size_t room)
{
    const struct census_totals *t = &w->report.totals;
    bool by_count = w->report.max_failed >= 0 && (int64_t)t->n_failed > w->report.max_failed;
    if (!by_count && strcmp(w->stopped, STOPPED_BY_FAILURES) != 0)
        return false;
    (void)snprintf(why, room,
                   "more cases failed than failure.maxFailed allows (%u failed, %lld may): stopped "
                   "early, what is done is kept",
                   t->n_failed, (long long)w->report.max_failed);
    return true;
}

/* ---- the whole ---- */

static int decide(struct census_work *w, struct ds_err *err)
{
    char text[CENSUS_TEXT_BYTES];
    bool pilot = w->view->plan->pilot > 0 && census_is_unmeasured(w), ran = false;
    if (is_stopped(w, text, sizeof text))
        return finish(w, CENSUS_STOPPED, text, err);
    if (pilot && w->census.n_new + w->census.n_outstanding > 0) {
        int rc = census_pilot(w, &ran, err);
        rc = rc == 0 && ran ? census_look(w, err) : rc;
        if (rc < 0)
            return rc;
        if (is_stopped(w, text, sizeof text))
            return finish(w, CENSUS_STOPPED, text, err);
    }
    if (census_left(w) == 0)
        return finish(w, CENSUS_FINISHED, "", err);
    pilot = pilot && !ran && w->census.n_new + w->census.n_outstanding > 0;
    census_write_sizing(w->store, w->prefix, &w->sizing, w->evidence.n_siblings);
    int rc = census_next_round(w, pilot, err);
    if (rc < 0)
        return rc;
    say_no_fit(w, text, sizeof text);
    conclude(w, CENSUS_ROUND, text);
    return 0;
}

static int publish(struct census_work *w, struct ds_err *err)
{
    struct deck_request q = deck_request_of(w);
    int rc = w->once.replace ? 0 : plan_check_deck(w->planned, w->store, w->prefix, err);
    if (rc == DS_EINPUT) {
        char text[CENSUS_TEXT_BYTES];
        (void)snprintf(text, sizeof text, "%s (in a cluster: spec.once.do [replace])", err->text);
        conclude(w, CENSUS_DECISION, text);
        return 0;
    }
    rc = rc < 0 ? rc : deck_keep(&q, &w->deck, err);
    if (rc < 0)
        return rc;
    w->report.bundle_stored = w->deck.in_store;
    rc = recall_decisions(w, err);
    rc = rc < 0 ? rc : census_look(w, err);
    rc = rc < 0 ? rc : decide_lacking(w, err);
    if (rc < 0 || w->report.outcome != 0)
        return rc;
    rc = plan_publish(w->planned, w->store, w->prefix, true, err);
    rc = rc < 0 ? rc : store_sweep_temporaries(w->store, w->prefix, err);
    if (rc == 0)
        deck_leave(&w->deck); /* from here on the store has all: scratch is for the pilot */
    return rc < 0 ? rc : grant_again(w, err);
}

static int take_census(struct census_work *w)
{
    struct ds_err err = {0};
    int rc = prepare(w, &err);
    if (rc < 0)
        return give_up(w, rc, &err);
    if (w->report.outcome != 0)
        return 0;
    rc = publish(w, &err);
    if (rc == 0 && w->report.outcome == 0) {
        const struct census *c = &w->census;
        census_say("%u new, %u to be tried again, %u done, %u finally failed, %u lacking, %u too "
                   "large; %s",
                   c->n_new, c->n_outstanding, c->n_done, c->n_failed, c->n_lacking, c->n_no_fit,
                   w->sizing.why);
        rc = decide(w, &err);
    }
    return rc < 0 ? give_up(w, rc, &err) : 0;
}

static int write_message(const struct census_report *r, struct ds_err *err)
{
    const char *path = env_get(ENV_MESSAGE);
    ds_auto_buf text;
    buf_init(&text, (size_t)2 * CENSUS_REPORT_BYTES);
    path = path && path[0] ? path : POD_MESSAGE;
    int rc = census_report_encode(r, &text, err);
    if (rc < 0)
        return rc;
    /* the kubelet's own file, mounted: neither replaced nor renamed */
    ds_auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    rc = fs_write_all(fd, text.data, text.len, err);
    return rc < 0 ? ds_wrap(err, "%s", path) : 0;
}

static void on_terminate(int signal_number)
{
    (void)signal_number;
    _exit(CENSUS_INTERRUPTED); /* nothing is half done in the store; scratch goes with the pod */
}

static void watch_signals(void)
{
    /* the first process of a container gets no signal without a handler */
    struct sigaction action = {.sa_handler = on_terminate};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void clear(struct census_work *w)
{
    planned_destroy(w->planned);
    deck_leave(&w->deck);
    store_close(w->store);
    arena_destroy(w->look);
    arena_destroy(w->arena);
}

int census_pod_run(struct cli *cli, const struct census_options *o)
{
    struct census_work *w = ds_new(cli->arena, struct census_work, 1);
    struct ds_err err = {0};
    if (!w)
        return CLI_WORLD;
    watch_signals();
    if (o->scratch) /* the root of a pod is read-only: everything temporary goes there */
        (void)setenv("TMPDIR", o->scratch, 1); // NOLINT(concurrency-mt-unsafe): one thread yet
    *w = (struct census_work){.cli = cli,
                              .o = o,
                              .scratch = env_temporary_folder(o->scratch),
                              .arena = arena_create(ARENA_BYTES),
                              .deck.archive_fd = -1,
                              .report.max_failed = -1};
    (void)snprintf(w->report.decksweep, sizeof w->report.decksweep, "%s", DECKSWEEP_VERSION);
    int rc = take_census(w), status = CLI_OK;
    if (rc == DS_EINTR) {
        status = CENSUS_INTERRUPTED;
    } else {
        census_say("%s%s%s", census_outcome_name(w->report.outcome), w->report.text[0] ? ": " : "",
                   w->report.text);
        if (write_message(&w->report, &err) < 0) {
            (void)cli_fail(cli, &err);
            status = CLI_WORLD;
        }
    }
    clear(w);
    return status;
}
