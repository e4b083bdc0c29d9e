/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch_io.h - following the runs of a sweep from outside, by runs/<utc>-<host>-<pid>.jsonl
 *
 * Several runs may be alive (`run --join`); their slots are shown side by side. A file's run is
 * alive when its process is (on this host), or when it wrote within the last five minutes.
 * Only directory stores have such files while a sweep runs. */
#ifndef DS_CLI_WATCH_IO_H
#define DS_CLI_WATCH_IO_H

#include "cli/target_io.h"
#include "decksweep/event.h"

#define WATCH_MAX_RUNS   16u
#define WATCH_TAIL_BYTES (8u << 20) /* of a long run's file, what is read at first */
#define WATCH_ALIVE_MS   300000

struct watch_run {
    char key[STORE_KEY_BYTES];
    uint64_t offset;     /* read so far */
    int64_t mtime_ms;    /* of the file when it was found */
    int64_t first_ms;    /* time of the first event read; 0 none */
    int64_t slot_offset; /* added to the run's slots */
    int64_t n_slots;     /* of its worker */
    uint32_t pid;        /* by the file's name */
    bool same_host, ended;
};

struct watch {
    const struct target *t;
    struct watch_run runs[WATCH_MAX_RUNS];
    size_t n_runs;
};

typedef void (*watch_event_f)(void *context, const struct watch_run *run, const struct event *e);

/* Find the living runs; runs that are known keep their place. */
int watch_find(struct watch *w, const struct target *t, struct ds_err *err) DS_CHECKED;

/* Read what is new in all of them and hand each event over, slots shifted so that no two runs
 * share one. Lines that are no events are passed over. */
int watch_read(struct watch *w, watch_event_f fn, void *context, struct ds_err *err) DS_CHECKED;

/* Is any of the runs still alive, as far as can be told? */
bool watch_alive(const struct watch *w);

#endif
