/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/slots.h"
#include "agent/topology_io.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct ds_arena *a;

static void set_up(void)
{
    a = arena_create(256u << 20);
}
static void tear_down(void)
{
    arena_destroy(a);
}

TestSuite(slots, .init = set_up, .fini = tear_down, .timeout = 120);

static const char *const SYNTHETIC[] = {
    "pack:1 core:2 pu:1",
    "pack:1 core:4 pu:2",
    "pack:4 l3:1 core:1 pu:1",
    "numa:1(memory=8589934592) pack:2 l3:1 core:6 pu:1",
    "pack:2 [numa(memory=34359738368)] l3:4 core:3 pu:2",
    "pack:2 group:2 [numa(memory=17179869184)] l3:1 core:5 pu:4",
    "pack:1 l3:1 core:1 pu:1",
};

static struct topology synthetic(const char *text)
{
    struct topology t;
    struct ds_err err;
    cr_assert(topology_from_synthetic(text, a, &t, &err) == 0, "%s", err.text);
    return t;
}

static struct topology from_file(const char *name)
{
    char path[600];
    struct topology t;
    struct ds_err err;
    snprintf(path, sizeof(path), "tests/data/topologies/%s", name);
    cr_assert(topology_from_xml(path, a, &t, &err) == 0, "%s", err.text);
    return t;
}

static const struct slots_request REQUESTS[] = {
    {.cores = 1},
    {.cores = 1, .mem_bytes = UINT64_C(3) << 30},
    {.cores = 2},
    {.cores = 3, .mem_bytes = UINT64_C(1) << 30},
    {.cores = 4},
    {.cores = 8, .mem_bytes = UINT64_C(20) << 30},
    {.cores = 12},
    {.cores = 1, .use_smt = true},
    {.cores = 2, .use_smt = true},
    {.cores = 2, .want = 3},
    {.cores = 1, .cores_limit = 2},
    {.cores = 1, .mem_limit_bytes = UINT64_C(2) << 30, .mem_bytes = UINT64_C(700) << 20},
};

static const struct topo_core *core_of_pu(const struct topology *t, unsigned pu)
{
    for (size_t i = 0; i < t->n_cores; i++) {
        for (unsigned k = 0; k < t->cores[i].n_pus; k++) {
            if (t->cores[i].pus[k] == pu)
                return &t->cores[i];
        }
    }
    return NULL;
}

/* Cores (threads with SMT) of the largest L3 inside a node, and of the largest node. */
static unsigned largest(const struct topology *t, bool by_l3)
{
    unsigned best = 0;
    for (size_t i = 0; i < t->n_cores; i++) {
        unsigned n = 0;
        for (size_t k = 0; k < t->n_cores; k++) {
            n += t->cores[k].numa == t->cores[i].numa
                 && (!by_l3
                     || (t->cores[k].l3 == t->cores[i].l3
                         && t->cores[k].package == t->cores[i].package));
        }
        best = n > best ? n : best;
    }
    return best;
}

static void check_slot(const char *name, const struct topology *t, const struct slots_request *q,
                       const struct slot *s, struct cpuset *used)
{
    unsigned n_numa = 0, n_l3 = 0, n_cores = 0;
    unsigned numa[CPUSET_MAX_PUS], l3[CPUSET_MAX_PUS];
    const struct topo_core *cores[CPUSET_MAX_PUS];
    cr_expect(!cpuset_intersects(&s->cpus, used), "%s: slots overlap", name);
    for (int pu = cpuset_first(&s->cpus); pu >= 0; pu = cpuset_next(&s->cpus, pu)) {
        const struct topo_core *c = core_of_pu(t, (unsigned)pu);
        cr_assert(c != NULL, "%s: PU %d is not allowed", name, pu);
        unsigned i = 0;
        for (i = 0; i < n_numa && numa[i] != c->numa; i++)
            ;
        if (i == n_numa)
            numa[n_numa++] = c->numa;
        for (i = 0; i < n_l3 && l3[i] != c->l3; i++)
            ;
        if (i == n_l3)
            l3[n_l3++] = c->l3;
        for (i = 0; i < n_cores && cores[i] != c; i++)
            ;
        if (i == n_cores)
            cores[n_cores++] = c;
    }
    cpuset_or(used, &s->cpus);
    if (q->cores <= t->n_cores)
        cr_expect(n_cores == q->cores, "%s: %u cores in a slot of %u", name, n_cores, q->cores);
    else
        cr_expect(cpuset_count(&s->cpus) == q->cores, "%s: not so many threads", name);
    cr_expect(s->n_l3 == n_l3 && s->n_numa == n_numa, "%s: miscounted", name);
    if (q->cores <= largest(t, true))
        cr_expect(n_l3 == 1 && n_numa == 1, "%s: straddles %u L3, %u nodes", name, n_l3, n_numa);
    if (q->cores <= largest(t, false))
        cr_expect(n_numa == 1, "%s: straddles %u nodes", name, n_numa);
    cr_expect(s->why.len > 0);
}

static void check_plan(const char *name, const struct topology *t, const struct slots_request *q,
                       const struct slots *s)
{
    struct cpuset used = {0};
    for (uint32_t i = 0; i < s->n_max; i++)
        check_slot(name, t, q, &s->at[i], &used);
    cr_expect(s->n >= 1 && s->n <= s->n_max, "%s", name);
    if (q->mem_bytes > 0 && s->mem_bytes > 0) {
        cr_expect(s->n * q->mem_bytes <= s->mem_bytes, "%s: %u slots of more memory than there is",
                  name, s->n);
        cr_expect(s->share_bytes >= q->mem_bytes, "%s", name);
    }
    if (q->cores_limit)
        cr_expect(s->n_max * q->cores <= q->cores_limit, "%s", name);
    if (q->want)
        cr_expect(s->n_max <= q->want, "%s", name);
    if (t->cpu_quota > 0)
        cr_expect(s->n_max * q->cores <= (t->cpu_quota < 1 ? 1 : (unsigned)t->cpu_quota));
}

static void describe(const char *name, const struct topology *t, struct ds_buf *out)
{
    buf_printf(out, "# %s: %zu cores, %u threads, %u packages, %zu nodes, %u L3\n", name,
               t->n_cores, t->n_pus, t->n_packages, t->n_numa, t->n_l3);
    for (size_t i = 0; i < DS_COUNT(REQUESTS); i++) {
        const struct slots_request *q = &REQUESTS[i];
        struct slots s;
        struct ds_err err;
        buf_printf(out, "\ncores %u, mem %llu MiB%s, want %u, --cores %u, --memory %llu MiB\n",
                   q->cores, (unsigned long long)q->mem_bytes >> 20, q->use_smt ? ", smt" : "",
                   q->want, q->cores_limit, (unsigned long long)q->mem_limit_bytes >> 20);
        if (slots_plan(t, q, a, &s, &err) < 0) {
            buf_printf(out, "refused: %s\n", err.text);
            continue;
        }
        check_plan(name, t, q, &s);
        buf_printf(out, "%u of %u slots, share %llu MiB: ", s.n, s.n_max,
                   (unsigned long long)s.share_bytes >> 20);
        slots_why(&s, out);
        buf_put_char(out, '\n');
        ds_auto_buf rest; /* of large machines: as a digest */
        buf_init(&rest, 1 << 20);
        for (uint32_t k = 0; k < s.n_max; k++) {
            struct ds_buf *to = k < 20 ? out : &rest;
            char list[CPUSET_TEXT_BYTES];
            cpuset_format(&s.at[k].cpus, list);
            buf_printf(to, "%u: %s; %.*s\n", k, list, DS_FMT(s.at[k].why));
        }
        if (rest.len > 0) {
            char hex[65];
            sha256_of(rest.data, rest.len, hex);
            buf_printf(out, "and %u more, SHA-256 %s\n", s.n_max - 20, hex);
        }
    }
}

static void compare(const char *name, const struct ds_buf *got)
{
    char path[600];
    snprintf(path, sizeof(path), "tests/golden/slots/%s.txt", name);
    if (getenv("BLESS")) {
        FILE *f = fopen(path, "we");
        cr_assert(f && fwrite(got->data, 1, got->len, f) == got->len && fclose(f) == 0);
        return;
    }
    FILE *f = fopen(path, "re");
    cr_assert(f != NULL, "%s is missing: BLESS=1 writes it", path);
    char *want = malloc(1 << 22);
    size_t n = fread(want, 1, 1 << 22, f);
    fclose(f);
    cr_expect(n == got->len && memcmp(want, got->data, n) == 0,
              "%s differs; look at it with BLESS=1 and git diff", path);
    free(want);
}

Test(slots, of_every_known_machine_are_as_they_were)
{
    struct dirent **list = NULL;
    int n = scandir("tests/data/topologies", &list, NULL, alphasort);
    int seen = 0;
    for (int i = 0; i < n; i++) {
        char *dot = strstr(list[i]->d_name, ".xml");
        if (dot) {
            struct topology t = from_file(list[i]->d_name);
            ds_auto_buf out;
            buf_init(&out, 1 << 22);
            *dot = '\0';
            describe(list[i]->d_name, &t, &out);
            compare(list[i]->d_name, &out);
            arena_reset(a);
            seen++;
        }
        free(list[i]);
    }
    free(list);
    cr_expect(seen == 18, "%d files", seen);
}

Test(slots, of_synthetic_machines_are_as_they_were)
{
    ds_auto_buf out;
    buf_init(&out, 1 << 22);
    for (size_t i = 0; i < DS_COUNT(SYNTHETIC); i++) {
        struct topology t = synthetic(SYNTHETIC[i]);
        describe(SYNTHETIC[i], &t, &out);
        buf_put_char(&out, '\n');
    }
    compare("synthetic", &out);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Random machines, as plain numbers, with holes, hybrids and unequal threads. */
static struct topology random_machine(uint32_t *rng)
{
    struct topo_core *cores = ds_new(a, struct topo_core, 256);
    struct topo_numa *numa = ds_new(a, struct topo_numa, 16);
    struct topology t = {.cores = cores, .numa = numa};
    unsigned packages = 1 + next_random(rng) % 3;
    unsigned nodes = 1 + next_random(rng) % 3;
    unsigned caches = 1 + next_random(rng) % 3;
    unsigned pu = 0;
    bool known = next_random(rng) % 4 > 0;
    for (unsigned p = 0; p < packages; p++) {
        for (unsigned m = 0; m < nodes; m++) {
            numa[t.n_numa] = (struct topo_numa){.os_index = (unsigned)t.n_numa * 2,
                                                .mem_bytes = known ? UINT64_C(8) << 30 : 0};
            for (unsigned l = 0; l < caches; l++) {
                unsigned n = 1 + next_random(rng) % 7;
                for (unsigned c = 0; c < n; c++) {
                    unsigned n_pus = 1 + next_random(rng) % 3;
                    unsigned *pus = ds_new(a, unsigned, n_pus);
                    for (unsigned k = 0; k < n_pus; k++) {
                        pu += 1 + next_random(rng) % 3;
                        pus[k] = pu;
                    }
                    cores[t.n_cores++] = (struct topo_core){.pus = pus,
                                                            .n_pus = n_pus,
                                                            .numa = (unsigned)t.n_numa,
                                                            .l3 = t.n_l3,
                                                            .package = p,
                                                            .kind = c > 3};
                    t.n_pus += n_pus;
                }
                t.n_l3++;
            }
            t.n_numa++;
        }
    }
    t.n_packages = packages;
    t.mem_bytes = known ? t.n_numa * (UINT64_C(8) << 30) : 0;
    t.cpu_quota = next_random(rng) % 4 == 0 ? 0.3 + next_random(rng) % 200 / 10.0 : 0;
    t.cpu_why = t.mem_why = DS_SPAN("machine");
    return t;
}

Test(slots, of_random_machines_are_disjoint_aligned_and_within_memory)
{
    uint32_t rng = 12345;
    unsigned planned = 0;
    for (int i = 0; i < 3000; i++) {
        struct slots s;
        struct ds_err err;
        arena_reset(a);
        struct topology t = random_machine(&rng);
        struct slots_request q = {.cores = 1 + next_random(&rng) % 12,
                                  .mem_bytes = (uint64_t)(next_random(&rng) % 8) << 29,
                                  .want = next_random(&rng) % 3 ? 0 : 1 + next_random(&rng) % 9,
                                  .use_smt = next_random(&rng) % 2,
                                  .cores_limit =
                                      next_random(&rng) % 3 ? 0 : 1 + next_random(&rng) % 20};
        int rc = slots_plan(&t, &q, a, &s, &err);
        if (rc == 0) {
            check_plan("random", &t, &q, &s);
            planned++;
        } else {
            cr_expect(rc == DS_ENOFIT || rc == DS_EINPUT, "%s", err.text);
        }
    }
    cr_expect(planned > 1500, "%u", planned);
}

Test(slots, are_spread_first_and_take_hardware_threads_last)
{
    struct slots s;
    struct ds_err err;
    struct topology t = synthetic("pack:2 l3:2 core:2 pu:2");
    struct slots_request q = {.cores = 1, .use_smt = true};
    cr_assert(slots_plan(&t, &q, a, &s, &err) == 0, "%s", err.text);
    static const unsigned want[] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
    cr_assert(s.n_max == 16);
    for (uint32_t i = 0; i < 16; i++)
        cr_expect(cpuset_first(&s.at[i].cpus) == (int)want[i] && cpuset_count(&s.at[i].cpus) == 1,
                  "slot %u is %d", i, cpuset_first(&s.at[i].cpus));
    q.use_smt = false;
    cr_assert(slots_plan(&t, &q, a, &s, &err) == 0);
    cr_expect(s.n_max == 8 && cpuset_count(&s.at[0].cpus) == 2);
}

Test(slots, use_fast_cores_of_a_hybrid_first_and_mix_last)
{
    struct slots s;
    struct ds_err err;
    struct topology t = from_file("hybrid-i7-1370p.xml");
    struct slots_request q = {.cores = 4};
    cr_assert(slots_plan(&t, &q, a, &s, &err) == 0);
    cr_assert(s.n_max == 3);
    cr_expect(strstr(s.at[0].why.ptr, "fast") && strstr(s.at[1].why.ptr, "slow"));
    q.cores = 7;
    cr_assert(slots_plan(&t, &q, a, &s, &err) == 0);
    cr_expect(s.n_max == 2 && strstr(s.at[1].why.ptr, "mixed"), "%s", s.at[1].why.ptr);
}

Test(slots, refuse_what_is_not_there_with_the_numbers)
{
    struct slots s;
    struct ds_err err;
    struct topology t = synthetic("numa:1(memory=8589934592) pack:1 core:4 pu:2");
    static const struct {
        struct slots_request q;
        int code;
        const char *says;
    } row[] = {
        {{.cores = 1, .cores_limit = 9}, DS_EINPUT, "--cores 9: there are 4 cores with 8 hardware"},
        {{.cores = 5}, DS_ENOFIT, "needs 5 cores (ranks x threads), 4 may"},
        {{.cores = 2, .cores_limit = 1}, DS_ENOFIT, "needs 2 cores (ranks x threads), 1 may"},
        {{.cores = 1, .mem_bytes = UINT64_C(9) << 30}, DS_ENOFIT, "a case needs 9"},
        {{.cores = 1, .mem_limit_bytes = UINT64_C(9) << 30}, DS_EINPUT, "--memory 9"},
        {{.cores = 1, .mem_limit_bytes = UINT64_C(1) << 30, .mem_bytes = UINT64_C(2) << 30},
         DS_ENOFIT,
         "--memory"},
    };
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        int rc = slots_plan(&t, &row[i].q, a, &s, &err);
        cr_expect(rc == row[i].code && strstr(err.text, row[i].says), "row %zu: %d %s", i, rc,
                  err.text);
    }
    struct slots_request threads = {.cores = 1, .cores_limit = 6};
    cr_assert(slots_plan(&t, &threads, a, &s, &err) == 0);
    cr_expect(s.n_max == 6, "--cores above the cores takes hardware threads");
}

Test(slots, respect_a_quota_that_is_smaller_than_the_cores)
{
    struct slots s;
    struct ds_err err;
    static const struct {
        double quota;
        uint32_t cores, n_max; /* 0: refused */
    } row[] = {{0.5, 1, 1}, {1.5, 1, 1}, {2.0, 1, 2}, {3.9, 2, 1}, {0.5, 2, 0}, {100, 1, 4}};
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct topology t = synthetic("pack:1 core:4 pu:1");
        struct slots_request q = {.cores = row[i].cores};
        t.cpu_quota = row[i].quota;
        int rc = slots_plan(&t, &q, a, &s, &err);
        cr_expect(row[i].n_max ? rc == 0 && s.n_max == row[i].n_max : rc == DS_ENOFIT, "row %zu",
                  i);
    }
}

Test(slots, admit_by_memory)
{
    const uint64_t G = UINT64_C(1) << 30;
    static const struct {
        const char *name;
        uint32_t n_max;
        uint64_t budget, ordinary; /* GiB */
        uint32_t running;
        uint64_t reserved, need;
        bool exact;
        enum slots_answer answer;
        uint64_t limit;
    } row[] = {
        {"a lone case gets its share", 4, 16, 2, 0, 0, 2, false, SLOTS_START, 4},
        {"the user's size is the limit", 4, 16, 2, 0, 0, 2, true, SLOTS_START, 2},
        {"what is left is enough", 4, 16, 2, 3, 13, 2, false, SLOTS_START, 3},
        {"what is left is too little", 4, 16, 2, 3, 15, 2, false, SLOTS_WAIT, 0},
        {"a bigger one waits", 4, 16, 2, 2, 8, 10, false, SLOTS_WAIT, 0},
        {"a bigger one starts alone", 4, 16, 2, 0, 0, 10, false, SLOTS_START, 10},
        {"too big for ever", 4, 16, 2, 0, 0, 17, false, SLOTS_NEVER, 0},
        {"all places taken", 4, 16, 2, 4, 8, 2, false, SLOTS_WAIT, 0},
        {"unknown memory has no limit", 4, 0, 0, 2, 0, 0, false, SLOTS_START, 0},
        {"unknown memory, known need", 4, 0, 0, 2, 5, 3, false, SLOTS_START, 3},
        {"unknown need takes a share", 4, 16, 0, 1, 4, 0, false, SLOTS_START, 4},
        {"unknown need waits for a share", 4, 16, 0, 1, 13, 0, false, SLOTS_WAIT, 0},
        {"reserved more than there is", 4, 16, 2, 1, 20, 1, false, SLOTS_WAIT, 0},
    };
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct slots s = {.n_max = row[i].n_max, .mem_bytes = row[i].budget * G};
        slots_resize(&s, row[i].ordinary * G);
        struct slots_admission got =
            slots_admit(&s, row[i].running, row[i].reserved * G, row[i].need * G, row[i].exact);
        cr_expect(got.answer == row[i].answer && got.limit_bytes == row[i].limit * G,
                  "%s: %d, %llu", row[i].name, got.answer,
                  (unsigned long long)got.limit_bytes >> 30);
    }
}

Test(slots, never_promise_more_memory_than_there_is)
{
    uint32_t rng = 99;
    for (int round = 0; round < 2000; round++) {
        struct slots s = {.n_max = 1 + next_random(&rng) % 8,
                          .mem_bytes = 1000 + next_random(&rng) % 9000};
        uint64_t reserved[8] = {0};
        uint64_t sum = 0;
        uint32_t running = 0;
        slots_resize(&s, next_random(&rng) % 3000);
        for (int i = 0; i < 50; i++) {
            if (running > 0 && next_random(&rng) % 3 == 0) {
                sum -= reserved[--running];
                continue;
            }
            if (next_random(&rng) % 5 == 0)
                slots_resize(&s, next_random(&rng) % 3000);
            uint64_t need = next_random(&rng) % 4000;
            bool exact = next_random(&rng) % 2;
            struct slots_admission got = slots_admit(&s, running, sum, need, exact);
            if (got.answer == SLOTS_START) {
                cr_assert(running < s.n_max && got.limit_bytes >= need);
                reserved[running++] = got.limit_bytes;
                sum += got.limit_bytes;
                cr_assert(sum <= s.mem_bytes, "%llu of %llu", (unsigned long long)sum,
                          (unsigned long long)s.mem_bytes);
            } else if (running == 0) {
                cr_assert(got.answer == SLOTS_NEVER && need > s.mem_bytes);
            }
        }
    }
}

Test(slots, learn_what_a_case_needs_from_peaks)
{
    struct slots s = {.n_max = 4, .mem_bytes = 1000};
    cr_expect(slots_need_from_peaks(&s, 500, 0, 0) == 500);
    cr_expect(slots_need_from_peaks(&s, 500, 100, 1) == 115);
    cr_expect(slots_need_from_peaks(&s, 500, 600, 2) == 690);
    cr_expect(slots_need_from_peaks(&s, 500, 900, 2) == 1000, "fits only just");
    cr_expect(slots_need_from_peaks(&s, 500, 1100, 2) == 1265);
    cr_expect(slots_need_from_peaks(&s, 500, UINT64_MAX, 2) == UINT64_MAX);
}
