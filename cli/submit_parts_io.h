/* SPDX-License-Identifier: GPL-3.0-or-later */
/* submit_parts_io.h - the parts of submit; only cli/submit_*.c include it */
#ifndef DS_CLI_SUBMIT_PARTS_IO_H
#define DS_CLI_SUBMIT_PARTS_IO_H

#include "base/yaml.h"
#include "cli/cluster_io.h"
#include "cli/submit.h"
#include "cli/submit_io.h"
#include "cli/sweep_object.h"
#include "decksweep/sweep.h"
#include "scheduler/bundle_paths.h"
#include "scheduler/plan_io.h"

#define SUBMIT_NAME_BYTES (SWEEP_MAX_NAME_BYTES + BUNDLE_HEX_BYTES + 2)

struct submit {
    struct cli *cli;
    const struct submit_options *o;

    /* what lies here */
    struct planned *planned; /* NULL: the file says itself where its deck is (deckFrom) */
    const struct sweep *sweep;
    const struct yaml_node *root; /* of the sweep file */
    const char *name;
    const char *file_namespace; /* metadata.namespace; NULL */
    uint32_t n_cases;           /* 0 not known */
    int deck_fd;                /* the packed deck; -1 none */
    uint64_t deck_bytes;
    char config_map[SUBMIT_NAME_BYTES], store_key[BUNDLE_KEY_BYTES]; /* one of them; "" not */

    /* what is sent */
    struct sweep_edit edit;
    char token[64];

    /* the cluster */
    struct cluster c;
    const char *namespace_;
    struct json *object; /* the Sweep as it is there; NULL: not there */
    struct sweep_report report;
};

/* Read, check and pack what lies here. Faults of sweep file and deck were told when
 * *told. */
int submit_prepare(struct submit *s, bool *told, struct ds_err *err) DS_CHECKED;

/* Wait for the Sweep with a view on stderr; its exit status. */
int submit_wait(struct submit *s);

/* How to name the Sweep on a command line: "spe1 -n team". In the command's arena. */
const char *submit_label(const struct submit *s);

#endif
