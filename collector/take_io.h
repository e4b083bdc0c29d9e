/* SPDX-License-Identifier: GPL-3.0-or-later */
/* take_io.h - take rows over from the summary.nc that is there, instead of reading archives again
 *
 * A row is still right when the store lists its archive (source_key) with the size and time
 * of last change that were listed then, provided that the file was made by this version for the same vectors and times and has
 * exactly the expected vectors and axis. Anything else: nothing is taken, all is read. HDF5: same
 * thread as the writers. */
#ifndef DECKSWEEP_COLLECTOR_TAKE_IO_H
#define DECKSWEEP_COLLECTOR_TAKE_IO_H

#include "collector/dataset.h"
#include "collector/merge_io.h"
#include "store/store.h"

struct taken;

/* Look at <prefix>dataset/summary.nc. ds has axis, vectors, units, rows with their sources.
 * scratch: folder for a copy where the store is no directory. *out NULL: nothing can be
 * taken over (never an error). Else rows taken have their columns filled in ds->rows. gives:
 * taken_close. */
void taken_open(struct store *s, struct ds_span prefix, const char *scratch, struct dataset *ds,
                struct taken **out);
void taken_close(struct taken *t); /* NULL is legal */

const uint32_t *taken_from(const struct taken *t); /* for struct merge; NULL for NULL */
uint32_t taken_count(const struct taken *t);

/* Put the values of taken rows among first .. first+n into the slab. DS_EIO, DS_ECORRUPT. */
int taken_fill(struct taken *t, uint32_t first, uint32_t n, float *slab,
               struct ds_err *err) DS_CHECKED;

#endif
