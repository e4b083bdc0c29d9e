/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target_io.h - a sweep in a store, opened for the commands that look at it or tidy it */
#ifndef DS_CLI_TARGET_IO_H
#define DS_CLI_TARGET_IO_H

#include "archive/archive.h"
#include "cli/cluster_io.h"
#include "cli/target.h"
#include "cmd/program_io.h"
#include "scheduler/census_io.h"

/* For the option table of every command with a TARGET. */
#define TARGET_OPTIONS CLUSTER_OPTIONS

/* A TARGET in a cluster: the Sweep as the API server had it when the command began. */
struct target_cluster {
    struct cluster at;
    struct sweep_report report;
    struct json *object;
    bool guessed; /* by its name alone, without -n and the like */
};

struct target {
    struct store *store;                   /* NULL until target_open_store */
    const char *url;                       /* of the store, when it is no claim */
    struct target_cluster *cluster;        /* NULL: a folder or bucket */
    char prefix[SWEEP_MAX_NAME_BYTES + 2]; /* "<sweep>/" */
    struct ds_span sweep;
    struct ds_span label; /* "results/spe1", "spe1 -n team": for messages, and to be typed again */
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

/* What argument 0 of the command means; no store is opened yet. A sweep's folder must be there; a
 * Sweep in a cluster is read. *out is for target_close, also after an error. */
int target_find(const struct cli *cli, struct target *out, struct ds_err *err) DS_CHECKED;
/* Its store: of a claim through a store pod, which takes some seconds; SIGINT then ends what waits
 * for the store with DS_EINTR. */
int target_open_store(struct target *t, enum store_mode mode, struct ds_err *err) DS_CHECKED;
/* Both. */
int target_open(const struct cli *cli, enum store_mode mode, struct target *out,
                struct ds_err *err) DS_CHECKED;
void target_close(struct target *t);

/* May so many bytes be read? Results of a claim go through the cluster's API server, which others use
 * too: above 2 GiB only when the command's option --yes was given (DS_EINPUT says so). */
int target_check_transfer(const struct target *t, const struct cli *cli, uint64_t bytes,
                          struct ds_err *err) DS_CHECKED;

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
