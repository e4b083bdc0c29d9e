/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target_io.h - a sweep in a store, opened for the commands that look at it or tidy it */
#ifndef DS_CLI_TARGET_IO_H
#define DS_CLI_TARGET_IO_H

#include "archive/archive.h"
#include "cli/target.h"
#include "cmd/program_io.h"
#include "scheduler/census_io.h"

/* For the option table of every command with a TARGET: understood, so that the message can
 * say that clusters are not supported here; help NULL hides them. */
#define TARGET_OPTIONS                                                                             \
    {"namespace", 'n', VALUE_TEXT, "NAMESPACE", NULL},                                             \
    {                                                                                              \
        "context", 0, VALUE_TEXT, "NAME", NULL                                                     \
    }

struct target {
    struct store *store;
    char prefix[SWEEP_MAX_NAME_BYTES + 2]; /* "<sweep>/" */
    struct ds_span sweep;
    struct ds_span label; /* "results/spe1", for messages and hints */
    struct ds_arena *arena;
    struct sweep *from_file; /* TARGET was a sweep file; else NULL */

    /* after target_load */
    struct plan plan;
    char plan_digest[PLAN_DIGEST_BYTES];
    struct design design;
    /* after target_count */
    struct sweep_listing listing;
    struct census census;
};

/* Open argument 0 of the command. The sweep's folder must be there. a: the command's arena. */
int target_open(const struct cli *cli, enum store_mode mode, struct target *out,
                struct ds_err *err) DS_CHECKED;
void target_close(struct target *t);

/* Read the present plan and its design. DS_ENOTFOUND: not planned yet; says what to do. */
int target_load(struct target *t, struct ds_err *err) DS_CHECKED;
/* List the store and take the census (after target_load), by the plan's own policy. */
int target_count(struct target *t, struct ds_err *err) DS_CHECKED;
/* All three. */
int target_open_counted(const struct cli *cli, enum store_mode mode, struct target *out,
                        struct ds_err *err) DS_CHECKED;

/* After DS_ENOTFOUND: is it only that no run has begun yet? The folder that holds the store is
 * there, so a later `run` can make the rest; a mistyped one is not. */
bool target_may_come(const struct target *t);
/* The same target: has it a plan by now? */
bool target_has_plan(const struct target *t);

/* The sweep file: the one given as TARGET, else the store's copy. *out in t->arena. */
int target_sweep(struct target *t, const struct sweep **out, struct ds_err *err) DS_CHECKED;

static inline const struct case_tally *target_tally(const struct target *t, uint32_t row)
{
    return &t->census.tally[t->census.tally_of_row[row]];
}

/* "<sweep>/<inner>" in t->arena; NULL only when the arena is full. */
const char *target_key(const struct target *t, const char *inner);

/* An archive of the sweep, opened with its index and case.json. */
struct case_archive {
    struct store_object *object;
    uint64_t size_bytes;
    struct archive_index index;
    struct case_record record;
    struct ds_span case_json;
};
/* inner: "cases/...". a: keeps index and record. reader: borrows for the call. DS_ENOTFOUND,
 * DS_ECORRUPT. */
int case_archive_open(const struct target *t, const char *inner, struct archive_reader *reader,
                      struct ds_arena *a, struct case_archive *out, struct ds_err *err) DS_CHECKED;
void case_archive_close(struct case_archive *c);

#endif
