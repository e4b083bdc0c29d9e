/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leader election as a pure state machine, driven by two or three controllers on one fake API server. */
#include "scheduler/lease.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct server {
    struct lease_record r;
    unsigned version;
    bool down;
};

struct player {
    struct lease_state l;
    int64_t skew_ms; /* its monotonic clock */
};

/* A write of the holder, as the API server takes it: refused when it is based on an old version. */
static bool server_write(struct server *s, const struct lease_state *l, bool release)
{
    ds_auto_buf body;
    ds_auto_json j = NULL;
    struct lease_record sent;
    buf_init(&body, 1 << 16);
    cr_assert_eq(
        lease_encode(l, "ns", "decksweep-scheduler", 1795251234567890, release, &body, NULL), 0);
    cr_assert_eq(json_parse(buf_span(&body), 1 << 16, &j, NULL), 0);
    lease_decode(j, &sent);
    if (s->down || s->r.found != l->seen.found
        || (s->r.found && strcmp(s->r.resource_version, sent.resource_version) != 0))
        return false;
    s->r = sent;
    (void)snprintf(s->r.resource_version, sizeof s->r.resource_version, "%u", ++s->version);
    return true;
}

/* Everything a player wants at this instant; answers come after delay_ms. */
static enum lease_wish play(struct player *p, struct server *s, int64_t true_ms)
{
    int64_t now = true_ms + p->skew_ms, wake;
    enum lease_wish wish = lease_next(&p->l, now, &wake), first = wish;
    for (int i = 0; i < 4 && (wish == LEASE_LOOK || wish == LEASE_WRITE); i++) {
        if (wish == LEASE_LOOK)
            lease_looked(&p->l, s->down ? NULL : &s->r, now, 7);
        else
            lease_wrote(&p->l, server_write(s, &p->l, false) ? &s->r : NULL, now, now, 7);
        wish = lease_next(&p->l, now, &wake);
    }
    return first == LEASE_LOST ? first : wish;
}

Test(lease, the_first_one_creates_it_and_leads)
{
    struct server s = {0};
    struct player p = {0};
    lease_init(&p.l, "one");
    (void)play(&p, &s, 1000);
    cr_assert(lease_is_held(&p.l, 1000));
    cr_assert_str_eq(s.r.holder, "one");
    cr_assert_eq(s.r.duration_ms, LEASE_DURATION_MS);
    cr_assert_eq(s.r.transitions, 0);
}

Test(lease, a_second_one_waits_while_the_first_renews_and_takes_over_when_it_is_silent)
{
    struct server s = {0};
    struct player a = {.skew_ms = 0}, b = {.skew_ms = 987654321};
    int64_t t = 0, silent_since;
    lease_init(&a.l, "a");
    lease_init(&b.l, "b");
    for (; t < 60000; t += 100) {
        (void)play(&a, &s, t);
        (void)play(&b, &s, t);
        cr_assert(lease_is_held(&a.l, t));
        cr_assert_not(lease_is_held(&b.l, t + b.skew_ms));
    }
    silent_since = t;
    for (; t < silent_since + LEASE_DURATION_MS + 3 * LEASE_RETRY_MS; t += 100) {
        (void)play(&b, &s, t);
        if (lease_is_held(&b.l, t + b.skew_ms))
            break;
    }
    cr_assert(lease_is_held(&b.l, t + b.skew_ms));
    cr_assert_not(lease_is_held(&a.l, t), "the old one has stopped before the new one starts");
    cr_assert_eq(s.r.transitions, 1);
    cr_assert_eq(play(&a, &s, t), LEASE_LOST);
}

Test(lease, never_two_lead_whatever_the_api_server_does)
{
    for (unsigned seed = 1; seed < 400; seed++) {
        struct server s = {0};
        struct player p[3] = {{.skew_ms = 0}, {.skew_ms = -5000}, {.skew_ms = 123456}};
        uint32_t x = seed * 2654435761u;
        unsigned leaders_seen = 0;
        for (int i = 0; i < 3; i++) {
            char name[8];
            (void)snprintf(name, sizeof name, "p%d", i);
            lease_init(&p[i].l, name);
        }
        for (int64_t t = 0; t < 90000; t += 250) {
            unsigned leading = 0;
            for (int i = 0; i < 3; i++) {
                x = x * 1664525u + 1013904223u;
                s.down = (x >> 28) < 5;
                if ((x >> 20 & 15) < 12) /* else: stopped for a moment */
                    (void)play(&p[i], &s, t);
            }
            for (int i = 0; i < 3; i++)
                leading += lease_is_held(&p[i].l, t + p[i].skew_ms);
            cr_assert_leq(leading, 1, "seed %u at %lld ms: %u lead", seed, (long long)t, leading);
            leaders_seen += leading;
        }
        cr_assert_gt(leaders_seen, 200, "seed %u: hardly anybody led", seed);
    }
}

Test(lease, a_holder_that_cannot_write_stops_before_others_may_start)
{
    struct server s = {0};
    struct player p = {0};
    int64_t t = 0;
    lease_init(&p.l, "one");
    (void)play(&p, &s, t);
    s.down = true;
    while (lease_is_held(&p.l, t)) {
        (void)play(&p, &s, t);
        t += 100;
    }
    cr_assert_leq(t, LEASE_DEADLINE_MS + 100);
    cr_assert_lt(t, LEASE_DURATION_MS);
    cr_assert_eq(play(&p, &s, t), LEASE_LOST);
    s.down = false;
    (void)play(&p, &s, t + LEASE_RETRY_MS * 2);
    cr_assert(lease_is_held(&p.l, t + LEASE_RETRY_MS * 2), "nobody else was there");
}

Test(lease, a_released_lease_is_taken_at_once)
{
    struct server s = {0};
    struct player a = {0}, b = {0};
    lease_init(&a.l, "a");
    lease_init(&b.l, "b");
    (void)play(&a, &s, 0);
    (void)play(&b, &s, 100);
    cr_assert(server_write(&s, &a.l, true));
    cr_assert_str_eq(s.r.holder, "");
    cr_assert_eq(s.r.duration_ms, 1000);
    (void)play(&b, &s, 100 + LEASE_RETRY_MS * 2);
    cr_assert(lease_is_held(&b.l, 100 + LEASE_RETRY_MS * 2));
}

Test(lease, its_json_has_micro_times_and_the_version_it_is_based_on)
{
    struct lease_state l;
    ds_auto_buf body;
    lease_init(&l, "me");
    l.seen = (struct lease_record){.found = true,
                                   .holder = "other",
                                   .transitions = 4,
                                   .resource_version = "77",
                                   .acquired = "x",
                                   .renewed = "y"};
    buf_init(&body, 1 << 16);
    cr_assert_eq(lease_encode(&l, "ns", "n", 1795251234567890, false, &body, NULL), 0);
    cr_assert_str_eq(
        body.data,
        "{\"apiVersion\":\"coordination.k8s.io/"
        "v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"n\","
        "\"namespace\":\"ns\",\"resourceVersion\":\"77\"},\"spec\":{\"acquireTime\":"
        "\"2026-11-21T08:53:54.567890Z\",\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,"
        "\"leaseTransitions\":5,\"renewTime\":\"2026-11-21T08:53:54.567890Z\"}}");
}

Test(lease, nonsense_from_the_server_is_nobodys_lease)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"spec\":7}",
        "{\"spec\":{\"holderIdentity\":[],\"leaseDurationSeconds\":-4}}"};
    for (size_t i = 0; i < DS_COUNT(texts); i++) {
        ds_auto_json j = NULL;
        struct lease_record r;
        cr_assert_eq(json_parse(ds_span_of(texts[i]), 1000, &j, NULL), 0);
        lease_decode(j, &r);
        cr_assert_str_eq(r.holder, "");
        cr_assert_eq(r.duration_ms, 0);
    }
}
