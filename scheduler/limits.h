/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limits.h - what an administrator allows: the ConfigMap decksweep-limits
 *
 * Plain keys of .data, one value each (k8s/base/limits.yaml explains them to people):
 *
 *     worker-cores       whole number, 1 to 4096       8       CPUs of a worker at most
 *     worker-memory      size or none                  none    memory of a worker at most
 *     max-workers        whole number or none          none    of one sweep at a time
 *     max-chunks         whole number, 1 to 4096       2000    workers of one round in all
 *     chunk-duration     duration, 10s to 1d           10m     a worker lasts about so long
 *     census-cpus        whole number, 1 to 64         1
 *     census-memory      size, at least 256MiB         2GiB
 *     census-scratch     size, at least 512MiB         8GiB    cut to the largest node
 *     census-deadline    duration >= 1m, or none      none    pilot and collection included
 *     max-active-sweeps  whole number or none          none    with Jobs at a time; others wait
 *
 * A value that is wrong never stops the controller: the default holds and the problem is said.
 * Pure. */
#ifndef DS_SCHEDULER_LIMITS_H
#define DS_SCHEDULER_LIMITS_H

#include "scheduler/reconcile.h"

#define LIMITS_CONFIG_MAP   "decksweep-limits"
#define LIMITS_MAX_PROBLEMS 16u

struct limits_problems {
    char text[LIMITS_MAX_PROBLEMS][240]; /* "decksweep-limits: worker-cores: ..., 8 is used" */
    size_t n;                            /* further ones are dropped */
};

void limits_default(struct cluster_limits *out);

/* config_map: the object as the API server has it; NULL (there is none): all defaults, no
 * problem. Unknown keys are problems too, with the nearest known key. */
struct json;
void limits_read(const struct json *config_map, struct cluster_limits *out,
                 struct limits_problems *problems);

#endif
