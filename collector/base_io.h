/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base_io.h - the summaries of the runs that a continued case was continued from */
#ifndef DECKSWEEP_COLLECTOR_BASE_IO_H
#define DECKSWEEP_COLLECTOR_BASE_IO_H

#include "archive/archive.h"
#include "decksweep/plan.h"
#include "store/store.h"
#include "summary/chain.h"

struct base_finder;

/* Bases are looked for in the plan's bundle first, opened when first needed and kept: all cases
 * share one history. borrows all. gives: base_finder_destroy. */
struct base_finder *base_finder_create(struct store *s, struct ds_span prefix,
                                       const struct plan *p);
void base_finder_destroy(struct base_finder *f);

struct base_source { /* the case's own archive: the second place to look */
    struct archive_reader *reader;
    archive_read_f read;
    void *context;
    const struct archive_index *index;
};

/* Fill links[1 ..] with the bases of links[0], as many as are found; returns the number of
 * links. dir: folder of the case's SMSPEC, "" or ending in '/'. What comes from the bundle
 * lives as long as f, the rest in a. A base that cannot be read counts as not found. */
size_t base_finder_find(struct base_finder *f, const struct base_source *own, struct ds_span dir,
                        struct ds_arena *a, struct chain_link links[CHAIN_MAX_LINKS]);

#endif
