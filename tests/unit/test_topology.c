/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/topology.h"
#include "agent/topology_io.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ds_arena *a;

static void set_up(void)
{
    a = arena_create(64u << 20);
}
static void tear_down(void)
{
    arena_destroy(a);
}

TestSuite(topology, .init = set_up, .fini = tear_down, .timeout = 60);

static struct topology load(const char *file)
{
    char path[512];
    struct topology t;
    struct ds_err err;
    snprintf(path, sizeof(path), "tests/data/topologies/%s", file);
    cr_assert(topology_from_xml(path, a, &t, &err) == 0, "%s", err.text);
    return t;
}

static void check_sane(const char *name, const struct topology *t)
{
    struct cpuset seen = {0};
    unsigned pus = 0;
    for (size_t i = 0; i < t->n_cores; i++) {
        const struct topo_core *c = &t->cores[i];
        cr_expect(c->n_pus >= 1 && c->numa < t->n_numa && c->l3 < t->n_l3, "%s: core %zu", name, i);
        cr_expect(c->package < t->n_packages, "%s: core %zu", name, i);
        for (unsigned k = 0; k < c->n_pus; k++) {
            cr_expect(!cpuset_has(&seen, c->pus[k]), "%s: PU %u twice", name, c->pus[k]);
            cr_expect(k == 0 || c->pus[k] > c->pus[k - 1], "%s: PUs not ascending", name);
            cpuset_add(&seen, c->pus[k]);
            pus++;
        }
    }
    cr_expect(pus == t->n_pus, "%s: %u PUs", name, pus);
}

/* expected.csv counts all objects of the files, with another program. */
Test(topology, agrees_with_independent_counts_of_every_file)
{
    char line[512];
    FILE *f = fopen("tests/data/topologies/expected.csv", "re");
    cr_assert(f && fgets(line, sizeof(line), f));
    size_t n_files = 0;
    while (fgets(line, sizeof(line), f)) {
        char name[128];
        unsigned packages, numa, lone, l3, cores, pus, allowed, numa_allowed, kinds;
        unsigned long long mem, mem_allowed;
        cr_assert(sscanf(line, "%127[^,],%u,%u,%u,%u,%u,%u,%u,%u,%llu,%llu,%u", name, &packages,
                         &numa, &lone, &l3, &cores, &pus, &allowed, &numa_allowed, &mem,
                         &mem_allowed, &kinds)
                  == 12);
        struct topology t = load(name);
        check_sane(name, &t);
        cr_expect(t.n_pus == allowed, "%s: %u PUs, not %u", name, t.n_pus, allowed);
        if (allowed == pus) {
            cr_expect(t.n_cores == cores, "%s: %zu cores, not %u", name, t.n_cores, cores);
            cr_expect(t.n_packages == packages, "%s: %u packages", name, t.n_packages);
            cr_expect(t.n_l3 == (l3 ? l3 : packages), "%s: %u L3", name, t.n_l3);
        }
        if (strncmp(name, "knl", 3) != 0) {
            cr_expect(t.n_numa == numa_allowed, "%s: %zu nodes", name, t.n_numa);
            cr_expect(t.mem_bytes == mem_allowed, "%s: %llu bytes", name,
                      (unsigned long long)t.mem_bytes);
        }
        n_files++;
    }
    fclose(f);
    cr_expect(n_files == 18, "%zu files", n_files);
}

Test(topology, does_not_count_fast_memory_as_ordinary)
{
    struct topology t = load("knl-snc4-hybrid.xml");
    cr_expect(t.n_numa == 4 && t.mem_bytes == UINT64_C(4) << 30, "%zu nodes, %llu", t.n_numa,
              (unsigned long long)t.mem_bytes);
    for (size_t i = 0; i < t.n_numa; i++)
        cr_expect(t.numa[i].os_index < 4);
}

Test(topology, puts_fast_cores_first_in_kind)
{
    struct topology t = load("hybrid-i7-1370p.xml");
    for (size_t i = 0; i < t.n_cores; i++)
        cr_expect(t.cores[i].kind == (t.cores[i].pus[0] < 12 ? 0u : 1u), "core %zu", i);
}

Test(topology, refuses_format_3_clearly_and_other_files_too)
{
    char path[] = "/tmp/decksweep-topology-XXXXXX";
    struct topology t;
    struct ds_err err;
    static const struct {
        const char *text, *says;
        enum ds_code code;
    } row[] = {
        {"<?xml version=\"1.0\"?>\n<topology version=\"3.0\">\n</topology>\n", "format 3",
         DS_EUNSUPPORTED},
        {"<?xml version=\"1.0\"?>\n<topology version=\"999999999999\">\n", "format",
         DS_EUNSUPPORTED},
        {"not xml", "no topology", DS_EPARSE},
        {"<?xml version=\"1.0\"?>\n<topology version=\"2.0\">\n", "no topology", DS_EPARSE},
    };
    int fd = mkstemp(path);
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        cr_assert(ftruncate(fd, 0) == 0);
        cr_assert(pwrite(fd, row[i].text, strlen(row[i].text), 0) > 0);
        cr_expect(topology_from_xml(path, a, &t, &err) == (int)row[i].code, "%s", row[i].text);
        cr_expect(strstr(err.text, row[i].says) != NULL, "%s", err.text);
    }
    close(fd);
    unlink(path);
    cr_expect(topology_from_xml("/nowhere.xml", a, &t, &err) == DS_ENOTFOUND);
    cr_expect(topology_from_synthetic("pack:2 nonsense:", a, &t, &err) == DS_EPARSE);
}

Test(topology, detects_this_machine_within_its_affinity_mask)
{
    struct topology t;
    struct ds_err err;
    cr_assert(topology_detect(a, &t, &err) == 0, "%s", err.text);
    check_sane("here", &t);
    cr_expect(t.mem_bytes > 0 && t.mem_available_bytes > 0);
    cr_expect(t.n_pus <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
}

Test(topology, applies_the_least_of_all_limits_and_says_which)
{
    struct topology whole = load("xeon-2s-16c-smt.xml");
    struct topology t;
    struct ds_err err;
    static const struct {
        const char *affinity, *cpus, *mems;
        double quota;
        uint64_t mem_mib;
        unsigned cores, pus, numa;
        const char *cpu_why, *mem_why;
    } row[] = {
        {"", "", "", 0, 0, 16, 32, 2, "machine", "machine"},
        {"0-3", "", "", 0, 0, 4, 4, 2, "affinity mask 0-3", "machine"},
        {"", "0-7,16-23", "0", 0, 0, 8, 16, 1, "CPUS 0-7,16-23", "NUMA nodes allowed"},
        {"4-11", "0-7", "", 1.5, 1024, 4, 4, 2, "QUOTA 1.5 CPUs", "MEM"},
        {"0-31", "", "", 0, 1 << 20, 16, 32, 2, "machine", "machine"},
    };
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct topology_limits l = {.quota_why = DS_SPAN("QUOTA"),
                                    .mem_why = DS_SPAN("MEM"),
                                    .cpus_why = DS_SPAN("CPUS"),
                                    .cpu_quota = row[i].quota,
                                    .mem_bytes = row[i].mem_mib << 20,
                                    .has_affinity = *row[i].affinity != 0,
                                    .has_cpus = *row[i].cpus != 0,
                                    .has_mems = *row[i].mems != 0};
        cr_assert(cpuset_parse(ds_span_of(row[i].affinity), &l.affinity, NULL) == 0);
        cr_assert(cpuset_parse(ds_span_of(row[i].cpus), &l.cpus, NULL) == 0);
        cr_assert(cpuset_parse(ds_span_of(row[i].mems), &l.mems, NULL) == 0);
        cr_assert(topology_apply(&whole, &l, a, &t, &err) == 0, "%s", err.text);
        check_sane("limited", &t);
        cr_expect(t.n_cores == row[i].cores && t.n_pus == row[i].pus && t.n_numa == row[i].numa,
                  "row %zu: %zu cores, %u PUs, %zu nodes", i, t.n_cores, t.n_pus, t.n_numa);
        cr_expect(strstr(t.cpu_why.ptr, row[i].cpu_why) != NULL, "row %zu: %s", i, t.cpu_why.ptr);
        cr_expect(strstr(t.mem_why.ptr, row[i].mem_why) != NULL, "row %zu: %s", i, t.mem_why.ptr);
    }
    struct topology_limits none = {.has_affinity = true};
    cr_expect(topology_apply(&whole, &none, a, &t, &err) == DS_ENOFIT);
}

Test(topology, is_described_in_text_and_json)
{
    struct topology t = load("laptop-i7-m620.xml");
    struct slots s;
    struct ds_err err;
    struct slots_request want = {.cores = 1, .mem_bytes = UINT64_C(3) << 30};
    ds_auto_buf text;
    ds_auto_buf json;
    buf_init(&text, 1 << 20);
    buf_init(&json, 1 << 20);
    cr_assert(slots_plan(&t, &want, a, &s, &err) == 0, "%s", err.text);
    topology_describe(&t, &s, &text);
    topology_describe_json(&t, &s, &json);
    cr_expect(
        strstr(text.data, "2 cores, 4 hardware threads, 1 package, 1 NUMA node, 1 L3 cache\n"),
        "%s", text.data);
    cr_expect(strstr(text.data, "slot 0    CPUs 0,2\n"), "%s", text.data);
    cr_expect(strstr(text.data, "slot 1    CPUs 1,3, used when memory allows\n"), "%s", text.data);
    cr_expect(strstr(json.data, "\"at_once\":1,\"cores_per_case\":1"), "%s", json.data);
}
