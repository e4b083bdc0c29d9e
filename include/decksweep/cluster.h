/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.h - names that controller, pods and command line must agree on
 *
 * The custom resource, labels and annotations, where things are mounted in a pod, what its
 * environment says, and the two JSON texts that travel: a census pod's termination message
 * and the list of node classes. DESIGN.md 11 is the specification, docs/cluster.md the
 * reference. Pure and reentrant. */
#ifndef DECKSWEEP_CLUSTER_H
#define DECKSWEEP_CLUSTER_H

#include "decksweep/result.h"
#include "decksweep/round.h"

/* ---- the custom resource ---- */
#define SWEEP_GROUP       "decksweep.io"
#define SWEEP_VERSION     "v1alpha1"
#define SWEEP_API_VERSION SWEEP_GROUP "/" SWEEP_VERSION
#define SWEEP_PLURAL      "sweeps"
#define SWEEP_KIND        "Sweep"

/* ---- labels of Jobs, pods and ConfigMaps; values are DNS labels ---- */
#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by" /* "decksweep" */
#define LABEL_SWEEP      "decksweep.io/sweep"           /* name of the Sweep */
#define LABEL_KIND       "decksweep.io/kind"            /* census | round | store | spec | bundle */
#define LABEL_STEP       "decksweep.io/step"            /* number of census or round */
#define LABEL_SHAPE      "decksweep.io/shape"           /* of a round */
#define LABEL_SPEC       "decksweep.io/spec"            /* spec hash, 16 hex */
#define LABEL_CLAIM      "decksweep.io/claim"           /* claim that the pod mounts */
#define LABEL_QUEUE      "kueue.x-k8s.io/queue-name"
#define LABEL_FAKE_NODE  "decksweep.io/fake"

#define ANNOTATION_SAFE_TO_EVICT "cluster-autoscaler.kubernetes.io/safe-to-evict" /* "false" */
#define ANNOTATION_KARPENTER     "karpenter.sh/do-not-disrupt"                    /* "true" */
/* On a Job: JSON of what it was made for, see docs/cluster.md. */
#define ANNOTATION_OUTCOME "decksweep.io/outcome"

/* ---- inside a pod ---- */
#define POD_PROGRAMS "/decksweep" /* emptyDir: programs with their own loader and libraries */
#define POD_AGENT    POD_PROGRAMS "/bin/decksweep-agent"
#define POD_CLI      POD_PROGRAMS "/bin/decksweep"
#define POD_STORE    "/store"   /* the claim, below its sub path; results.store of the pod */
#define POD_SCRATCH  "/scratch" /* emptyDir */
#define POD_SPEC     "/sweep"   /* ConfigMap: sweep.json, the Sweep as the API server has it */
#define POD_DECK     "/deck"    /* ConfigMap of deckFrom.configMap, when there is one */
#define POD_MESSAGE  "/dev/termination-log"
#define POD_BUNDLE   "bundle.tar.zst" /* key of a submitted bundle in its ConfigMap */

/* Environment. Every container that we run has the first three. */
#define ENV_SWEEP         "DECKSWEEP_SWEEP"
#define ENV_NODE          "DECKSWEEP_NODE"    /* spec.nodeName */
#define ENV_VERSION       "DECKSWEEP_VERSION" /* of the controller: skew is said */
#define ENV_INDEX         "JOB_COMPLETION_INDEX"
#define ENV_INDEX_FAILED  "DECKSWEEP_INDEX_FAILURES" /* downward API: job-index-failure-count */
#define ENV_SCRATCH_BYTES "DECKSWEEP_SCRATCH_BYTES"  /* what the kubelet allows this pod */
#define ENV_CPU_LIMIT     "DECKSWEEP_CPU_LIMIT"
#define ENV_MEMORY_LIMIT  "DECKSWEEP_MEMORY_LIMIT"
#define ENV_NODE_CLASSES  "DECKSWEEP_NODE_CLASSES" /* census: JSON, node_classes_decode */
#define ENV_LIMITS        "DECKSWEEP_LIMITS"       /* census: JSON, pod_limits_decode */
#define ENV_ONCE          "DECKSWEEP_ONCE"         /* census: words of spec.once.do, by comma */
#define ENV_STOPPED       "DECKSWEEP_STOPPED"      /* census: why the last round was ended early */
#define ENV_MESSAGE       "DECKSWEEP_MESSAGE"      /* instead of POD_MESSAGE; tests */
#define ENV_STORE_TOKEN   "DECKSWEEP_TOKEN_SHA256" /* store pod */
#define STORE_POD_PORT    8080
#define STORE_POD_HEADER  "X-Decksweep-Token"

/* Deck given by hand in a ConfigMap of plain files, or brought by submit as POD_BUNDLE. The name that
 * submit gives carries the digest: "<sweep>-<first 16 hex of SHA-256 of the bundle's bytes>". */

/* ---- node classes: nodes with the same free room, for sizing pods ---- */
struct node_class {
    uint32_t cpus;          /* whole CPUs a worker can have there: allocatable - DaemonSets */
    uint64_t mem_bytes;     /* likewise */
    uint64_t scratch_bytes; /* ephemeral storage, likewise */
    uint32_t n_nodes;
};
#define NODE_CLASSES_MAX 16u

/* Limits of an administrator and of the sweep that matter to a pod's size. */
struct pod_limits {
    uint32_t worker_cores;     /* at most so many CPUs a worker, unless one case needs more */
    uint64_t worker_mem_bytes; /* 0 none */
    uint32_t max_workers;      /* pods at a time; 0 none */
    uint32_t max_chunks;       /* of a round; 2000 */
    uint32_t chunk_s;          /* a chunk lasts about so long; 600 */
};
int node_classes_encode(const struct node_class *at, size_t n, struct ds_buf *out);
int node_classes_decode(struct ds_span text, struct node_class *at, size_t *n /* room, given */,
                        struct ds_err *err) DS_CHECKED;
int pod_limits_encode(const struct pod_limits *l, struct ds_buf *out);
int pod_limits_decode(struct ds_span text, struct pod_limits *out, struct ds_err *err) DS_CHECKED;

/* What the pods of one shape ask for. */
struct pod_size {
    uint32_t cpus;          /* request = limit */
    uint64_t mem_bytes;     /* request = limit; slots, agent and /dev/shm included */
    uint64_t scratch_bytes; /* ephemeral-storage request = limit, 256 MiB of it ours */
    uint64_t shm_bytes;     /* size limit of the memory-backed /dev/shm */
    uint32_t slots;         /* cases side by side, as planned */
};

/* ---- a census pod's termination message: JSON, at most CENSUS_REPORT_BYTES ---- */
enum census_outcome {
    CENSUS_ROUND = 1, /* rounds/<N>.json is committed: run it */
    CENSUS_FINISHED,  /* nothing is outstanding; collected */
    CENSUS_DECISION,  /* lacking classes or another deck: waits for spec.once */
    CENSUS_REFUSED,   /* the sweep or deck is wrong: text says what; an edit may mend it */
    CENSUS_TROUBLE,   /* store or simulator refuse now: worth another try */
    CENSUS_STOPPED,   /* maxFailed is passed: what is done was collected */
};
const char *census_outcome_name(enum census_outcome o); /* "round" */

#define CENSUS_REPORT_BYTES 4096u
#define CENSUS_MAX_SHAPES   12u
#define CENSUS_TEXT_BYTES   1024u

struct census_shape {     /* a run of the round's chunks: one Indexed Job */
    uint32_t first_index; /* of rounds/<N>.json's chunks */
    uint32_t n_chunks;    /* completions */
    uint32_t n_cases;
    struct pod_size pod;
    uint32_t deadline_s; /* of one pod: activeDeadlineSeconds of the template */
};

struct census_totals { /* rows of the design */
    uint32_t n_rows, n_done, n_failed, n_outstanding /* new ones included */, n_no_fit, n_lacking;
    uint32_t n_failed_by[VERDICT_COUNT];
    uint64_t n_keys; /* under cases/, failed/, started/: did a round bring anything? */
    uint64_t stored_bytes;
};

struct census_report {
    enum census_outcome outcome;
    char decksweep[32];                  /* version of the program that wrote it */
    char plan_digest[PLAN_DIGEST_BYTES]; /* "" when there is no plan */
    uint32_t round;                      /* CENSUS_ROUND */
    struct census_totals totals;
    struct census_shape shape[CENSUS_MAX_SHAPES];
    uint32_t n_shapes;
    int64_t max_failed;           /* rows; -1 off */
    bool bundle_stored;           /* the ConfigMap of the deck is not needed any more */
    bool collected;               /* dataset/ is of these totals */
    char text[CENSUS_TEXT_BYTES]; /* one line for people; "" none */
};

/* Append; text is cut so that the whole fits CENSUS_REPORT_BYTES. */
int census_report_encode(const struct census_report *r, struct ds_buf *out,
                         struct ds_err *err) DS_CHECKED;
/* DS_EPARSE, DS_ETOOBIG: not ours, or cut. Unknown keys are ignored. */
int census_report_decode(struct ds_span text, struct census_report *out,
                         struct ds_err *err) DS_CHECKED;

#endif
