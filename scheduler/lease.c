/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/lease.h"

#include "base/units.h"
#include "contract/json_fields.h"

#include <stdio.h>

void lease_init(struct lease_state *l, const char *me)
{
    memset(l, 0, sizeof *l);
    json_copy_text(l->me, sizeof l->me, ds_span_of(me));
}

bool lease_is_held(const struct lease_state *l, int64_t now_ms)
{
    return l->leading && now_ms < l->held_until_ms;
}

/* Nobody has it, we have it, or its holder has been silent for too long. */
static bool may_take(const struct lease_state *l, int64_t now_ms)
{
    const struct lease_record *r = &l->seen;
    return !r->found || r->holder[0] == '\0' || strcmp(r->holder, l->me) == 0
           || now_ms >= l->changed_ms + r->duration_ms;
}

enum lease_wish lease_next(struct lease_state *l, int64_t now_ms, int64_t *wake_ms)
{
    *wake_ms = l->next_ms;
    if (l->leading && now_ms >= l->held_until_ms) {
        l->leading = false;
        return LEASE_LOST;
    }
    if (l->leading && l->held_until_ms < *wake_ms)
        *wake_ms = l->held_until_ms;
    if (now_ms < l->next_ms)
        return LEASE_REST;
    if (l->known && (l->leading || (l->fresh && may_take(l, now_ms))))
        return LEASE_WRITE;
    return LEASE_LOOK;
}

static int64_t retry_ms(uint32_t random)
{
    return LEASE_RETRY_MS + (int64_t)(random % (LEASE_RETRY_MS / 5)); /* client-go: up to 1.2 */
}

static void remember(struct lease_state *l, const struct lease_record *r, int64_t now_ms)
{
    bool same = l->known && l->seen.found == r->found && strcmp(l->seen.holder, r->holder) == 0
                && strcmp(l->seen.renewed, r->renewed) == 0
                && strcmp(l->seen.resource_version, r->resource_version) == 0;
    if (!same)
        l->changed_ms = now_ms;
    l->seen = *r;
    l->known = true;
}

void lease_looked(struct lease_state *l, const struct lease_record *r, int64_t now_ms,
                  uint32_t random)
{
    l->next_ms = now_ms + retry_ms(random);
    if (!r)
        return;
    remember(l, r, now_ms);
    if (may_take(l, now_ms)) {
        l->fresh = true;
        l->next_ms = now_ms; /* a write follows at once */
    } else if (l->leading) {
        l->held_until_ms = now_ms; /* another one holds it: lease_next says lost */
    }
}

void lease_wrote(struct lease_state *l, const struct lease_record *r, int64_t started_ms,
                 int64_t now_ms, uint32_t random)
{
    l->fresh = false;
    l->next_ms = now_ms + retry_ms(random);
    if (!r && now_ms - started_ms >= LEASE_RETRY_MS)
        l->next_ms = now_ms; /* it has waited long enough for no answer */
    if (!r) {
        l->known = false; /* look before the next write; the old record is not ours to trust */
        return;
    }
    remember(l, r, now_ms);
    l->leading = strcmp(r->holder, l->me) == 0;
    l->held_until_ms = started_ms + LEASE_DEADLINE_MS;
    l->next_ms = started_ms + LEASE_RETRY_MS;
}

static void take_text(const struct json *object, const char *key, char *out, size_t room)
{
    struct ds_span text = {"", 0};
    (void)json_text(json_get(object, key), &text);
    json_copy_text(out, room, text);
}

void lease_decode(const struct json *lease, struct lease_record *out)
{
    const struct json *spec = json_get(lease, "spec");
    uint64_t n = 0;
    memset(out, 0, sizeof *out);
    out->found = true;
    take_text(spec, "holderIdentity", out->holder, sizeof out->holder);
    take_text(spec, "acquireTime", out->acquired, sizeof out->acquired);
    take_text(spec, "renewTime", out->renewed, sizeof out->renewed);
    take_text(json_get(lease, "metadata"), "resourceVersion", out->resource_version,
              sizeof out->resource_version);
    if (json_u64(json_get(spec, "leaseDurationSeconds"), 86400, &n))
        out->duration_ms = (int64_t)n * 1000;
    if (json_u64(json_get(spec, "leaseTransitions"), INT32_MAX, &n))
        out->transitions = n;
}

static void format_micro_time(int64_t now_us, char out[LEASE_TIME_BYTES])
{
    char date[24];
    units_format_date(now_us / 1000000, date);
    (void)snprintf(out, LEASE_TIME_BYTES, "%.19s.%06dZ", date, (int)(now_us % 1000000));
}

int lease_encode(const struct lease_state *l, const char *namespace_, const char *name,
                 int64_t now_us, bool release, struct ds_buf *out, struct ds_err *err)
{
    const struct lease_record *seen = &l->seen;
    bool ours = seen->found && strcmp(seen->holder, l->me) == 0;
    char now[LEASE_TIME_BYTES];
    struct json_writer w;
    format_micro_time(now_us, now);
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", "coordination.k8s.io/v1");
    jw_kv_cstr(&w, "kind", "Lease");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_cstr(&w, "name", name);
    jw_kv_cstr(&w, "namespace", namespace_);
    if (seen->found)
        jw_kv_cstr(&w, "resourceVersion", seen->resource_version);
    jw_end_object(&w);
    jw_key(&w, "spec");
    jw_object(&w);
    jw_kv_cstr(&w, "acquireTime", ours && seen->acquired[0] ? seen->acquired : now);
    jw_kv_cstr(&w, "holderIdentity", release ? "" : l->me);
    jw_kv_u64(&w, "leaseDurationSeconds", release ? 1 : LEASE_DURATION_MS / 1000);
    jw_kv_u64(&w, "leaseTransitions", seen->transitions + (seen->found && !ours ? 1 : 0));
    jw_kv_cstr(&w, "renewTime", now);
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_check(out, "lease", err);
}
