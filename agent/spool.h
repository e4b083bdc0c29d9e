/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - names inside a worker's scratch folder. Pure, reentrant. */
#ifndef DS_AGENT_SPOOL_H
#define DS_AGENT_SPOOL_H

#include "decksweep/result.h"

#include <stdint.h>

/* Complete archives that the store has not taken yet: the key with % for /, and ".archive". */
#define SPOOL_NAME_BYTES (RESULT_KEY_BYTES + 16u)
void spool_name_encode(const char *key, char out[SPOOL_NAME_BYTES]);
/* False: no such name, or its key is none of a case's. */
bool spool_name_decode(struct ds_span name, char key[RESULT_KEY_BYTES]);

/* The worker's folder below decksweep-<uid>/: "<sweep>-<8 hex of the store>-<pid>". tag: the part
 * before the pid, which workers of the same sweep and store share: also those of another plan,
 * or an edited sweep would leave finished archives and full folders behind for ever. */
#define SCRATCH_NAME_BYTES 128u
void scratch_tag(struct ds_span sweep, struct ds_span store_url, char out[SCRATCH_NAME_BYTES]);
/* Is this folder one of the tag's workers? ("<tag>-<digits>" with an optional ".<digits>") */
bool scratch_is_of_tag(struct ds_span name, const char *tag);

#endif
