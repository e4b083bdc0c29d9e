/* SPDX-License-Identifier: GPL-3.0-or-later */
/* display_io.h - the live view on stderr: redrawn lines on a terminal, plain lines elsewhere
 *
 * Feed every event, call display_tick a few times a second, and display_finish at the end.
 * Between display_create and display_finish nothing else may write to the terminal without
 * display_pause before it. The cursor is hidden while the view stands and comes back at
 * display_finish, at exit(), on Ctrl-Z, and (own_signals) when a signal ends the program;
 * a program with its own handlers calls display_restore there. The terminal's size is asked for at
 * every drawing, so resizing needs no signal. In the background of a terminal (`&`) nothing is
 * drawn. One display at a time. */
#ifndef DS_CLI_DISPLAY_IO_H
#define DS_CLI_DISPLAY_IO_H

#include "cli/display.h"

struct display;

enum display_mode { DISPLAY_AUTO = 0, DISPLAY_LIVE, DISPLAY_PLAIN, DISPLAY_SILENT };

struct display_options {
    struct display_setup setup; /* now_ms 0: now */
    enum display_mode mode;     /* AUTO: live on a terminal that is not TERM=dumb */
    bool color;                 /* cli->color_err */
    bool own_signals;           /* restore the terminal when SIGINT, SIGTERM, SIGHUP end us */
};

/* gives: display_destroy. Never fails: without a usable terminal it is plain. */
struct display *display_create(const struct display_options *options);
void display_destroy(struct display *d); /* NULL is legal; restores the terminal */

void display_event(struct display *d, const struct event *e);
/* After a census: see display_state_recount. */
void display_recount(struct display *d, uint32_t n_done, uint32_t n_failed);

/* Counts instead of events: see display_state_counts. */
void display_take_counts(struct display *d, const struct display_counts *c);

/* Draw if it is time to (at most 10 times a second; on a pipe when something is to be said).
 * now_ms: Unix time, 0: now. Cheap when there is nothing to do. */
void display_tick(struct display *d, int64_t now_ms);

/* Take the view away so that others may write; the next tick brings it back. */
void display_pause(struct display *d);

/* A line for people above the view (or on the pipe). */
void display_say(struct display *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Take the view away, restore the terminal, write the closing sentence (nothing when
 * summary is false). */
void display_finish(struct display *d, bool summary);

const struct display_state *display_view(const struct display *d);

/* What the events so far counted is replaced by what a census counted: for a view that joins
 * late. Rates, slots and reasons stay. */
void display_rebase(struct display *d, uint32_t n_done, uint32_t n_failed);

/* Async-signal-safe: bring the cursor back, if a view hid it. */
void display_restore(void);

#endif
