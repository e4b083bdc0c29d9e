/* SPDX-License-Identifier: GPL-3.0-or-later */
/* publish_io.h - judge, archive and commit ended attempts beside the running cases
 *
 * Two kinds of threads: archivers gather evidence, judge, hash and pack; one committer puts
 * whole archives into the store, many at a time, never postponed past PUBLISH_GROUP_MS. The
 * loop hands attempts in and takes notes out; it never waits for either.
 *
 * An archive that the store refuses (full, read-only, gone) is spooled: it stands complete as a
 * file in spool/, is tried again while the worker lives, and else by the next worker. */
#ifndef DS_AGENT_PUBLISH_IO_H
#define DS_AGENT_PUBLISH_IO_H

#include "agent/attempt.h"
#include "agent/stage_io.h"
#include "store/store.h"

#define PUBLISH_GROUP_MS 50
#define PUBLISH_RETRY_MS 2000

struct publisher;

struct publish_setup { /* all borrowed for the publisher's life */
    const struct attempt_context *context;
    struct store *store;
    const char *prefix; /* of the sweep's folder in the store: "<sweep>/" */
    const struct stage *stage;
    int cases_fd, spool_fd, kept_fd; /* folders in scratch; kept_fd < 0: keep no folders */
    unsigned n_archivers;            /* 1 .. 16 */
};

/* DS_EIO: no threads. gives: publisher_destroy. */
int publisher_create(const struct publish_setup *setup, struct publisher **out,
                     struct ds_err *err) DS_CHECKED;
/* Waits for the threads to finish what they have in hand; what waits uncommitted is
 * spooled. NULL is legal. */
void publisher_destroy(struct publisher *p);
int publisher_fd(const struct publisher *p); /* borrowed; readable when there are notes */

/* takes t and its arena (both from malloc and arena_create). */
void publisher_submit(struct publisher *p, struct attempt *t);
/* Commit what is ready now rather than at the end of its group: nothing else is coming. */
void publisher_hurry(struct publisher *p);

enum publish_note_kind {
    NOTE_JUDGED = 1, /* the verdict is known; cancelled ones end here */
    NOTE_COMMITTED,  /* safe in the store */
    NOTE_STUCK,      /* the store refused it; told once an archive, then tried again */
    NOTE_LOST,       /* could not be archived at all: the case has to run again */
};

struct publish_note {
    enum publish_note_kind kind;
    struct dispatch_item item;
    uint32_t number;
    struct case_id id;
    enum verdict verdict;
    bool existed; /* NOTE_COMMITTED: somebody else had committed this key */
    uint64_t limit_bytes, peak_mem_bytes, archive_bytes;
    int64_t run_ms;
    int rc;                       /* NOTE_STUCK, NOTE_LOST: ds_code */
    char text[DS_ERR_TEXT_BYTES]; /* NOTE_JUDGED: reason; NOTE_STUCK, NOTE_LOST: what is wrong */
};

bool publisher_take(struct publisher *p, struct publish_note *out);

struct publish_state {
    size_t n_waiting; /* submitted, not yet archived */
    size_t n_stuck;   /* archives the store refused last time */
    size_t n_busy;    /* all that is not settled: waiting, in hand, stuck */
};
struct publish_state publisher_look(struct publisher *p);

/* Commit the complete archives of another worker's spool folder and remove what went well.
 * *n: committed. Returns the first failure. */
int publish_spooled(struct store *store, const char *prefix, int spool_fd, unsigned *n,
                    struct ds_err *err) DS_CHECKED;

#endif
