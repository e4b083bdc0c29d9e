/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_io.h - from a sweep file on disk to a plan in memory, and from there into a store
 *
 * The shell around sweep_parse, closure_scan, design_expand and plan_assemble: it opens the
 * files they ask for and asks the simulator for its version. Nothing is written before
 * plan_publish. One thread. */
#ifndef DS_SCHEDULER_PLAN_IO_H
#define DS_SCHEDULER_PLAN_IO_H

#include "deck/closure.h"
#include "decksweep/plan.h"
#include "scheduler/bundle_paths.h"
#include "scheduler/size.h"
#include "store/store.h"

struct planned; /* keeps everything below; gives: planned_destroy */

struct planned_view {
    const struct sweep *sweep;
    struct ds_span sweep_text; /* the sweep file as it stands */
    struct ds_span table_text; /* the case table as it stands; "" none */
    const struct closure *closure;
    const struct plan *plan;
    struct ds_span plan_json;
    char digest[PLAN_DIGEST_BYTES];
    const struct design *design;
    struct ds_span design_csv;
    uint64_t model_mem_bytes; /* 0 without a model */
    struct ds_span model_words;
    const struct ds_span *warnings; /* sentences for people */
    size_t n_warnings;
    uint64_t bundle_bytes;         /* uncompressed */
    struct ds_span simulator_path; /* "" for a command without a path */
};

/* All that is wrong, for people: "file:line:column: key: what; what to do". */
struct plan_faults {
    const struct ds_span *texts;
    size_t n, more;
};

/* Read, check, expand. Changes nothing.
 *
 * path     borrows; the sweep file, or "-" is refused
 * out      gives: planned_destroy
 * faults   gives on DS_EINPUT: every fault found; texts live as long as *out, which is then
 *          also given (planned_destroy it)
 *
 * DS_EINPUT the sweep file or deck is wrong; DS_ENOTFOUND, DS_EDENIED, DS_EIO files;
 * DS_ESIMULATOR not there, does not tell its version, or another one than the pin. */
int plan_load(const char *path, struct planned **out, struct plan_faults *faults,
              struct ds_err *err) DS_CHECKED;

/* The same without a simulator here: its version is the pin, or "". The deck and its archive are those
 * of plan_load; digest and ids are not, unless the version is pinned. */
int plan_load_unasked(const char *path, struct planned **out, struct plan_faults *faults,
                      struct ds_err *err) DS_CHECKED;

/* The same from an unpacked bundle (in a cluster): deck, table and files lie below root, and
 * nothing outside of it is read, whatever sweep file or deck say: DS_EINPUT, a fault each.
 *
 * root     borrows for the call; a folder of ours without links
 * paths    borrows for the call; what the sweep file means in root. NULL: its own paths start at
 *          root, and one that leaves it is a fault
 * The stored copy of the sweep file is its text as it stands. */
int plan_load_bundle(const char *path, const char *root, const struct bundle_paths *paths,
                     struct planned **out, struct plan_faults *faults,
                     struct ds_err *err) DS_CHECKED;
void planned_destroy(struct planned *p); /* NULL is legal */
const struct planned_view *planned_view(const struct planned *p);

/* Write the archive that brings this plan's deck into a cluster to fd, from where it stands:
 * the bundle, BUNDLE_TABLE_NAME where there is a table, BUNDLE_PATHS_NAME. *bytes: how many;
 * sha256 of these: its first 16 hex name the archive (bundle_paths.h). Equal plans give equal
 * bytes with one libzstd. DS_EAGAIN: a file of the deck changed since plan_load. */
int plan_write_deck(const struct planned *p, int fd, uint64_t *bytes, char sha256[SHA256_HEX_BYTES],
                    struct ds_err *err) DS_CHECKED;

/* Is the stored plan, if any, of a root deck with this name? DS_EINPUT: of another one: most
 * likely the wrong store or name (says both, and --replace). DS_EPARSE and kin: not readable.
 * To be asked before anything of the sweep is written. */
int plan_check_deck(const struct planned *p, struct store *s, const char *prefix,
                    struct ds_err *err) DS_CHECKED;

/* Put bundle, design and plan into the store, then let plan.json and sweep.yaml point at
 * them. What is there is not written again. Without replace plan_check_deck comes first. */
int plan_publish(const struct planned *p, struct store *s, const char *prefix, bool replace,
                 struct ds_err *err) DS_CHECKED;

#endif
