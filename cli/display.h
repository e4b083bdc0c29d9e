/* SPDX-License-Identifier: GPL-3.0-or-later */
/* display.h - what the live view shows, from events to lines of text. Pure.
 *
 * A state collects events; display_render draws it for a terminal of any size, display_plain
 * says now and then how it goes where there is none. Only events and times given by the
 * caller count, so a test or a second terminal sees what the first one saw. */
#ifndef DS_CLI_DISPLAY_H
#define DS_CLI_DISPLAY_H

#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/event.h"

#define DISPLAY_MAX_SLOTS 4096u
#define DISPLAY_REASONS   6u
#define DISPLAY_TIMES     64u
#define DISPLAY_NAME      64u
#define DISPLAY_NOTES     8u

struct display_setup {
    const char *name;         /* of the sweep; copied */
    uint32_t n_total;         /* rows that this run is to settle, those done before included */
    uint32_t n_done_before;   /* already done when it began */
    uint32_t n_failed_before; /* finally failed before, and not tried again */
    int64_t now_ms;           /* Unix time */
    /* Rows of the design that share the event's case; NULL: one. */
    uint32_t (*rows_of)(void *context, const struct event *e);
    void *context;
};

enum display_phase { SHOWN_IDLE = 0, SHOWN_STAGED, SHOWN_RUNNING, SHOWN_FINISHED };

struct display_slot {
    enum display_phase phase;
    int64_t number, attempt, step, n_steps;
    int64_t started_ms;
    double time_days;
};

struct display_reason {
    int64_t number;
    enum verdict verdict;
    bool final;
    char text[EVENT_TEXT_BYTES];
};

struct display_state {
    struct display_setup setup;
    char name[DISPLAY_NAME];
    uint32_t n_ok, n_failed;  /* rows settled by this run */
    uint32_t n_settled_cases; /* distinct cases settled by this run */
    bool counted;             /* display_state_counts is where numbers come from */
    uint32_t n_leaps;         /* of those counts: how often they grew */
    int64_t waited_ms;        /* before the first of those counts */
    uint32_t n_retried;       /* attempts that failed and are tried again */
    uint32_t failed_by[VERDICT_COUNT];
    struct display_slot *slots;                     /* n_slots; arena */
    uint32_t n_slots;                               /* of the worker, at most DISPLAY_MAX_SLOTS */
    struct display_reason reasons[DISPLAY_REASONS]; /* a ring; newest at n_reasons - 1 */
    uint32_t n_reasons;
    int64_t settled_ms[DISPLAY_TIMES]; /* a ring of the newest times */
    char note[EVENT_TEXT_BYTES];
    bool ended;

    /* display_plain's memory */
    int64_t plain_ms;
    uint32_t plain_settled, plain_reasons;
    uint32_t plain_notes[DISPLAY_NOTES]; /* hashes of the newest notes said: a ring */
    uint32_t n_plain_notes;
};

/* a: keeps the slots. setup: copied; context is borrowed. */
int display_state_init(struct display_state *d, const struct display_setup *setup,
                       struct ds_arena *a, struct ds_err *err) DS_CHECKED;

/* Take one event in. Slots and numbers out of range are ignored. */
void display_state_event(struct display_state *d, const struct event *e);

/* What the store holds now, in rows: cases that others settled (another run, a worker that died
 * before it could say so) count as settled before. */
void display_state_recount(struct display_state *d, uint32_t n_done, uint32_t n_failed);

/* Counts that somebody else took (a cluster's controller) instead of events; n_total may change. Rates
 * come from their growth between calls. note: copied. */
struct display_counts {
    uint32_t n_total, n_done, n_failed; /* rows */
    uint32_t failed_by[VERDICT_COUNT];
    const char *note;
};
void display_state_counts(struct display_state *d, const struct display_counts *c, int64_t now_ms);

/* Settled rows, before and now; rate and remaining time (-1: not yet known). */
uint32_t display_settled(const struct display_state *d);
double display_rate_per_s(const struct display_state *d, int64_t now_ms);
int64_t display_eta_ms(const struct display_state *d, int64_t now_ms);

/* Append the view: at most height lines (>= 1), each at most width columns (>= 1), each
 * ended by \n. color: SGR sequences (they take no columns). Cost: O(slots shown). */
void display_render(const struct display_state *d, int64_t now_ms, unsigned width, unsigned height,
                    bool color, struct ds_buf *out);

/* Append what is to be said on a pipe now, often nothing: each failure and note at once,
 * progress at 5 % steps and at intervals that grow with the time already passed (10 s to
 * 10 min). */
void display_plain(struct display_state *d, int64_t now_ms, struct ds_buf *out);

/* Append the closing sentence: "48 cases: 46 ok, 2 failed (deck-error 1, timeout 1) in 3m10s". */
void display_put_summary(const struct display_state *d, int64_t now_ms, struct ds_buf *out);

#endif
