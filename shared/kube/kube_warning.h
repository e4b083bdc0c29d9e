/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_warning.h - Warning headers (RFC 9111 5.5, as the API server sends them). Pure. */
#ifndef DS_KUBE_KUBE_WARNING_H
#define DS_KUBE_KUBE_WARNING_H

#include "decksweep/span.h"

#define KUBE_WARNING_BYTES 400u

/* The next warning's text (unquoted, cut, plain) of `299 - "text", 299 - "text"`; *rest goes on.
 * false: no further one. */
bool kube_warning_next(struct ds_span *rest, char out[KUBE_WARNING_BYTES]);

#endif
