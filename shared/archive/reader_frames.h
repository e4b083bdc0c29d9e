/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader_frames.h - the reader's parts that extraction and verification build on
 *
 * Only shared/archive/ includes it. Pure apart from what the caller's read and sink do. */
#ifndef DS_ARCHIVE_READER_FRAMES_H
#define DS_ARCHIVE_READER_FRAMES_H

#include "archive/archive.h"

/* The end-of-archive frame must hold 1024 zeros. */
int archive_read_end(struct archive_reader *r, archive_read_f read, void *context,
                     const struct archive_index *x, struct ds_err *err) DS_CHECKED;

/* archive_stream_member; sink NULL: look only. *executable: mode 0755 (may be NULL). */
int archive_stream_member_mode(struct archive_reader *r, archive_read_f read, void *context,
                               const struct archive_member *m, archive_sink_f sink,
                               void *sink_context, char sha256[65], bool *executable,
                               struct ds_err *err) DS_CHECKED;

#endif
