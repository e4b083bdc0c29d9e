/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch_io.h - a worker's own folder: made, locked, and inherited from workers that died
 *
 *     <dir>/decksweep-<uid>/<tag>-<pid>/     tag = <sweep>-<8 hex of the store>
 *         lock                               held (flock) while the worker lives
 *         bundle/                            the unpacked bundle, read-only files
 *         cases/<number>.<attempt>/          a case while it runs and until it is committed
 *         spool/<key>.archive                complete archives that the store has not taken
 *     <dir>/decksweep-<uid>/kept-<tag>/<number>.<attempt>/     --keep-scratch failed
 *
 * Folders of others whose lock is free belong to nobody: their complete archives are
 * committed, the rest is removed. Not for hostile local users: decksweep-<uid> is made
 * closed to others (0700); that it is ours and that nobody else may write there is checked. */
#ifndef DS_AGENT_SCRATCH_IO_H
#define DS_AGENT_SCRATCH_IO_H

#include "agent/spool.h"
#include "store/store.h"

struct scratch {
    char path[4096];                                         /* of the worker's folder, absolute */
    int parent_fd, fd, lock_fd, cases_fd, spool_fd, kept_fd; /* kept_fd -1: not asked for */
    char name[SCRATCH_NAME_BYTES + 32];
    char kept_path[4096]; /* "" none */
};

/* Make and lock it below dir (NULL: $TMPDIR, else /var/tmp).
 * DS_EDENIED: decksweep-<uid> is not ours or open to others. DS_EIO, DS_ENOSPC and kin.
 * gives: scratch_close. */
int scratch_open(const char *dir, const char *tag, bool keep_failed, struct scratch *out,
                 struct ds_err *err) DS_CHECKED;

/* Commit the spools of dead workers with this tag and remove their folders. *n_committed,
 * *n_removed: archives, folders. The first failure of the store is returned (what is not
 * committed stays); folders that cannot be removed are passed over. */
int scratch_inherit(const struct scratch *s, const char *tag, struct store *store,
                    const char *prefix, unsigned *n_committed, unsigned *n_removed,
                    struct ds_err *err) DS_CHECKED;

/* Remove the folder, unless keep_spool and spool/ holds something; release the lock. */
void scratch_close(struct scratch *s, bool keep_spool);

#endif
