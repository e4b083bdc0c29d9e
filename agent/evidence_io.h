/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence_io.h - look into a case folder for what judge_case wants to know */
#ifndef DS_AGENT_EVIDENCE_IO_H
#define DS_AGENT_EVIDENCE_IO_H

#include "agent/case_files_io.h"
#include "agent/judge.h"
#include "decksweep/plan.h"

/* Fill what files tell: log, summary, empty_output, missing; and from the plan: kind, end of the
 * schedule, wants_summary. The rest of *e is the caller's and left alone (evidence_init first).
 *
 * files   read on the way: entries looked into keep their data
 * a       keeps e->missing; scratch for SMSPEC
 * What cannot be read counts as not there; DS_ETOOBIG: the arena. */
int evidence_gather(struct case_files *files, const struct plan *plan, struct ds_arena *a,
                    struct evidence *e, struct ds_err *err) DS_CHECKED;

#endif
