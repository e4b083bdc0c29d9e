/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/cgroup.h"
#include "agent/cgroup_io.h"
#include "agent/topology_io.h"

#include <criterion/criterion.h>
#include <stdio.h>
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

TestSuite(cgroup, .init = set_up, .fini = tear_down, .timeout = 20);

Test(cgroup, limits_are_the_least_of_all_levels_of_v1_v2_and_both)
{
    static const struct {
        const char *tree, *cpus, *mems;
        double quota;
        uint64_t mem_bytes;
        const char *quota_why, *mem_why, *cpus_why;
    } row[] = {
        {"v2-slices", "0-7", "0", 3.5, UINT64_C(6) << 30,
         "cgroup v2 /user.slice/user-1000.slice cpu.max",
         "cgroup v2 /user.slice/user-1000.slice/run-7.scope memory.high",
         "cgroup v2 /user.slice/user-1000.slice cpuset.cpus.effective"},
        {"v2-pod", "4-5", "0", 2, UINT64_C(2) << 30, "cgroup v2 / cpu.max",
         "cgroup v2 / memory.max", "cgroup v2 / cpuset.cpus.effective"},
        {"v1-docker", "2-3", "1", 1.5, UINT64_C(1) << 30, "cgroup v1 / cpu.cfs_quota_us",
         "cgroup v1 / memory.limit_in_bytes", "cgroup v1 / cpuset.cpus"},
        {"hybrid", "0-31", "0-1", 0.5, UINT64_C(512) << 20, "cgroup v1 /a cpu.cfs_quota_us",
         "cgroup v1 /a memory.limit_in_bytes", "cgroup v1 / cpuset.cpus"},
        {"none", NULL, NULL, 0, 0, NULL, NULL, NULL},
        {"hostile", NULL, NULL, 0, 0, NULL, NULL, NULL},
        {"no-such-folder", NULL, NULL, 0, 0, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        char root[256];
        char list[CPUSET_TEXT_BYTES];
        struct topology_limits l = {0};
        snprintf(root, sizeof(root), "tests/data/cgroups/%s", row[i].tree);
        cgroup_read_limits(root, a, &l);
        cr_expect(l.cpu_quota == row[i].quota, "%s: quota %g", row[i].tree, l.cpu_quota);
        cr_expect(l.mem_bytes == row[i].mem_bytes, "%s: memory %llu", row[i].tree,
                  (unsigned long long)l.mem_bytes);
        cr_expect(l.has_cpus == (row[i].cpus != NULL) && l.has_mems == (row[i].mems != NULL), "%s",
                  row[i].tree);
        if (row[i].cpus) {
            cpuset_format(&l.cpus, list);
            cr_expect(strcmp(list, row[i].cpus) == 0, "%s: CPUs %s", row[i].tree, list);
            cpuset_format(&l.mems, list);
            cr_expect(strcmp(list, row[i].mems) == 0, "%s: nodes %s", row[i].tree, list);
            cr_expect(strcmp(l.quota_why.ptr, row[i].quota_why) == 0, "%s", l.quota_why.ptr);
            cr_expect(strcmp(l.mem_why.ptr, row[i].mem_why) == 0, "%s", l.mem_why.ptr);
            cr_expect(strcmp(l.cpus_why.ptr, row[i].cpus_why) == 0, "%s", l.cpus_why.ptr);
        }
    }
}

Test(cgroup, limits_shape_a_machine)
{
    struct topology whole;
    struct topology t;
    struct topology_limits l = {0};
    struct ds_err err;
    cr_assert(topology_from_xml("tests/data/topologies/xeon-2s-16c-smt.xml", a, &whole, &err) == 0);
    cgroup_read_limits("tests/data/cgroups/v2-slices", a, &l);
    cr_assert(topology_apply(&whole, &l, a, &t, &err) == 0, "%s", err.text);
    struct slots_request q = {.cores = 1, .mem_bytes = UINT64_C(1) << 30};
    struct slots s;
    cr_assert(slots_plan(&t, &q, a, &s, &err) == 0, "%s", err.text);
    cr_expect(s.n_max == 3, "a quota of 3.5 is 3 cores, not %u", s.n_max);
    cr_expect(t.mem_bytes == UINT64_C(6) << 30 && t.n_numa == 1);
}

Test(cgroup, files_are_read_as_the_kernel_writes_them)
{
    uint64_t kills = 0;
    cr_expect(cgroup_parse_cpu_max(DS_SPAN("max 100000\n")) == 0);
    cr_expect(cgroup_parse_cpu_max(DS_SPAN("150000 100000\n")) == 1.5);
    cr_expect(cgroup_parse_cpu_max(DS_SPAN("")) == 0);
    cr_expect(cgroup_parse_cpu_max(DS_SPAN("1 0")) == 0);
    cr_expect(cgroup_parse_cfs(DS_SPAN("-1\n"), DS_SPAN("100000\n")) == 0);
    cr_expect(cgroup_parse_cfs(DS_SPAN("25000\n"), DS_SPAN("100000\n")) == 0.25);
    cr_expect(cgroup_parse_memory(DS_SPAN("max\n")) == 0);
    cr_expect(cgroup_parse_memory(DS_SPAN("4096\n")) == 4096);
    cr_expect(cgroup_parse_memory(DS_SPAN("9223372036854771712\n")) == 0);
    cr_expect(cgroup_parse_memory(DS_SPAN("99999999999999999999999\n")) == 0);
    cr_expect(cgroup_parse_oom(DS_SPAN("low 0\nhigh 0\nmax 3\noom 1\noom_kill 7\n"), &kills));
    cr_expect(kills == 7);
    cr_expect(cgroup_parse_oom(DS_SPAN("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), &kills));
    cr_expect(kills == 2);
    cr_expect(!cgroup_parse_oom(DS_SPAN("oom_kill_disable 0\nunder_oom 0\n"), &kills));
    cr_expect(!cgroup_parse_oom(DS_SPAN("oom_kill x\n"), &kills));
}

Test(cgroup, keeps_a_count_of_oom_kills_on_this_machine)
{
    int fd = cgroup_open_oom();
    cr_assert(fd >= 0);
    char text[16384];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    uint64_t kills = 0;
    cr_expect(n > 0 && cgroup_parse_oom((struct ds_span){text, (size_t)n}, &kills));
    cr_expect(cgroup_read_oom(fd) == kills && cgroup_read_oom(-1) == 0);
    close(fd);
}
