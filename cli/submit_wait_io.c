/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock_io.h"
#include "cli/submit_parts_io.h"

#include <signal.h>
#include <stdio.h>

static void on_stop(int number)
{
    (void)number; /* http_turn returns: that is all we want */
}

struct waiting {
    struct display *display;
    char last[STATUS_TEXT_BYTES];
    bool told_skew;
};

static bool is_over(void *context, const struct sweep_report *r)
{
    (void)context;
    return sweep_report_is_final(r);
}

/* The controller's version is known once it has looked at the Sweep. */
static void tell_skew(struct waiting *w, const struct sweep_report *r)
{
    const char *theirs = r->status.controller_version;
    if (w->told_skew || theirs[0] == '\0')
        return;
    w->told_skew = true;
    if (submit_skew(DS_SPAN(DECKSWEEP_VERSION), ds_span_of(theirs)) != SKEW_NONE)
        display_say(w->display, "this is decksweep %s, the cluster's controller is %s",
                    DECKSWEEP_VERSION, theirs);
}

/* What keeps a sweep from going on is said above the view, once a text. */
static void tell_trouble(struct waiting *w, const struct sweep_report *r)
{
    static const enum sweep_condition_kind good[] = {COND_BUNDLE_READY, COND_PLANNED,
                                                     COND_SCHEDULABLE};
    const struct sweep_condition *why = NULL;
    for (size_t i = 0; i < DS_COUNT(good); i++)
        if (r->status.cond[good[i]].status == 'F')
            why = &r->status.cond[good[i]];
    if (r->status.cond[COND_DECISION_NEEDED].status == 'T')
        why = &r->status.cond[COND_DECISION_NEEDED];
    if (!why || why->message[0] == '\0' || strcmp(why->message, w->last) == 0
        || strcmp(why->message, r->status.message) == 0) /* the view's note has it */
        return;
    (void)snprintf(w->last, sizeof w->last, "%s", why->message);
    display_say(w->display, "%s", why->message);
}

static void on_change(void *context, const struct sweep_report *r)
{
    struct waiting *w = context;
    tell_skew(w, r);
    if (sweep_report_is_current(r))
        tell_trouble(w, r);
}

static int follow(struct submit *s, struct ds_err *err)
{
    struct display_options o = {.setup = {.name = s->name, .n_total = s->n_cases},
                                .color = s->cli->color_err};
    struct waiting w = {.display = display_create(&o)};
    struct cluster_follow how = {
        .display = w.display, .done = is_over, .on_change = on_change, .context = &w};
    int rc = cluster_follow(&s->c, s->name, &how, &s->report, err);
    display_finish(w.display, rc == 0 && s->report.status.totals.n_rows > 0);
    display_destroy(w.display);
    return rc;
}

int submit_wait(struct submit *s)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    struct ds_err err = {0};
    const char *label = submit_label(s);
    for (size_t i = 0; i < DS_COUNT(stops); i++)
        (void)sigaction(stops[i], &action, NULL);
    int rc = follow(s, &err);
    if (rc == DS_EINTR) {
        log_info("%s goes on in the cluster: `decksweep status %s --watch` follows it, `decksweep "
                 "cancel %s` ends it",
                 s->name, label, label);
        return CLI_INTERRUPTED;
    }
    if (rc < 0)
        return cli_fail(s->cli, &err);
    int status = sweep_report_exit(&s->report);
    const char *phase = sweep_phase_name(s->report.status.phase);
    if (status == 0)
        log_info("%s: %s; `decksweep fetch %s --dataset` brings the results", s->name, phase,
                 label);
    else
        log_error("%s: %s%s%s", s->name, phase, s->report.status.message[0] ? ": " : "",
                  s->report.status.message);
    return status;
}
