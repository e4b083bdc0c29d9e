/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_report.h - a Sweep of a cluster, as `status` tells it to people and to scripts. Pure.
 *
 * Everything comes from the object that the API server holds; texts of it are others' and are
 * cleaned before a terminal sees them. docs/command-line.md documents the JSON. */
#ifndef DS_CLI_SWEEP_REPORT_H
#define DS_CLI_SWEEP_REPORT_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/display.h"
#include "decksweep/sweep_status.h"
#include "scheduler/reconcile.h"

struct sweep_report {
    char namespace_[64], name[254], context[254]; /* context: "" not named */
    char uid[64];
    char resource_version[32];
    char store[512]; /* spec.results.store: "pvc://claim/path" */
    int64_t created_s, generation;
    bool deleting;
    enum run_wish run; /* spec.run */
    struct sweep_status status;
};

/* From the object as the API server gave it, also in a list, where kind and version are left out.
 * DS_EPARSE: it is no Sweep of the version that this program knows. A Sweep whose status is missing or strange is one that nobody has looked at yet. */
int sweep_report_read(const struct json *object, const char *context, struct sweep_report *out,
                      struct ds_err *err) DS_CHECKED;

/* How to name it again on a command line: "spe1 -n team", "spe1 -n team --context prod". */
void sweep_report_label(const struct sweep_report *r, struct ds_buf *out);

/* Has the controller seen the spec that the object holds? Until then the status is of an older one. */
bool sweep_report_is_current(const struct sweep_report *r);
/* Current, and nothing more happens without an edit. */
bool sweep_report_is_final(const struct sweep_report *r);
/* Exit status of who waited for it (enum cli_exit): 0 Succeeded; 1 Failed, or Cancelled with cases
 * left; 2 Refused; 3 Stalled. 0 while it goes on. */
int sweep_report_exit(const struct sweep_report *r);

/* Cases a second in the round under way, and what is left at that rate; -1 not known. */
double sweep_report_rate(const struct sweep_report *r, int64_t now_s);
int64_t sweep_report_eta_ms(const struct sweep_report *r, int64_t now_s);

/* For people. width: columns of the terminal, long messages are broken there; 0: never. */
void sweep_report_put_text(const struct sweep_report *r, int64_t now_s, unsigned width,
                           struct ds_buf *out);
/* One object on one line. */
void sweep_report_put_json(const struct sweep_report *r, int64_t now_s, struct ds_buf *out);

/* `status` without a name: a line a Sweep, as kubectl get has them. all_namespaces: a column more.
 * a: scratch. */
void sweep_report_put_list(const struct sweep_report *const *list, size_t n, bool all_namespaces,
                           int64_t now_s, unsigned width, struct ds_arena *a, struct ds_buf *out);
/* "3m", "5h12m", "4d": as kubectl prints ages. */
#define SWEEP_AGE_BYTES 24u
void sweep_report_age(int64_t seconds, char out[SWEEP_AGE_BYTES]);

/* For the live view. note: room for the line about what happens; the counts borrow it. */
void sweep_report_counts(const struct sweep_report *r, char note[EVENT_TEXT_BYTES],
                         struct display_counts *out);

/* ---- cancel, suspend, resume ---- */
const char *run_wish_name(enum run_wish w); /* "Active": the value of spec.run */
/* Must spec.run be patched for this wish? out: one or two sentences about what will happen, or why
 * nothing does ("spe1 -n team is suspended already"). */
bool sweep_report_plan_wish(const struct sweep_report *r, enum run_wish wish, struct ds_buf *out);
/* --wait: has the controller done it? */
bool sweep_report_obeys(const struct sweep_report *r, enum run_wish wish);

#endif
