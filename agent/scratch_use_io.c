/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_use_io.h"

#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>

#define BLOCK_BYTES 512u

uint64_t scratch_used_bytes(const char *path)
{
    char *roots[] = {(char *)path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    uint64_t bytes = 0;
    if (!walk)
        return 0;
    for (FTSENT *e = fts_read(walk); e; e = fts_read(walk)) {
        if (e->fts_info == FTS_DP || e->fts_info == FTS_NS || e->fts_info == FTS_ERR
            || e->fts_info == FTS_DNR || e->fts_info == FTS_NSOK)
            continue;
        const struct stat *st = e->fts_statp;
        uint64_t own = (uint64_t)st->st_blocks * BLOCK_BYTES;
        bytes += S_ISDIR(st->st_mode) || st->st_nlink < 2 ? own : own / st->st_nlink;
    }
    (void)fts_close(walk);
    return bytes;
}
