/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch_io.h - files out of case archives and datasets, into folders
 *
 * A file appears under its name only when it is whole and, out of an archive, its SHA-256 is
 * the one in case.json; until then it is "<name>.decksweep-part" beside it. A file that is
 * there with the right content is not written again. Names come from archives: nothing is
 * written outside the folder, also not through links inside it. */
#ifndef DS_CLI_FETCH_IO_H
#define DS_CLI_FETCH_IO_H

#include "cli/target_io.h"

struct fetch_sums {
    size_t n_cases, n_written, n_there;
    uint64_t bytes; /* written */
};

struct fetch {
    const struct target *t;
    struct archive_reader *reader;
    struct ds_arena *arena; /* reset a case */
    int dir_fd;
    bool some_members; /* only what `members` wants */
    struct keep members;
    unsigned classes_found;           /* of members.classes: some file was there */
    bool globs_found[KEEP_MAX_GLOBS]; /* of members.globs */
    struct fetch_sums sums;
};

/* Make dir and open it; some_members and members are the caller's to set, before or after. */
int fetch_open(struct fetch *f, const struct target *t, const char *dir,
               struct ds_err *err) DS_CHECKED;
void fetch_close(struct fetch *f);

/* The archive under inner ("cases/...") into case-<number>/. DS_ECORRUPT names the file. */
int fetch_case(struct fetch *f, uint32_t number, const char *inner, struct ds_err *err) DS_CHECKED;

/* Everything under dataset/. required: DS_ENOTFOUND when there is none. */
int fetch_dataset(struct fetch *f, bool required, struct ds_err *err) DS_CHECKED;

#endif
