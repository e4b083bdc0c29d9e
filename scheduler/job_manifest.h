/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job_manifest.h - the Kubernetes objects that the controller creates for a Sweep
 *
 *     Sweep object + status.step.job[i] + limits -> Job (batch/v1) as JSON
 *     Sweep object                               -> ConfigMap with sweep.json
 *
 * DESIGN.md 11 says what stands in them; docs/cluster.md shows one in full. A census Job has one
 * pod that runs `decksweep census`, a round one Indexed Job a shape whose pods run
 * `decksweep-agent work`. Every manifest passes Pod Security "restricted" and a ResourceQuota
 * with limits, whatever the Sweep says: of a Sweep only the fields named in k8s/base/crd.yaml are
 * looked at, and each is checked again here, since a CRD of another version may have let it pass.
 *
 * Rendering is deterministic: equal input, equal bytes. Pure; no clock. Cost: some 20 us a Job,
 * 10 us and 100 ns a value of the spec for the ConfigMap (bench/manifests). */
#ifndef DS_SCHEDULER_JOB_MANIFEST_H
#define DS_SCHEDULER_JOB_MANIFEST_H

#include "scheduler/reconcile.h"

struct json;

struct manifest_input {
    const struct json *sweep;          /* the object as the API server has it; borrows */
    const struct sweep_view *view;     /* of that object: names, uid, hashes, access modes */
    const struct sweep_status *status; /* as written: its step names the Jobs */
    const struct cluster_limits *limits;
    const struct node_class *nodes; /* may be none: nothing is known yet */
    size_t n_nodes;
    const char *agent_image; /* image with /decksweep/bin/decksweep-agent */
    const char *version;     /* DECKSWEEP_VERSION of the controller */
};

/* The Job of in->status->step.job[job], appended to out (give it a cap of
 * MANIFEST_MAX_BYTES). To be POSTed to /apis/batch/v1/namespaces/<namespace>/jobs with
 * fieldValidation=Strict. Its parallelism is reconcile_parallelism's. No TTL is set: reconcile
 * does once the outcome is in status.
 *
 * DS_EINPUT: the Sweep cannot be rendered: view->refused, no claim, no image; the text names the
 * key and is fit for status.message.
 * DS_ENOTFOUND: no such job in the step. DS_ETOOBIG: out's cap, or a round number that makes
 * the pods' host names longer than 63 characters. */
#define MANIFEST_MAX_BYTES (256u << 10)
int job_manifest(const struct manifest_input *in, uint32_t job, struct ds_buf *out,
                 struct ds_err *err) DS_CHECKED;

/* "<sweep>-<first 8 of edit hash>-spec": content-addressed, so that it can be immutable; a
 * census pod never sees another edit than the one that it was started for. Create it before the
 * census Job; 409 means that it is there. Those of older edits (label decksweep.io/kind=spec,
 * another decksweep.io/spec) can be deleted when the step is no census. */
void job_manifest_spec_name(const char *sweep, const char *edit_hash, char out[STATUS_NAME_BYTES]);

/* That ConfigMap: one key, sweep.json: apiVersion, kind, metadata.name and spec of the object,
 * which sweep_parse reads. Numbers keep their value, texts stay texts.
 * DS_EINPUT: no spec. DS_ETOOBIG: more than a ConfigMap holds (MANIFEST_MAX_SPEC_BYTES). */
#define MANIFEST_MAX_SPEC_BYTES 1000000u
int job_manifest_spec(const struct manifest_input *in, struct ds_buf *out,
                      struct ds_err *err) DS_CHECKED;

/* The claim and the folder in it of spec.results.store "pvc://claim/path"; both spans borrow url.
 * path has no leading or trailing slash and may be "". DS_EINPUT: no such URL, no claim's name, a
 * path that leaves the claim. Whoever mounts a claim uses it: the store pod too. */
int manifest_claim_parse(struct ds_span url, struct ds_span *claim, struct ds_span *path,
                         struct ds_err *err) DS_CHECKED;

/* Value of LABEL_CLAIM for a claim: its name, or a shorter one of its own where it is too long for
 * a label. Whoever mounts a claim that only one node can mount carries it: the store pod too. */
#define CLAIM_LABEL_BYTES 64u
void manifest_claim_label(const char *claim, char out[CLAIM_LABEL_BYTES]);

#endif
