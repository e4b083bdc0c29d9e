/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup_io.c - reads a group's files, then its parent's, up to the mount point */
#include "agent/cgroup_io.h"

#include "agent/cgroup.h"
#include "base/fs_io.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SMALL_BYTES      (64u << 10)
#define MOUNTINFO_BYTES  (16u << 20)
#define HIERARCHY_LEVELS 64

struct level { /* one group of a controller, and where it is read */
    const char *root;
    struct ds_arena *a;
    const struct cgroup_place *place;
    struct ds_span path;
};

/* The kernel's files say size 0, so they are read to the end, not by size. */
static bool read_text(const char *path, size_t cap, struct ds_arena *a, struct ds_span *out)
{
    ds_auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ds_auto_buf b;
    buf_init(&b, cap);
    while (fd >= 0) {
        char *room = buf_reserve(&b, 4096);
        ssize_t n = room ? read(fd, room, 4096) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        b.len += (size_t)n;
    }
    if (fd < 0 || b.len == 0)
        return false;
    *out = arena_copy(a, buf_span(&b));
    return out->ptr != NULL;
}

static bool level_read(const struct level *l, const char *file, struct ds_span *out)
{
    struct ds_span path = arena_format(l->a, "%s%.*s/%.*s%s%s", l->root, DS_FMT(l->place->mount),
                                       DS_FMT(l->path), l->path.len ? "/" : "", file);
    return path.ptr && read_text(path.ptr, SMALL_BYTES, l->a, out);
}

static struct ds_span level_why(const struct level *l, const char *file)
{
    return arena_format(l->a, "cgroup v%d /%.*s %s", l->place->version, DS_FMT(l->path), file);
}

static void read_quota(const struct level *l, struct topology_limits *out)
{
    struct ds_span text;
    struct ds_span period;
    double quota = 0;
    const char *file = l->place->version == 2 ? "cpu.max" : "cpu.cfs_quota_us";
    if (!level_read(l, file, &text))
        return;
    if (l->place->version == 2)
        quota = cgroup_parse_cpu_max(text);
    else if (level_read(l, "cpu.cfs_period_us", &period))
        quota = cgroup_parse_cfs(text, period);
    if (quota > 0 && (out->cpu_quota <= 0 || quota < out->cpu_quota)) {
        out->cpu_quota = quota;
        out->quota_why = level_why(l, file);
    }
}

static void take_memory(const struct level *l, const char *file, struct topology_limits *out)
{
    struct ds_span text;
    if (!level_read(l, file, &text))
        return;
    uint64_t bytes = cgroup_parse_memory(text);
    if (bytes > 0 && (out->mem_bytes == 0 || bytes < out->mem_bytes)) {
        out->mem_bytes = bytes;
        out->mem_why = level_why(l, file);
    }
}

static void read_memory(const struct level *l, struct topology_limits *out)
{
    if (l->place->version == 2) {
        take_memory(l, "memory.max", out);
        take_memory(l, "memory.high", out); /* above it the kernel throttles: of no use */
    } else {
        take_memory(l, "memory.limit_in_bytes", out);
    }
}

static bool read_set(const struct level *l, const char *const *files, struct cpuset *set, bool *has,
                     struct ds_span *why)
{
    for (; *files; files++) {
        struct ds_span text;
        struct cpuset got;
        if (!level_read(l, *files, &text) || cpuset_parse(text, &got, NULL) < 0
            || cpuset_first(&got) < 0)
            continue;
        if (*has)
            cpuset_and(set, &got);
        else
            *set = got;
        if (why && (!*has || !why->ptr))
            *why = level_why(l, *files);
        *has = true;
        return true;
    }
    return false;
}

static void read_sets(const struct level *l, struct topology_limits *out)
{
    static const char *const CPUS_2[] = {"cpuset.cpus.effective", "cpuset.cpus", NULL};
    static const char *const MEMS_2[] = {"cpuset.mems.effective", "cpuset.mems", NULL};
    static const char *const CPUS_1[] = {"cpuset.effective_cpus", "cpuset.cpus", NULL};
    static const char *const MEMS_1[] = {"cpuset.effective_mems", "cpuset.mems", NULL};
    bool two = l->place->version == 2;
    (void)read_set(l, two ? CPUS_2 : CPUS_1, &out->cpus, &out->has_cpus, &out->cpus_why);
    (void)read_set(l, two ? MEMS_2 : MEMS_1, &out->mems, &out->has_mems, NULL);
}

static void climb(const char *root, struct ds_arena *a, const struct cgroup_place *place,
                  enum cgroup_controller c, struct topology_limits *out)
{
    struct level l = {.root = root, .a = a, .place = place, .path = place->path};
    for (int levels = 0; levels < HIERARCHY_LEVELS; levels++) {
        if (c == CGROUP_CPU)
            read_quota(&l, out);
        else if (c == CGROUP_MEMORY)
            read_memory(&l, out);
        else
            read_sets(&l, out);
        if (l.path.len == 0)
            return;
        l.path = path_dir(l.path);
    }
}

static bool find_places(const char *root, struct ds_arena *a,
                        struct cgroup_place places[CGROUP_CONTROLLERS])
{
    struct ds_span groups;
    struct ds_span mounts;
    struct ds_span groups_path = arena_format(a, "%s/proc/self/cgroup", root);
    struct ds_span mounts_path = arena_format(a, "%s/proc/self/mountinfo", root);
    if (!groups_path.ptr || !mounts_path.ptr || !read_text(groups_path.ptr, SMALL_BYTES, a, &groups)
        || !read_text(mounts_path.ptr, MOUNTINFO_BYTES, a, &mounts))
        return false;
    cgroup_find(groups, mounts, a, places);
    return true;
}

void cgroup_read_limits(const char *root, struct ds_arena *a, struct topology_limits *out)
{
    struct cgroup_place places[CGROUP_CONTROLLERS];
    if (!find_places(root, a, places))
        return;
    for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
        if (places[c].version > 0)
            climb(root, a, &places[c], (enum cgroup_controller)c, out);
    }
}

/* The nearest group upwards that keeps the count: a group of ours may be hidden from us. */
static int open_in(struct ds_arena *a, const struct cgroup_place *place)
{
    const char *file = place->version == 2 ? "memory.events" : "memory.oom_control";
    struct ds_span dir = place->path;
    for (int levels = 0; levels < HIERARCHY_LEVELS; levels++) {
        struct ds_span path = arena_format(a, "%.*s/%.*s%s%s", DS_FMT(place->mount), DS_FMT(dir),
                                           dir.len ? "/" : "", file);
        int fd = path.ptr ? open(path.ptr, O_RDONLY | O_CLOEXEC) : -1;
        char text[4096];
        ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text), 0) : -1;
        uint64_t kills = 0;
        if (n > 0 && cgroup_parse_oom((struct ds_span){text, (size_t)n}, &kills))
            return fd;
        fs_close_at(&fd);
        if (dir.len == 0)
            return -1;
        dir = path_dir(dir);
    }
    return -1;
}

int cgroup_open_oom(void)
{
    ds_auto_arena a = arena_create((size_t)MOUNTINFO_BYTES * 2);
    struct cgroup_place places[CGROUP_CONTROLLERS];
    int fd = -1;
    if (find_places("", a, places) && places[CGROUP_MEMORY].version > 0)
        fd = open_in(a, &places[CGROUP_MEMORY]);
    return fd >= 0 ? fd : open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
}

uint64_t cgroup_read_oom(int fd)
{
    char text[16384];
    uint64_t kills = 0;
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text), 0) : -1;
    if (n <= 0 || !cgroup_parse_oom((struct ds_span){text, (size_t)n}, &kills))
        return 0;
    return kills;
}
