/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/collect_progress_io.h"

#include "base/clock_io.h"
#include "base/log_io.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SAY_MS 5000

struct collecting {
    int64_t said_ms;
    bool drawn;
};

static const int STOPS[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int progress(void *context, const struct collect_progress *p)
{
    struct collecting *c = context;
    bool live = isatty(STDERR_FILENO);
    int64_t now = clock_monotonic_ms();
    if (interrupted)
        return 1;
    if (now - c->said_ms < (live ? 100 : SAY_MS))
        return 0;
    c->said_ms = now;
    if (live)
        (void)fprintf(stderr, "\r\033[K%s  %u/%u cases", p->doing, p->n_done, p->n_rows);
    else
        log_info("%s: %u/%u cases", p->doing, p->n_done, p->n_rows);
    c->drawn = live;
    return 0;
}

int collect_with_progress(struct store *s, struct ds_span prefix, const struct plan *p,
                          const struct design *d, struct collect_options o, struct ds_arena *a,
                          struct collect_report *report, struct ds_err *err)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before[DS_COUNT(STOPS)];
    struct collecting c = {.said_ms = clock_monotonic_ms()};
    o.progress = progress;
    o.context = &c;
    for (size_t i = 0; i < DS_COUNT(STOPS); i++)
        if (sigaction(STOPS[i], &action, &before[i]) == 0 && STOPS[i] == SIGHUP
            && before[i].sa_handler == SIG_IGN)
            (void)sigaction(STOPS[i], &before[i], NULL); /* nohup stays nohup */
    int rc = collect_run(s, prefix, p, d, &o, a, report, err);
    for (size_t i = 0; i < DS_COUNT(STOPS); i++)
        (void)sigaction(STOPS[i], &before[i], NULL);
    if (c.drawn)
        (void)fprintf(stderr, "\r\033[K");
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < report->n_warnings; i++)
        log_warn("%.*s", DS_FMT(report->warnings[i]));
    if (report->n_more_warnings > 0)
        log_warn("and %zu more", report->n_more_warnings);
    return 0;
}
