/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster_io.h - Sweeps of a cluster, for the commands of the command line
 *
 * What every command with a TARGET needs: which cluster is meant, the Sweep of a name, changes
 * of it as they come, and errors that say what to do. One thread. */
#ifndef DS_CLI_CLUSTER_IO_H
#define DS_CLI_CLUSTER_IO_H

#include "cli/display_io.h"
#include "cli/sweep_report.h"
#include "cmd/program_io.h"
#include "kube/kube_io.h"

/* For the option table of every command that may talk to a cluster; cluster_open reads them. */
#define CLUSTER_OPTIONS                                                                            \
    {"namespace", 'n', VALUE_TEXT, "NAMESPACE",                                                    \
     "a Sweep in this namespace of a cluster (default: the context's)"},                           \
        {"context", 0, VALUE_TEXT, "NAME", "the kubeconfig's context to use"},                     \
    {                                                                                              \
        "kubeconfig", 0, VALUE_FILE, "FILE", "instead of $KUBECONFIG and ~/.kube/config"           \
    }

struct cluster {
    struct http_loop *loop;
    struct kube *kube;
    struct ds_arena *arena; /* the command's */
    const char *context;    /* as given; NULL */
};

/* Was one of the options given? Is there a cluster to talk to without them (a kubeconfig, or the
 * service account of a pod)? */
bool cluster_is_asked(const struct cli *cli);
bool cluster_is_configured(void);

/* DS_EINPUT as kube_open. gives: cluster_close. */
int cluster_open(const struct cli *cli, struct cluster *out, struct ds_err *err) DS_CHECKED;
void cluster_close(struct cluster *c); /* zeroed is legal */

/* The Sweep of this name. *object (NULL: not wanted) gives: json_destroy. DS_ENOTFOUND names near ones,
 * or says that the namespace or the whole CRD is missing. */
int cluster_get_sweep(struct cluster *c, const char *name, struct sweep_report *out,
                      struct json **object, struct ds_err *err) DS_CHECKED;

/* All of the namespace, or of all namespaces, by name. List and reports in the command's arena. */
int cluster_list_sweeps(struct cluster *c, bool all_namespaces, struct sweep_report ***out,
                        size_t *n, struct ds_err *err) DS_CHECKED;

/* spec.run := wish (a merge patch; the same twice changes nothing). */
int cluster_set_run(struct cluster *c, const char *name, enum run_wish wish,
                    struct sweep_report *out, struct ds_err *err) DS_CHECKED;

/* Look at a Sweep until done says so (true ends it), or it is deleted: DS_ENOTFOUND. *r is what was
 * seen last. on_change: called for every new state, may be NULL. display: shows the counts, may be
 * NULL. Survives a restart of the API server; says once on stderr what is wrong. Signals are the
 * caller's: DS_EINTR when http_turn says so. */
struct cluster_follow {
    struct display *display;
    bool (*done)(void *context, const struct sweep_report *r);
    void (*on_change)(void *context, const struct sweep_report *r);
    void *context;
    int64_t deadline_ms; /* monotonic; 0 none: DS_ETIMEOUT */
};
int cluster_follow(struct cluster *c, const char *name, const struct cluster_follow *how,
                   struct sweep_report *r, struct ds_err *err) DS_CHECKED;

#endif
