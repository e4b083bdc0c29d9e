/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lease.h - who of several controllers acts? A coordination.k8s.io/v1 Lease, decided purely
 *
 * As client-go's leaderelection: a lease is held as long as its record changes; the time of
 * another machine is never compared with ours, only how long we have seen no change. The
 * holder writes every LEASE_RETRY_MS and stops acting LEASE_DEADLINE_MS after the start of
 * its last good write, which is before others may take over. The shell (lease_io.c) asks
 * lease_next what to do, does it, and tells the outcome. Times are monotonic ms. Pure. */
#ifndef DS_SCHEDULER_LEASE_H
#define DS_SCHEDULER_LEASE_H

#include "base/buf.h"
#include "base/json.h"

#define LEASE_DURATION_MS 15000
#define LEASE_DEADLINE_MS 10000
#define LEASE_RETRY_MS    2000
#define LEASE_NAME_BYTES  192u
#define LEASE_TIME_BYTES  40u

struct lease_record { /* what the API server has */
    bool found;
    char holder[LEASE_NAME_BYTES]; /* "" nobody */
    int64_t duration_ms;
    uint64_t transitions;
    char resource_version[40], acquired[LEASE_TIME_BYTES], renewed[LEASE_TIME_BYTES];
};

enum lease_wish {
    LEASE_REST = 0, /* until *wake_ms */
    LEASE_LOOK,     /* GET, then lease_looked */
    LEASE_WRITE,    /* POST when !seen.found, else PUT with its resourceVersion; then lease_wrote */
    LEASE_LOST,     /* we led and must not act any more; said once */
};

struct lease_state {
    char me[LEASE_NAME_BYTES];
    struct lease_record seen;
    bool known;         /* seen is of a look or write of ours */
    bool fresh;         /* of this try: a write may follow */
    int64_t changed_ms; /* when we saw it change */
    bool leading;
    int64_t held_until_ms; /* we may act until then */
    int64_t next_ms;       /* when to try again */
};

/* me is cut. The first try is due at once. */
void lease_init(struct lease_state *l, const char *me);
enum lease_wish lease_next(struct lease_state *l, int64_t now_ms, int64_t *wake_ms);
/* May we act now? */
bool lease_is_held(const struct lease_state *l, int64_t now_ms);

/* Outcomes. r NULL: no answer, or refused; of a look a Lease that does not exist is
 * !r->found. started_ms: when the request was sent. random: any number, for jitter. */
void lease_looked(struct lease_state *l, const struct lease_record *r, int64_t now_ms,
                  uint32_t random);
void lease_wrote(struct lease_state *l, const struct lease_record *r, int64_t started_ms,
                 int64_t now_ms, uint32_t random);

/* A Lease object; what is missing or of another type is zero. */
void lease_decode(const struct json *lease, struct lease_record *out);
/* What LEASE_WRITE sends; release: nobody holds it any more. now_us: Unix microseconds. */
int lease_encode(const struct lease_state *l, const char *namespace_, const char *name,
                 int64_t now_us, bool release, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
