/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job_parts.h - the parts of a Job manifest; only job_*.c include it. Pure. */
#ifndef DS_SCHEDULER_JOB_PARTS_H
#define DS_SCHEDULER_JOB_PARTS_H

#include "base/json.h"
#include "scheduler/job_manifest.h"

#define CONTAINER_AGENT     "agent"     /* init container: brings the programs */
#define CONTAINER_SIMULATOR "simulator" /* image of the user's; podFailurePolicy names it */
#define INSTALL_FOLDER      "/install"  /* where the agent's container has the emptyDir */

struct making { /* one Job on its way */
    const struct manifest_input *in;
    const struct json *spec, *cluster; /* of the Sweep; cluster may be NULL */
    const struct step *step;
    uint32_t number; /* index into step->job */
    const struct step_job *job;
    struct pod_size pod;
    uint32_t deadline_s; /* 0 none */
    bool is_census;
    const char *deck_map; /* census: ConfigMap with the deck, NULL none */
    struct json_writer w;
};

/* "labels" and "annotations" of the Job, or of its pods. */
void job_put_metadata(struct making *m, bool of_pod);

/* "spec" of the pod template. */
void job_put_pod_spec(struct making *m);

/* "volumes", and what the simulator's container mounts. */
void job_put_volumes(struct making *m);
void job_put_mounts(struct making *m);

/* Who it runs as, and where: securityContext, affinity, spread, tolerations, ... of the pod. */
void job_put_placement(struct making *m);

/* "securityContext" of a container. */
void job_put_container_security(struct making *m);

/* A text member of an object, "" when absent or of another type. */
struct ds_span job_text_of(const struct json *object, const char *key);

#endif
