/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup.c - files of the kernel, but in tests and containers anybody's: bounded, forgiving */
#include "agent/cgroup.h"

#include "base/path.h"
#include "base/units.h"

static const char *const NAMES[CGROUP_CONTROLLERS] = {"cpu", "cpuset", "memory"};

static struct ds_span next_line(struct ds_span *rest)
{
    struct ds_span line;
    *rest = ds_span_cut(*rest, '\n', &line);
    return line;
}

/* Is word one of the comma-separated words of list? */
static bool list_has(struct ds_span list, const char *word)
{
    while (list.len > 0) {
        struct ds_span item;
        list = ds_span_cut(list, ',', &item);
        if (ds_span_is(item, word))
            return true;
    }
    return false;
}

/* Our group in the hierarchy that has this controller (v1), or in v2 for NULL. */
static bool group_of(struct ds_span proc_cgroup, const char *controller, struct ds_span *path)
{
    struct ds_span rest = proc_cgroup;
    while (rest.len > 0) {
        struct ds_span line = next_line(&rest);
        struct ds_span number;
        struct ds_span names;
        struct ds_span group = ds_span_cut(ds_span_cut(line, ':', &number), ':', &names);
        bool hit =
            controller ? list_has(names, controller) : names.len == 0 && ds_span_is(number, "0");
        if (hit && group.len > 0 && group.ptr[0] == '/') {
            *path = group;
            return true;
        }
    }
    return false;
}

/* mountinfo writes blank, tab, newline and backslash as \040 and the like. */
static struct ds_span unescape(struct ds_span s, struct ds_arena *a)
{
    char *out = ds_new(a, char, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 3 < s.len && s.ptr[i + 1] >= '0' && s.ptr[i + 1] <= '3') {
            out[n++] = (char)(((s.ptr[i + 1] - '0') << 6) | ((s.ptr[i + 2] - '0') << 3)
                              | (s.ptr[i + 3] - '0'));
            i += 3;
        } else {
            out[n++] = s.ptr[i];
        }
    }
    return out ? (struct ds_span){out, n} : (struct ds_span){NULL, 0};
}

struct mount_line {
    struct ds_span root, point, type, options;
};

/* 31 23 0:28 /root /point rw,relatime [tags...] - type source super-options */
static bool parse_mount(struct ds_span line, struct mount_line *m)
{
    struct ds_span field[6];
    struct ds_span rest = line;
    for (size_t i = 0; i < DS_COUNT(field); i++)
        rest = ds_span_cut(rest, ' ', &field[i]);
    struct ds_span word = {0};
    while (rest.len > 0 && !ds_span_is(word, "-"))
        rest = ds_span_cut(rest, ' ', &word);
    if (!ds_span_is(word, "-"))
        return false;
    struct ds_span source;
    rest = ds_span_cut(rest, ' ', &m->type);
    m->options = ds_span_cut(rest, ' ', &source);
    m->root = field[3];
    m->point = field[4];
    return m->root.len > 0 && m->point.len > 0;
}

/* Where group lies below a mount that shows the hierarchy from root on. A group outside of
 * what is mounted (a container without a cgroup namespace, or "/.." in one) leaves the mount
 * point itself: the nearest thing to our group that we can see. */
static struct ds_span below_mount(struct ds_span group, struct ds_span root)
{
    static const struct ds_span TOP = {"", 0};
    while (root.len > 0 && root.ptr[root.len - 1] == '/')
        root.len--;
    if (group.len < root.len || memcmp(group.ptr, root.ptr, root.len) != 0)
        return TOP;
    struct ds_span rest = {group.ptr + root.len, group.len - root.len};
    if (rest.len > 0 && rest.ptr[0] != '/')
        return TOP;
    while (rest.len > 0 && rest.ptr[0] == '/') {
        rest.ptr++;
        rest.len--;
    }
    while (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    return rest.len == 0 || path_is_safe_member(rest) ? rest : TOP;
}

static bool mount_of(struct ds_span mountinfo, const char *controller, struct ds_span group,
                     struct ds_arena *a, struct cgroup_place *out)
{
    struct ds_span rest = mountinfo;
    while (rest.len > 0) {
        struct mount_line m;
        if (!parse_mount(next_line(&rest), &m))
            continue;
        bool hit = controller ? ds_span_is(m.type, "cgroup") && list_has(m.options, controller)
                              : ds_span_is(m.type, "cgroup2");
        if (!hit)
            continue;
        out->version = controller ? 1 : 2;
        out->mount = unescape(m.point, a);
        out->path = arena_copy(a, below_mount(group, unescape(m.root, a)));
        return out->mount.ptr && out->path.ptr;
    }
    return false;
}

void cgroup_find(struct ds_span proc_cgroup, struct ds_span mountinfo, struct ds_arena *a,
                 struct cgroup_place out[CGROUP_CONTROLLERS])
{
    for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
        struct ds_span group;
        out[c] = (struct cgroup_place){0};
        if (group_of(proc_cgroup, NAMES[c], &group)
            && mount_of(mountinfo, NAMES[c], group, a, &out[c]))
            continue;
        out[c] = (struct cgroup_place){0};
        if (!group_of(proc_cgroup, NULL, &group) || !mount_of(mountinfo, NULL, group, a, &out[c]))
            out[c] = (struct cgroup_place){0};
    }
}

static double ratio(struct ds_span quota, struct ds_span period)
{
    uint64_t q = 0;
    uint64_t p = 0;
    if (units_parse_u64(quota, UINT64_C(1) << 52, &q, NULL) < 0
        || units_parse_u64(period, UINT64_C(1) << 52, &p, NULL) < 0 || q == 0 || p == 0)
        return 0;
    return (double)q / (double)p;
}

double cgroup_parse_cpu_max(struct ds_span text)
{
    struct ds_span quota;
    struct ds_span period = ds_span_cut(ds_span_trim(text), ' ', &quota);
    return ratio(quota, period);
}

double cgroup_parse_cfs(struct ds_span quota, struct ds_span period)
{
    return ratio(ds_span_trim(quota), ds_span_trim(period));
}

uint64_t cgroup_parse_memory(struct ds_span text)
{
    uint64_t bytes = 0;
    if (units_parse_u64(ds_span_trim(text), UINT64_MAX, &bytes, NULL) < 0)
        return 0; /* "max" */
    return bytes < UINT64_C(1) << 60 ? bytes : 0;
}

bool cgroup_parse_oom(struct ds_span text, uint64_t *kills)
{
    struct ds_span rest = text;
    while (rest.len > 0) {
        struct ds_span key;
        struct ds_span value = ds_span_cut(next_line(&rest), ' ', &key);
        if (ds_span_is(key, "oom_kill"))
            return units_parse_u64(ds_span_trim(value), UINT64_MAX, kills, NULL) == 0;
    }
    return false;
}
