/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_limits.c - texts of /proc and cgroups: CPU lists, stat lines, mounts, limits
 *
 * The first byte chooses the reader; for mounts a NUL parts /proc/self/cgroup from mountinfo. */
#include "agent/cgroup.h"
#include "agent/proc_stat.h"
#include "decksweep/topology.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void try_list(struct ds_span text)
{
    struct cpuset s;
    struct cpuset again;
    char out[CPUSET_TEXT_BYTES];
    if (text.len > 4096 || cpuset_parse(text, &s, NULL) < 0)
        return;
    cpuset_format(&s, out);
    size_t len = strlen(out);
    assert(len < CPUSET_TEXT_BYTES);
    if (len < 3 || strcmp(out + len - 3, "...") != 0) {
        int rc = cpuset_parse(ds_span_of(out), &again, NULL);
        assert(rc == 0 && cpuset_eq(&s, &again));
    }
}

static void try_mounts(struct ds_span text)
{
    struct cgroup_place place[CGROUP_CONTROLLERS];
    struct ds_span groups;
    struct ds_span mounts = ds_span_cut(text, '\0', &groups);
    ds_auto_arena a = arena_create(4u << 20);
    cgroup_find(groups, mounts, a, place);
    for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
        assert(place[c].version >= 0 && place[c].version <= 2);
        assert(place[c].version == 0 || (place[c].mount.ptr && place[c].path.ptr));
        /* never out of the mount */
        assert(place[c].path.len == 0 || place[c].path.ptr[0] != '/');
        assert(place[c].path.len == 0 || !ds_span_starts(place[c].path, "../"));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct proc_stat st;
    uint64_t value = 0;
    if (n == 0)
        return 0;
    struct ds_span text = {(const char *)data + 1, n - 1};
    struct ds_span head;
    struct ds_span tail = ds_span_cut(text, '\n', &head);
    switch (data[0] % 4) {
    case 0:
        try_list(text);
        break;
    case 1:
        if (proc_stat_parse(text, &st))
            assert(st.pid >= 0 && st.ppid >= 0 && st.sid >= 0);
        (void)proc_pss_parse(text, &value);
        break;
    case 2:
        try_mounts(text);
        break;
    default:
        assert(cgroup_parse_cpu_max(text) >= 0 && cgroup_parse_cfs(head, tail) >= 0);
        assert(cgroup_parse_memory(text) < UINT64_C(1) << 60);
        (void)cgroup_parse_oom(text, &value);
    }
    return 0;
}
