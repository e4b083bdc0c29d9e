/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology_text.c - a machine for people, and as JSON */
#include "agent/topology.h"
#include "base/json.h"
#include "base/units.h"

#include <assert.h>

/* Cores [from, end) that share package, node and L3. */
static size_t domain_end(const struct topology *t, size_t from)
{
    const struct topo_core *a = &t->cores[from];
    size_t end = from + 1;
    while (end < t->n_cores && t->cores[end].package == a->package && t->cores[end].numa == a->numa
           && t->cores[end].l3 == a->l3)
        end++;
    return end;
}

static void collect_pus(const struct topology *t, size_t from, size_t end, struct cpuset *out)
{
    cpuset_clear(out);
    for (size_t i = from; i < end; i++) {
        for (unsigned k = 0; k < t->cores[i].n_pus; k++)
            cpuset_add(out, t->cores[i].pus[k]);
    }
}

static void subtract(struct cpuset *s, const struct cpuset *what)
{
    for (size_t i = 0; i < DS_COUNT(s->word); i++)
        s->word[i] &= ~what->word[i];
}

static void put_size(struct ds_buf *out, uint64_t bytes)
{
    char text[UNITS_TEXT_BYTES];
    units_format_size(bytes, text);
    buf_put_text(out, bytes ? text : "memory unknown");
}

static void put_slots(const struct slots *slots, struct cpuset left, struct ds_buf *out)
{
    char list[CPUSET_TEXT_BYTES];
    for (uint32_t i = 0; slots && i < slots->n_max; i++) {
        struct cpuset here = left;
        cpuset_and(&here, &slots->at[i].cpus);
        if (cpuset_first(&here) < 0)
            continue;
        cpuset_format(&here, list);
        bool whole = cpuset_eq(&here, &slots->at[i].cpus);
        buf_printf(out, "      slot %-4u CPUs %s%s%s\n", i, list, whole ? "" : " (a part of it)",
                   i < slots->n ? "" : ", used when memory allows");
        subtract(&left, &here);
    }
    if (cpuset_first(&left) < 0)
        return;
    cpuset_format(&left, list);
    buf_printf(out, "      %-9s CPUs %s\n", slots ? "idle" : "", list);
}

static void put_kinds(const struct topology *t, size_t from, size_t end, struct ds_buf *out)
{
    unsigned slow = 0;
    for (size_t i = from; i < end; i++)
        slow += t->cores[i].kind > 0;
    if (slow > 0)
        buf_printf(out, ", %u of them slower", slow);
}

static void put_domain(const struct topology *t, size_t from, size_t end, const struct slots *slots,
                       struct ds_buf *out)
{
    const struct topo_core *c = &t->cores[from];
    const struct topo_core *before = from > 0 ? c - 1 : NULL;
    struct cpuset pus;
    collect_pus(t, from, end, &pus);
    if (!before || before->package != c->package)
        buf_printf(out, "package %u\n", c->package);
    if ((!before || before->package != c->package || before->numa != c->numa)
        && c->numa < t->n_numa) {
        buf_printf(out, "  NUMA node %u, ", t->numa[c->numa].os_index);
        put_size(out, t->numa[c->numa].mem_bytes);
        buf_put_char(out, '\n');
    }
    buf_printf(out, "    L3 %u: %zu core%s, %u hardware thread%s", c->l3, end - from,
               end - from == 1 ? "" : "s", cpuset_count(&pus), cpuset_count(&pus) == 1 ? "" : "s");
    put_kinds(t, from, end, out);
    buf_put_char(out, '\n');
    put_slots(slots, pus, out);
}

static void plural(struct ds_buf *out, size_t n, const char *what)
{
    buf_printf(out, ", %zu %s%s", n, what, n == 1 ? "" : "s");
}

void topology_describe(const struct topology *topo, const struct slots *slots, struct ds_buf *out)
{
    buf_printf(out, "%zu core%s", topo->n_cores, topo->n_cores == 1 ? "" : "s");
    plural(out, topo->n_pus, "hardware thread");
    plural(out, topo->n_packages, "package");
    plural(out, topo->n_numa, "NUMA node");
    plural(out, topo->n_l3, "L3 cache");
    buf_printf(out, "\nCPUs:   %.*s\nmemory: ", DS_FMT(topo->cpu_why));
    put_size(out, topo->mem_bytes);
    if (topo->mem_bytes > 0)
        buf_printf(out, " (%.*s)", DS_FMT(topo->mem_why));
    if (topo->mem_available_bytes > 0) {
        buf_put_text(out, ", of which now free ");
        put_size(out, topo->mem_available_bytes);
    }
    buf_put_char(out, '\n');
    for (size_t i = 0; i < topo->n_cores;) {
        size_t end = domain_end(topo, i);
        put_domain(topo, i, end, slots, out);
        i = end;
    }
}

/* ---- JSON ---- */

static void json_cores(const struct topology *t, struct json_writer *w)
{
    jw_key(w, "cores");
    jw_array(w);
    for (size_t i = 0; i < t->n_cores; i++) {
        const struct topo_core *c = &t->cores[i];
        jw_object(w);
        jw_key(w, "cpus");
        jw_array(w);
        for (unsigned k = 0; k < c->n_pus; k++)
            jw_u64(w, c->pus[k]);
        jw_end_array(w);
        jw_kv_u64(w, "kind", c->kind);
        jw_kv_u64(w, "l3", c->l3);
        jw_kv_u64(w, "numa", c->numa < t->n_numa ? t->numa[c->numa].os_index : 0);
        jw_kv_u64(w, "package", c->package);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void json_numa(const struct topology *t, struct json_writer *w)
{
    jw_key(w, "numa");
    jw_array(w);
    for (size_t i = 0; i < t->n_numa; i++) {
        jw_object(w);
        jw_kv_u64(w, "mem_bytes", t->numa[i].mem_bytes);
        jw_kv_u64(w, "number", t->numa[i].os_index);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void json_slots(const struct slots *s, struct json_writer *w)
{
    ds_auto_buf why;
    buf_init(&why, 4096);
    slots_why(s, &why);
    jw_key(w, "slots");
    jw_object(w);
    jw_key(w, "at");
    jw_array(w);
    for (uint32_t i = 0; i < s->n_max; i++) {
        char list[CPUSET_TEXT_BYTES];
        jw_object(w);
        cpuset_format(&s->at[i].cpus, list);
        jw_kv_cstr(w, "cpus", list);
        jw_kv_u64(w, "node_mem_bytes", s->at[i].node_mem_bytes);
        cpuset_format(&s->at[i].nodes, list);
        jw_kv_cstr(w, "nodes", list);
        jw_kv_text(w, "why", s->at[i].why);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_kv_u64(w, "at_once", s->n);
    jw_kv_u64(w, "cores_per_case", s->cores);
    jw_kv_u64(w, "mem_bytes", s->mem_bytes);
    jw_kv_u64(w, "need_bytes", s->need_bytes);
    jw_kv_u64(w, "share_bytes", s->share_bytes);
    jw_kv_text(w, "why", buf_span(&why));
    jw_end_object(w);
}

void topology_describe_json(const struct topology *topo, const struct slots *slots,
                            struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    json_cores(topo, &w);
    jw_kv_double(&w, "cpu_quota", topo->cpu_quota);
    jw_kv_text(&w, "cpu_why", topo->cpu_why);
    jw_kv_u64(&w, "l3_caches", topo->n_l3);
    jw_kv_u64(&w, "mem_available_bytes", topo->mem_available_bytes);
    jw_kv_u64(&w, "mem_bytes", topo->mem_bytes);
    jw_kv_text(&w, "mem_why", topo->mem_why);
    json_numa(topo, &w);
    jw_kv_u64(&w, "packages", topo->n_packages);
    jw_kv_u64(&w, "threads", topo->n_pus);
    if (slots)
        json_slots(slots, &w);
    jw_end_object(&w);
    buf_put_char(out, '\n');
}
