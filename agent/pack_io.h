/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack_io.h - from an ended attempt's folder to its verdict and its archive
 *
 * A packer keeps what is costly to make (zstd context, hash, buffers) between attempts; it
 * belongs to one thread. */
#ifndef DS_AGENT_PACK_IO_H
#define DS_AGENT_PACK_IO_H

#include "agent/attempt.h"
#include "agent/case_files_io.h"
#include "agent/spool.h"
#include "agent/stage_io.h"
#include "store/store.h"

#define PACK_MEMORY_BYTES (2u << 20) /* archives up to this stay in memory */

struct packer;

struct pack_setup { /* all borrowed for the packer's life */
    const struct attempt_context *context;
    const struct stage *stage;
    int cases_fd, spool_fd;
};

struct packer *packer_create(const struct pack_setup *setup);
void packer_destroy(struct packer *p); /* NULL is legal */

/* Look into the folder and judge. The packer keeps what it found for pack_archive. a keeps
 * what out refers to. DS_EIO: no such folder; DS_ETOOBIG. */
int pack_judge(struct packer *p, const struct attempt *t, struct judgement *out,
               struct ds_err *err) DS_CHECKED;

struct packed {           /* an archive, whole */
    struct ds_buf memory; /* while fd is -1 */
    int fd;               /* of spool/<name>; -1 */
    uint64_t len;
    char name[SPOOL_NAME_BYTES + 8]; /* in spool/ when fd >= 0 */
};

/* Archive what was judged last: case.json first, then the rendered files, parameters.json and
 * what keep wants, a cut UNSMRY up to its last whole step. key: names the temporary.
 * DS_ENOSPC and kin: nothing is left behind; may be tried again. gives: packed_discard. */
int pack_archive(struct packer *p, const struct attempt *t, const struct judgement *j,
                 const char *key, struct packed *out, struct ds_err *err) DS_CHECKED;
struct store_body packed_body(const struct packed *k);
/* Free memory, close and remove the temporary. */
void packed_discard(struct packed *k, int spool_fd);

/* Make it a complete, durable file of the spool (spool_name_encode) and free the memory;
 * afterwards it is read from fd. On failure it is as it was. */
int packed_spool(struct packed *k, int spool_fd, const char *key, struct ds_err *err) DS_CHECKED;

#endif
