/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkround SWEEP STORE [MEMORY]: plan a sweep into a store and commit the next round, as `decksweep
 * run` does before it starts its worker. Prints "<plan digest> <round>", or "<digest> 0" when
 * nothing is left. MEMORY: what one case is estimated to need. */
#include "base/log_io.h"
#include "base/units.h"
#include "scheduler/census_io.h"
#include "scheduler/plan_io.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_CAP ((size_t)2 << 30)

static int fail(const struct ds_err *err)
{
    log_error("%s", err->text);
    return ds_exit_status(err->code);
}

static int next_round(const struct planned_view *v, struct store *s, const char *prefix,
                      uint64_t mem_bytes, struct ds_err *err)
{
    struct sweep_listing listing;
    struct census census;
    struct round round = {0};
    ds_auto_arena a = arena_create(LOOK_CAP);
    struct census_policy policy = census_policy_of(v->plan);
    struct measured m = {.estimate_mem_bytes = mem_bytes};
    struct round_request request = {.n = 1};
    int rc = census_list(s, prefix, a, &listing, err);
    rc = rc < 0 ? rc
                : census_take(v->design, listing.keys, listing.n_keys, &m, (struct capacity){0},
                              &policy, a, &census, err);
    request.n = listing.last_round + 1;
    memcpy(request.plan_digest, v->digest, sizeof request.plan_digest);
    rc = rc < 0 ? rc
                : census_decide(&census, v->design, v->plan, &m, &policy, &request, a, &round, err);
    if (rc == 0 && round.n_chunks > 0)
        rc = census_commit_round(s, prefix, &round, err);
    if (rc == 0)
        (void)printf("%s %u\n", v->digest, round.n_chunks > 0 ? round.n : 0);
    return rc;
}

int main(int argc, char **argv)
{
    struct planned *planned = NULL;
    struct plan_faults faults = {0};
    struct store *s = NULL;
    struct ds_err err = {0};
    uint64_t mem_bytes = 0;
    log_init("mkround");
    if (argc < 3 || (argc > 3 && units_parse_size(ds_span_of(argv[3]), &mem_bytes, &err) < 0)) {
        log_error("usage: mkround SWEEP STORE [MEMORY]");
        return 2;
    }
    int rc = plan_load(argv[1], &planned, &faults, &err);
    for (size_t i = 0; i < faults.n; i++)
        log_error("%.*s", DS_FMT(faults.texts[i]));
    if (rc < 0)
        return fail(&err);
    const struct planned_view *v = planned_view(planned);
    char prefix[SWEEP_MAX_NAME_BYTES + 2];
    (void)snprintf(prefix, sizeof prefix, "%.*s/", DS_FMT(v->plan->name));
    rc = store_open(argv[2], STORE_WRITE, &s, &err);
    rc = rc < 0 ? rc : plan_publish(planned, s, prefix, true, &err);
    rc = rc < 0 ? rc : next_round(v, s, prefix, mem_bytes, &err);
    store_close(s);
    planned_destroy(planned);
    return rc < 0 ? fail(&err) : 0;
}
