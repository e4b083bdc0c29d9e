/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deck_bring_io.h - in a pod: the deck of a Sweep as files in scratch, wherever it comes from
 *
 * From a mounted ConfigMap (submit's archive bundle.tar.zst, checked against the digest in the
 * ConfigMap's name; or plain files by hand), from an object of the sweep's folder in the store
 * (deckFrom.store, or what an earlier census kept of a ConfigMap), or, when nothing was brought,
 * from the bundle of the plan that the store holds. Archives and mounts are hostile: sizes are
 * bounded by what scratch has free, nothing is written or read outside. One thread. */
#ifndef DS_CLI_DECK_BRING_IO_H
#define DS_CLI_DECK_BRING_IO_H

#include "base/path.h"
#include "decksweep/sweep.h"
#include "scheduler/bundle_paths.h"
#include "store/store.h"

struct deck_request { /* all borrowed */
    struct store *store;
    const char *prefix;    /* "<sweep>/" */
    const struct sweep *w; /* its deckFrom; where nothing was brought, deck and files */
    const char *mount;     /* folder of the ConfigMap; NULL: none is mounted */
    const char *scratch;   /* existing folder */
};

struct deck_here {
    char root[PATH_MAX_BYTES];        /* folder with the files; "" none. deck_leave removes it */
    const struct bundle_paths *paths; /* what the sweep file means; NULL: its own paths */
    char hex[BUNDLE_HEX_BYTES]; /* digest of a brought archive that its name carries; "" none */
    bool in_store;              /* the archive is in the store under bundle_key_of(hex) */
    int archive_fd;             /* of the ConfigMap's archive, to be kept; -1 none */
    uint64_t archive_bytes;
    const char *from; /* for people: "ConfigMap spe1-0123456789abcdef" */
};

/* a: keeps paths. gives: deck_leave, also after a failure.
 *
 * DS_EINPUT: the deck is wrong or wrongly named: digest, path, a kind of deckFrom that is not
 * built in. DS_ECORRUPT, DS_EPARSE, DS_ETOOBIG: no archive of ours. DS_ENOTFOUND: it is nowhere
 * yet. DS_ENOSPC: scratch is too small. DS_EIO, DS_EDENIED: scratch or store. */
int deck_bring(const struct deck_request *q, struct ds_arena *a, struct deck_here *out,
               struct ds_err *err) DS_CHECKED;

/* Keep the brought archive in the store, so that its ConfigMap is not needed any more. Nothing to
 * do when its name has no digest or it is there. */
int deck_keep(const struct deck_request *q, struct deck_here *here, struct ds_err *err) DS_CHECKED;

void deck_leave(struct deck_here *here);

#endif
