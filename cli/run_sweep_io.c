/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run is a loop around two questions to pure functions: what does the store hold
 * (census_take), and what is to be done next (census_decide). Between them one worker
 * works. Nothing is remembered here that the store does not hold; three rounds that leave no
 * new key there end the run as Stalled. */
#include "cli/run_sweep_io.h"

#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/units.h"
#include "cli/display_io.h"
#include "cli/dry_run_io.h"
#include "cli/run_collect_io.h"
#include "scheduler/backend_local_io.h"

#include <stdio.h>
#include <unistd.h>

#define STALLED_ROUNDS 3u
#define HOST_BYTES     64u

struct run {
    struct cli *cli;
    const struct run_options *o;
    struct session s;
    char agent[4096];
    char host[HOST_BYTES];
    int lock_fd, log_fd;
    struct display *display;
    const uint32_t *rows_of_number; /* rows that share a case, by row of its lowest number */
    int64_t max_failed;             /* rows; -1 no bound */
    bool too_many_failed;
    size_t keys_before;
    uint32_t rounds_without_progress;
};

/* This sweep as TARGET of the commands that messages name. */
static const char *target_of(const struct run *r)
{
    const struct session_options *o = &r->o->look;
    const char *text = o->store_url ? arena_format(r->cli->arena, "%s/%.*s", o->store_url,
                                                   DS_FMT(r->s.view->plan->name))
                                          .ptr
                                    : NULL;
    return text ? text : o->sweep_path;
}

/* ---- before anything runs ---- */

static void tell_census(const struct run *r)
{
    const struct census *c = &r->s.census;
    const struct plan *p = r->s.view->plan;
    char orphaned[48] = "", lacking[48] = "";
    if (c->n_orphaned > 0)
        (void)snprintf(orphaned, sizeof orphaned, ", %u no longer in the plan", c->n_orphaned);
    if (c->n_lacking > 0)
        (void)snprintf(lacking, sizeof lacking, ", %u lacking", c->n_lacking);
    log_info("%.*s: %u %s of %.*s: %u new, %u to be tried again, %u done, %u finally failed%s%s",
             DS_FMT(p->name), p->n_cases, p->n_cases == 1 ? "case" : "cases", DS_FMT(p->deck_name),
             c->n_new, c->n_outstanding, c->n_done, c->n_failed, orphaned, lacking);
    if (c->n_no_fit > 0)
        log_warn("%u cases do not fit here: they need more memory or cores than this machine has",
                 c->n_no_fit);
    for (size_t i = 0; i < r->s.view->n_warnings; i++)
        log_warn("%.*s", DS_FMT(r->s.view->warnings[i]));
}

static int refuse_lacking(const struct run *r)
{
    char want[KEEP_WORD_BYTES];
    keep_word(&r->s.policy.keep, want);
    log_error(
        "%u cases are done but hold fewer files than results.keep asks for now (%s); run them "
        "again with --refill, or take them as they are with --accept",
        r->s.census.n_lacking, want);
    return CLI_INPUT;
}

static int take_lock(struct run *r, struct ds_err *err)
{
    char key[STORE_KEY_BYTES], holder[256], when[24];
    units_format_date(clock_unix_ms() / 1000, when);
    (void)snprintf(key, sizeof key, "%slock", r->s.prefix);
    (void)snprintf(holder, sizeof holder, "pid %d on %s since %s", (int)getpid(), r->host, when);
    int rc = store_lock(r->s.store, key, holder, &r->lock_fd, err);
    if (rc == DS_EAGAIN) {
        char who[DS_ERR_TEXT_BYTES];
        (void)snprintf(who, sizeof who, "%.400s", err->text);
        return ds_fail(
            err, DS_EAGAIN,
            "another run of this sweep is at work (%s); look at it with `decksweep status %s "
            "--watch`, or help it with --join --cores N --memory SIZE",
            who, target_of(r));
    }
    return rc;
}

static void open_log(struct run *r)
{
    char key[STORE_KEY_BYTES], when[24];
    units_format_date(clock_unix_ms() / 1000, when);
    for (char *c = when; *c; c++)
        if (*c == ':')
            *c = '-';
    (void)snprintf(key, sizeof key, "%sruns/%s-%s-%d.jsonl", r->s.prefix, when, r->host,
                   (int)getpid());
    struct ds_err err;
    if (store_open_append(r->s.store, key, &r->log_fd, &err) < 0 && err.code != DS_EUNSUPPORTED)
        log_warn("%s", err.text);
}

static int count_shared_rows(struct run *r, struct ds_err *err)
{
    const struct design *d = r->s.view->design;
    uint32_t *n = ds_new(r->s.machine, uint32_t, d->n_rows);
    if (!n)
        return ds_fail(err, DS_ETOOBIG, "%u cases do not fit", d->n_rows);
    for (uint32_t row = 0; row < d->n_rows; row++)
        n[r->s.census.tally[r->s.census.tally_of_row[row]].row]++;
    r->rows_of_number = n;
    return 0;
}

/* ---- while a worker works ---- */

static uint32_t rows_of(void *context, const struct event *e)
{
    const struct run *r = context;
    int64_t row = e->number < 0 ? -1 : design_find_number(r->s.view->design, (uint32_t)e->number);
    uint32_t n = row < 0 ? 1 : r->rows_of_number[row];
    return n ? n : 1;
}

static void take_event(void *context, const struct event *e, struct ds_span line)
{
    struct run *r = context;
    display_event(r->display, e);
    if (r->log_fd < 0)
        return;
    char whole[EVENT_LINE_BYTES + 1]; /* one write a line: readers tail this file */
    if (line.len >= sizeof whole)
        return;
    memcpy(whole, line.ptr, line.len);
    whole[line.len] = '\n';
    if (fs_write_all(r->log_fd, whole, line.len + 1, NULL) < 0)
        fs_close_at(&r->log_fd); /* a view, never truth: the run goes on without it */
}

static void take_text(void *context, struct ds_span line)
{
    struct run *r = context;
    display_say(r->display, "%.*s", DS_FMT(line));
}

static bool tick(void *context, int64_t now_ms)
{
    struct run *r = context;
    const struct display_state *d = display_view(r->display);
    display_tick(r->display, now_ms);
    if (r->max_failed >= 0 && (int64_t)d->n_failed + d->setup.n_failed_before > r->max_failed)
        r->too_many_failed = true;
    return r->too_many_failed;
}

static void tell_interrupted(void *context, int times)
{
    struct run *r = context;
    if (times == 1)
        display_say(r->display,
                    "ending the running cases; what is finished is kept (again: do not wait)");
}

static struct local_request request_for(const struct run *r, uint32_t round, uint32_t index)
{
    return (struct local_request){.agent = r->agent,
                                  .store_url = store_url(r->s.store),
                                  .sweep = r->s.view->plan->name.ptr,
                                  .plan_digest = r->s.view->digest,
                                  .round = round,
                                  .index = index,
                                  .scratch = r->o->scratch,
                                  .cores = r->o->look.cores,
                                  .memory_bytes = r->o->look.memory_bytes,
                                  .keep_failed = r->o->keep_failed};
}

/* What the worker's end means for the run: 0 go on, else an exit status. */
static int after_worker(struct run *r, const struct local_outcome *out)
{
    if (out->interrupted)
        return CLI_INTERRUPTED;
    if (out->stopped)
        return CLI_CASES;
    switch (out->exit_status) {
    case 0:
    case 75: /* ended by somebody else: the next census decides */
        return 0;
    case 76:
    case 77:
        return CLI_WORLD; /* the worker has said why */
    default:
        if (out->signal)
            display_say(r->display, "the worker was ended by signal %d; going on with a new one",
                        out->signal);
        else
            display_say(r->display, "the worker ended with status %d; going on with a new one",
                        out->exit_status);
        return 0;
    }
}

static int work(struct run *r, const struct round *round)
{
    const struct local_callbacks cb = {.context = r,
                                       .event = take_event,
                                       .text = take_text,
                                       .tick = tick,
                                       .interrupted = tell_interrupted};
    for (uint32_t i = 0; i < round->n_chunks; i++) {
        struct local_request request = request_for(r, round->n, i);
        struct local_outcome out = {0};
        struct ds_err err;
        if (local_worker_run(&request, &cb, &out, &err) < 0) {
            display_pause(r->display);
            return cli_fail(r->cli, &err);
        }
        int status = after_worker(r, &out);
        if (status != 0)
            return status;
    }
    return 0;
}

/* ---- rounds ---- */

static int commit_next_round(struct run *r, struct round *round, struct ds_err *err)
{
    const struct session *s = &r->s;
    struct round_request request = {.n = s->listing.last_round + 1, .reverse = r->o->join};
    memcpy(request.plan_digest, s->view->digest, sizeof request.plan_digest);
    for (int tries = 0; tries < 1000; tries++, request.n++) {
        int rc = census_decide(&s->census, s->view->design, s->view->plan, &s->measured, &s->policy,
                               &request, s->look, round, err);
        if (rc < 0 || round->n_chunks == 0)
            return rc;
        rc = census_commit_round(s->store, s->prefix, round, err);
        if (rc != DS_EEXIST)
            return rc;
    }
    return ds_fail(err, DS_EEXIST, "rounds are taken faster than they can be counted");
}

static bool stalled(struct run *r)
{
    bool moved = r->s.listing.n_keys != r->keys_before;
    r->keys_before = r->s.listing.n_keys;
    r->rounds_without_progress = moved ? 0 : r->rounds_without_progress + 1;
    return r->rounds_without_progress >= STALLED_ROUNDS;
}

static int rounds(struct run *r)
{
    struct ds_err err;
    r->keys_before = SIZE_MAX;
    for (;;) {
        struct round round = {0};
        if (stalled(r)) {
            display_pause(r->display);
            log_error(
                "Stalled: three rounds have brought no result; the worker's messages above and "
                "`decksweep status %s` say why. Run the same command again when it is mended",
                target_of(r));
            return CLI_WORLD;
        }
        if (commit_next_round(r, &round, &err) < 0) {
            display_pause(r->display);
            return cli_fail(r->cli, &err);
        }
        if (round.n_chunks == 0)
            return 0;
        int status = work(r, &round);
        if (session_look_at_store(&r->s, &err) < 0) {
            display_pause(r->display);
            return cli_fail(r->cli, &err);
        }
        display_recount(r->display, r->s.census.n_done, r->s.census.n_failed);
        if (status != 0)
            return status;
    }
}

/* ---- the whole command ---- */

static int prepare(struct run *r, struct ds_err *err)
{
    struct session *s = &r->s;
    int rc = session_look_at_machine(&r->o->look, s, err);
    rc = rc < 0 ? rc : session_open_store(&r->o->look, STORE_WRITE, s, err);
    if (rc < 0)
        return rc;
    if (!r->o->join)
        rc = take_lock(r, err);
    return rc < 0 ? rc : session_look_at_store(s, err);
}

static bool is_refused(const struct run *r)
{
    return r->s.census.n_lacking > 0 && !r->s.policy.refill && !r->s.policy.accept_narrow;
}

/* Grants are for ever: nothing may be wrong with store, options or machine by now. */
static int grant_again(struct run *r, struct ds_err *err)
{
    struct session *s = &r->s;
    uint32_t n;
    int rc = r->o->replace ? 0 : plan_check_deck(s->planned, s->store, s->prefix, err);
    if (rc < 0 || !r->o->retry_failed || s->census.n_failed == 0)
        return rc;
    rc = session_need_slots(s, err);
    if (rc < 0)
        return rc;
    rc = census_grant(s->store, s->prefix, &s->census, s->view->design, &s->policy, &n, err);
    return rc < 0 ? rc : session_look_at_store(s, err);
}

static int publish_and_size(struct run *r, struct ds_err *err)
{
    struct session *s = &r->s;
    int rc = plan_publish(s->planned, s->store, s->prefix, r->o->replace, err);
    rc = rc < 0 ? rc : store_sweep_temporaries(s->store, s->prefix, err);
    if (rc < 0 || s->census.n_new + s->census.n_outstanding == 0)
        return rc;
    if (size_dry_run_pays(s->view->plan, &s->evidence, s->capacity.cores, s->capacity.mem_bytes)) {
        log_info(
            "measuring a dry run: the deck is large and its memory decides how many run at once");
        int measured = dry_run_measure(s, r->o->scratch, err);
        if (measured == DS_EINTR)
            return measured;
        if (measured < 0)
            log_warn("dry run: %s; going on with the model", err->text);
        else
            rc = session_look_at_store(s, err);
    }
    return rc;
}

static void open_display(struct run *r)
{
    const struct census *c = &r->s.census;
    struct display_options o = {.setup = {.name = r->s.view->plan->name.ptr,
                                          .n_total = c->n_new + c->n_outstanding + c->n_done
                                                     + c->n_failed
                                                     + (r->s.policy.refill ? c->n_lacking : 0),
                                          .n_done_before = c->n_done,
                                          .n_failed_before = c->n_failed,
                                          .rows_of = rows_of,
                                          .context = r},
                                .color = r->cli->color_err};
    r->display = display_create(&o);
}

static void drop_narrower(struct run *r)
{
    uint32_t n;
    struct ds_err err;
    if (census_drop_narrower(r->s.store, r->s.prefix, &r->s.listing, &r->s.policy.keep, &n, &err)
        < 0)
        log_warn("%s", err.text);
    else if (n > 0)
        log_info("removed %u narrower results that wider ones replace", n);
}

static int verdict_of_run(const struct run *r)
{
    const struct census *c = &r->s.census;
    bool whole = r->s.policy.n_only == 0;
    uint32_t left = c->n_new + c->n_outstanding;
    if (c->n_failed + c->n_no_fit > 0 || (whole && left > 0))
        return CLI_CASES;
    return CLI_OK;
}

static int settle(struct run *r, int status)
{
    census_write_sizing(r->s.store, r->s.prefix, &r->s.sizing, r->s.evidence.n_siblings);
    if (r->s.policy.refill)
        drop_narrower(r);
    if (r->too_many_failed)
        log_error("more than spec.failure.maxFailed cases have failed (%u): stopped early; what is "
                  "done is kept. Look at them with `decksweep ls %s --failed`",
                  r->s.census.n_failed, target_of(r));
    if (status != 0 && status != CLI_CASES)
        return status;
    if (!r->o->no_collect && !r->o->join) {
        int collected = run_collect(r->cli, &r->s);
        if (collected != 0)
            return collected;
    }
    return status != 0 ? status : verdict_of_run(r);
}

static int run_all(struct run *r, struct ds_err *err)
{
    int rc = prepare(r, err);
    if (rc == 0 && !is_refused(r))
        rc = grant_again(r, err);
    rc = rc < 0 ? rc : count_shared_rows(r, err);
    if (rc < 0)
        return cli_fail(r->cli, err);
    tell_census(r);
    if (is_refused(r))
        return refuse_lacking(r);
    open_log(r); /* before the plan: who waits for the plan then sees that somebody is at work */
    rc = publish_and_size(r, err);
    if (rc < 0)
        return cli_fail(r->cli, err);
    r->max_failed = sweep_max_failed(r->s.view->sweep, r->s.view->plan->n_cases);
    open_display(r);
    int status = rounds(r);
    display_finish(r->display, true);
    return settle(r, status);
}

int run_sweep(struct cli *cli, const struct run_options *o)
{
    struct run r = {.cli = cli, .o = o, .lock_fd = -1, .log_fd = -1};
    struct ds_err err = {0};
    if (gethostname(r.host, sizeof r.host) < 0)
        (void)snprintf(r.host, sizeof r.host, "host");
    r.host[sizeof r.host - 1] = '\0';
    if (local_find_agent(r.agent, &err) < 0)
        return cli_fail(cli, &err);
    int rc = session_load(cli, &o->look, &r.s, &err);
    int status = rc < 0 ? ds_exit_status(err.code) : run_all(&r, &err);
    display_destroy(r.display);
    fs_close_at(&r.log_fd);
    fs_close_at(&r.lock_fd);
    session_clear(&r.s);
    return status;
}
