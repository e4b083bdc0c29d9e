/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/display_io.h"

#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/utf8.h"
#include "cli/text.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_MS      100
#define FRAME_BYTES   (1u << 20)
#define MAX_LINES     1024u
#define DEFAULT_WIDTH 80u
#define DEFAULT_LINES 24u
#define TERMINAL      STDERR_FILENO

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"

struct display {
    struct display_state state;
    struct ds_arena *arena;
    enum display_mode mode;
    bool color, finished;
    int64_t drawn_ms;
    /* what stands on the terminal: its lines' columns, to know where they went on a resize */
    unsigned n_lines, width;
    uint16_t columns[MAX_LINES];
    struct ds_buf frame, text;
};

static volatile sig_atomic_t cursor_hidden, redraw_all;

void display_restore(void)
{
    if (!cursor_hidden)
        return;
    cursor_hidden = 0;
    int saved = errno;
    ssize_t n =
        write(TERMINAL, "\033[0m" SHOW_CURSOR "\r\n", sizeof "\033[0m" SHOW_CURSOR "\r\n" - 1);
    (void)n; /* nothing to be done about a terminal that went away */
    errno = saved;
}

static void on_deadly(int signal_number)
{
    display_restore();
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

/* Ctrl-Z: the shell gets its cursor; on return everything is drawn anew. */
static void on_stop(int signal_number)
{
    (void)signal_number;
    display_restore();
    redraw_all = 1;
    (void)raise(SIGSTOP);
}

static void catch_signal(int signal_number, void (*handler)(int))
{
    struct sigaction now, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)sigaction(signal_number, &action, NULL);
}

static bool terminal_is_usable(void)
{
    const char *term = env_get("TERM");
    return isatty(TERMINAL) && term && *term && strcmp(term, "dumb") != 0;
}

static bool in_foreground(void)
{
    pid_t group = tcgetpgrp(TERMINAL);
    return group < 0 || group == getpgrp();
}

struct display *display_create(const struct display_options *options)
{
    struct display *d = calloc(1, sizeof *d);
    struct ds_err err;
    if (!d)
        abort();
    struct display_setup setup = options->setup;
    if (setup.now_ms == 0)
        setup.now_ms = clock_unix_ms();
    d->arena = arena_create(1u << 20);
    if (display_state_init(&d->state, &setup, d->arena, &err) < 0)
        abort(); /* the arena above is too small for a constant table */
    buf_init(&d->frame, FRAME_BYTES);
    buf_init(&d->text, FRAME_BYTES);
    d->mode = options->mode;
    if (d->mode == DISPLAY_AUTO)
        d->mode = terminal_is_usable() && in_foreground() ? DISPLAY_LIVE : DISPLAY_PLAIN;
    d->color = options->color;
    if (d->mode == DISPLAY_LIVE) {
        static bool registered;
        if (!registered)
            registered = atexit(display_restore) == 0;
        catch_signal(SIGTSTP, on_stop);
        if (options->own_signals) {
            static const int DEADLY[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
            for (size_t i = 0; i < DS_COUNT(DEADLY); i++)
                catch_signal(DEADLY[i], on_deadly);
        }
    }
    return d;
}

void display_destroy(struct display *d)
{
    if (!d)
        return;
    display_finish(d, false);
    buf_clear(&d->frame);
    buf_clear(&d->text);
    arena_destroy(d->arena);
    free(d);
}

void display_event(struct display *d, const struct event *e)
{
    display_state_event(&d->state, e);
    if (d->mode == DISPLAY_PLAIN && (e->kind == EVENT_FAILED || e->kind == EVENT_NOTE))
        display_tick(d, e->at_ms);
}

void display_recount(struct display *d, uint32_t n_done, uint32_t n_failed)
{
    display_state_recount(&d->state, n_done, n_failed);
}

void display_take_counts(struct display *d, const struct display_counts *c)
{
    display_state_counts(&d->state, c, clock_unix_ms());
}

static void write_out(const struct ds_buf *b)
{
    struct ds_err ignored; /* a view that cannot be shown stops no sweep */
    if (b->len > 0 && fs_write_all(TERMINAL, b->data, b->len, &ignored) < 0)
        return;
}

static void terminal_size(unsigned *width, unsigned *height)
{
    struct winsize size = {0};
    *width = DEFAULT_WIDTH;
    *height = DEFAULT_LINES;
    if (ioctl(TERMINAL, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *width = size.ws_col;
        *height = size.ws_row;
    }
}

/* Rows the standing lines take at this width: a terminal that became narrower wraps them. */
static unsigned rows_standing(const struct display *d, unsigned width)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < d->n_lines; i++)
        rows += d->columns[i] == 0 ? 1 : (d->columns[i] + width - 1) / width;
    return rows;
}

/* Append what moves to the first standing line and clears everything from there. The cursor
 * rests behind the last line, not below it: the last row of the screen can be used. */
static void put_erase(struct display *d, unsigned width, unsigned height)
{
    if (d->n_lines == 0)
        return;
    unsigned up = rows_standing(d, width);
    up = (up > height ? height : up) - 1;
    (void)buf_put_char(&d->frame, '\r');
    if (up > 0)
        (void)buf_printf(&d->frame, "\033[%uA", up);
    (void)buf_put_text(&d->frame, "\033[J");
    d->n_lines = 0;
}

static unsigned visible_columns(struct ds_span line)
{
    unsigned columns = 0;
    while (line.len > 0) {
        uint32_t code;
        size_t n = utf8_step(line, &code);
        struct ds_span one = {line.ptr, n};
        if (line.ptr[0] == '\033') {
            while (n < line.len && line.ptr[n - 1] != 'm')
                n++;
        } else {
            columns += (unsigned)text_columns(one);
        }
        line = (struct ds_span){line.ptr + n, line.len - n};
    }
    return columns;
}

/* Lines of d->text over the standing ones. Each line is overwritten and its rest cleared, so
 * that nothing flickers; what is left below is cleared at the end. */
static void put_frame(struct display *d, unsigned width)
{
    struct ds_span rest = buf_span(&d->text), line;
    unsigned up = d->n_lines > 0 ? d->n_lines - 1 : 0;
    if (!cursor_hidden) {
        (void)buf_put_text(&d->frame, HIDE_CURSOR);
        cursor_hidden = 1;
    }
    (void)buf_put_char(&d->frame, '\r');
    if (up > 0)
        (void)buf_printf(&d->frame, "\033[%uA", up);
    d->n_lines = 0;
    while (rest.len > 0 && d->n_lines < MAX_LINES) {
        rest = ds_span_cut(rest, '\n', &line);
        if (d->n_lines > 0)
            (void)buf_put_text(&d->frame, "\r\n");
        (void)buf_put_text(&d->frame, "\033[K");
        (void)buf_put_span(&d->frame, line);
        d->columns[d->n_lines++] = (uint16_t)visible_columns(line);
    }
    (void)buf_put_text(&d->frame, "\033[J");
    d->width = width;
}

static void draw(struct display *d, int64_t now_ms)
{
    unsigned width, height;
    if (!in_foreground())
        return;
    terminal_size(&width, &height);
    buf_reset(&d->frame);
    buf_reset(&d->text);
    if (redraw_all) {
        redraw_all = 0;
        d->n_lines = 0;
    }
    if (d->n_lines > 0 && (d->width != width || d->n_lines > height))
        put_erase(d, width, height);
    /* The last column stays free: some terminals wrap as soon as it is written. */
    unsigned usable = width > 1 ? width - 1 : 1;
    unsigned lines = height > 2 ? height - 1 : 1;
    display_render(&d->state, now_ms, usable, lines > MAX_LINES ? MAX_LINES : lines, d->color,
                   &d->text);
    put_frame(d, width);
    write_out(&d->frame);
    d->drawn_ms = now_ms;
}

void display_tick(struct display *d, int64_t now_ms)
{
    if (d->finished || d->mode == DISPLAY_SILENT)
        return;
    if (now_ms == 0)
        now_ms = clock_unix_ms();
    if (d->mode == DISPLAY_PLAIN) {
        buf_reset(&d->text);
        display_plain(&d->state, now_ms, &d->text);
        write_out(&d->text);
    } else if (now_ms - d->drawn_ms >= FRAME_MS || now_ms < d->drawn_ms) {
        draw(d, now_ms);
    }
}

void display_pause(struct display *d)
{
    unsigned width, height;
    if (d->mode != DISPLAY_LIVE || d->n_lines == 0)
        return;
    terminal_size(&width, &height);
    buf_reset(&d->frame);
    put_erase(d, width, height);
    write_out(&d->frame);
    d->drawn_ms = 0;
}

void display_say(struct display *d, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    display_pause(d);
    buf_reset(&d->text);
    text_put(&d->text, ds_span_of(text));
    (void)buf_put_char(&d->text, '\n');
    write_out(&d->text);
}

void display_finish(struct display *d, bool summary)
{
    if (d->finished)
        return;
    d->finished = true;
    display_pause(d);
    buf_reset(&d->text);
    if (cursor_hidden) {
        (void)buf_put_text(&d->text, SHOW_CURSOR);
        cursor_hidden = 0;
    }
    if (d->mode == DISPLAY_PLAIN) { /* failures that came last */
        d->state.plain_ms = INT64_MAX / 2;
        d->state.plain_settled = display_settled(&d->state);
        display_plain(&d->state, d->state.plain_ms, &d->text);
    }
    if (summary && d->mode != DISPLAY_SILENT) {
        display_put_summary(&d->state, clock_unix_ms(), &d->text);
        (void)buf_put_char(&d->text, '\n');
    }
    write_out(&d->text);
}

const struct display_state *display_view(const struct display *d)
{
    return &d->state;
}

void display_rebase(struct display *d, uint32_t n_done, uint32_t n_failed)
{
    d->state.setup.n_done_before = n_done;
    d->state.setup.n_failed_before = n_failed;
    d->state.n_ok = d->state.n_failed = d->state.n_retried = 0;
    memset(d->state.failed_by, 0, sizeof d->state.failed_by);
    d->state.plain_reasons = d->state.n_reasons;
}
