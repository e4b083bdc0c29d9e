/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api_write.h - bodies of what the controller writes. Pure; buf_check after the last one. */
#ifndef DS_SCHEDULER_API_WRITE_H
#define DS_SCHEDULER_API_WRITE_H

#include "scheduler/event_filter.h"
#include "scheduler/reconcile.h"

#define API_STATUS_BYTES (300u << 10)

/* PUT .../sweeps/NAME/status; resourceVersion is that of the view, so that somebody else's write in
 * between is a conflict. */
int api_put_status(const struct sweep_view *w, const struct sweep_status *status,
                   struct ds_buf *out, struct ds_err *err) DS_CHECKED;
/* DELETE with the uid as precondition, pods in the background. */
void api_put_delete(struct ds_buf *out, const char *uid);
/* Merge patches of a Job; the uid in it makes that of another Job a conflict. */
void api_put_ttl(struct ds_buf *out, const char *uid, int64_t seconds);
void api_put_parallelism(struct ds_buf *out, const char *uid, int64_t parallelism);

struct api_event {
    const struct sweep_view *sweep;
    const char *reason, *text; /* text is cut to 960 bytes */
    bool warning;
    const struct event_memory *memory; /* name, count, combined */
    int64_t first_s, now_s;
    const char *instance; /* who says it */
};
/* POST .../events (core/v1, which describe shows), and the merge patch that counts it up. */
void api_put_event(struct ds_buf *out, const struct api_event *e);
void api_put_event_count(struct ds_buf *out, const struct api_event *e);

#endif
