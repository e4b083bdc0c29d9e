/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deck_stored_io.h - plan from what the store holds already, when no deck was brought
 *
 * A results folder that `decksweep run` made on a laptop goes on in a cluster without the deck
 * being brought again: its plan names the bundle, and the sweep file's paths are found in it. */
#ifndef DS_CLI_DECK_STORED_IO_H
#define DS_CLI_DECK_STORED_IO_H

#include "cli/deck_bring_io.h"
#include "decksweep/plan.h"

struct deck_stored {
    struct plan plan;
    const char *bundle_key;
};

/* The plan that the store holds. DS_EINPUT: there is none (says how to bring a deck), or it is of
 * another deck than spec.deck, or of a table, which no bundle holds. a: keeps. */
int deck_stored_find(const struct deck_request *q, struct ds_arena *a, struct deck_stored *out,
                     struct ds_err *err) DS_CHECKED;

/* Where deck and files lie in its bundle, unpacked at root. DS_EINPUT: a parameter's files are not
 * there. a: keeps. */
int deck_stored_paths(const struct deck_request *q, const struct deck_stored *stored,
                      const char *root, struct ds_arena *a, const struct bundle_paths **out,
                      struct ds_err *err) DS_CHECKED;

#endif
