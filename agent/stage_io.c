/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/stage_io.h"

#include "agent/files_values.h"
#include "agent/parameters.h"
#include "archive/extract_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "deck/template.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_CAP   ((size_t)1 << 30)
#define RENDER_CAP  ((size_t)1 << 30)
#define COPY_BELOW  ((uint64_t)32 << 10) /* a copy costs what a link costs */
#define NO_TEMPLATE (-1)
#define COMMON      FILES_VALUES_COMMON
#define SHARED_MODE 0444

struct member {
    const char *path;
    size_t dir_len; /* of path, up to its last '/' (0: none) */
    uint64_t size_bytes;
    int32_t template_; /* index into templates, or NO_TEMPLATE */
    int32_t owner;     /* COMMON, or index into values */
};

struct stage {
    const struct plan *plan;
    const struct design *design;
    struct ds_arena *arena;
    int bundle_fd;
    struct member *members; /* by path */
    size_t n_members;
    const char **dirs; /* of common files, parents first; without the case folder */
    size_t n_dirs;
    struct template_plan *templates;
    size_t n_templates;
    const struct ds_span *names;
    size_t n_names;
    struct files_values values;
    bool reflink, link, root;
    struct ds_buf render;
};

/* ---- unpacking ---- */

static int make_parents(int dir_fd, const char *path, struct ds_err *err)
{
    char part[PATH_MAX_BYTES];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof part)
            return ds_fail(err, DS_ETOOBIG, "%s: name too long", path);
        memcpy(part, path, n);
        part[n] = '\0';
        if (mkdirat(dir_fd, part, 0777) < 0 && errno != EEXIST)
            return ds_fail_errno(err, DS_EIO, errno, "%s", part);
    }
    return 0;
}

static int compare_members(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    return strcmp(a->path, b->path);
}

static int unpack(struct stage *s, struct store_object *o, uint64_t bytes, struct ds_err *err)
{
    struct archive_index index;
    int rc = archive_read_index(archive_read_from_store, o, bytes, s->arena, &index, err);
    if (rc < 0)
        return rc;
    s->members = ds_new(s->arena, struct member, index.n_members);
    if (!s->members)
        return ds_fail(err, DS_ETOOBIG, "a bundle of %zu files does not fit", index.n_members);
    struct archive_reader *reader = archive_reader_create();
    rc = archive_extract(reader, archive_read_from_store, o, &index, s->bundle_fd, err);
    archive_reader_destroy(reader);
    for (size_t i = 0; i < index.n_members && rc == 0; i++) {
        const struct archive_member *m = &index.members[i];
        const char *slash = strrchr(m->name.ptr, '/');
        if (fchmodat(s->bundle_fd, m->name.ptr, SHARED_MODE, 0) < 0)
            return ds_fail_errno(err, DS_EIO, errno, "%s", m->name.ptr);
        s->members[s->n_members++] =
            (struct member){.path = m->name.ptr,
                            .dir_len = slash ? (size_t)(slash - m->name.ptr) : 0,
                            .size_bytes = m->size_bytes,
                            .template_ = NO_TEMPLATE,
                            .owner = files_values_owner(&s->values, m->name)};
    }
    if (s->n_members > 1)
        qsort(s->members, s->n_members, sizeof *s->members, compare_members);
    return rc;
}

/* ---- templates and trims ---- */

static struct member *find_member(const struct stage *s, struct ds_span path)
{
    size_t low = 0, high = s->n_members;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = ds_span_compare(ds_span_of(s->members[middle].path), path);
        if (c == 0)
            return &s->members[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The unpacked file's text, mapped: pages come and go as they are needed. Never unmapped before
 * the worker ends; its file is read-only and ours. */
static int map_file(int dir_fd, const char *path, uint64_t size, struct ds_span *out,
                    struct ds_err *err)
{
    if (size == 0) {
        *out = DS_SPAN("");
        return 0;
    }
    ds_auto_fd fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return ds_fail_errno(err, DS_EIO, errno, "%s: mmap", path);
    *out = (struct ds_span){p, (size_t)size};
    return 0;
}

static int prepare(struct stage *s, struct member *m, struct template_plan *out, struct ds_err *err)
{
    struct ds_span text = {0};
    int rc = map_file(s->bundle_fd, m->path, m->size_bytes, &text, err);
    if (rc < 0)
        return rc;
    return template_prepare(ds_span_of(m->path), text, s->names, s->n_names, s->plan->trims,
                            s->plan->n_trims, s->arena, out, err);
}

static int prepare_templates(struct stage *s, struct ds_err *err)
{
    const struct plan *p = s->plan;
    s->templates = ds_new(s->arena, struct template_plan, p->n_templates);
    if (!s->templates)
        return ds_fail(err, DS_ETOOBIG, "%zu templates do not fit", p->n_templates);
    for (size_t i = 0; i < p->n_templates; i++) {
        struct member *m = find_member(s, p->templates[i]);
        if (!m)
            return ds_fail(err, DS_ECORRUPT, "the bundle lacks %.*s", DS_FMT(p->templates[i]));
        int rc = prepare(s, m, &s->templates[i], err);
        if (rc < 0)
            return rc;
        m->template_ = (int32_t)i;
        s->n_templates++;
    }
    return 0;
}

/* Files at or below a value that all cases get. A plan without them is of an older decksweep,
 * or of a deck without such files. */
static int take_common_files(struct stage *s, struct ds_err *err)
{
    const struct plan *p = s->plan;
    for (size_t i = 0; i < p->n_common_files; i++) {
        struct member *m = find_member(s, p->common_files[i]);
        if (!m)
            return ds_fail(err, DS_ECORRUPT, "the bundle lacks %.*s", DS_FMT(p->common_files[i]));
        m->owner = COMMON;
    }
    return 0;
}

/* Files that are trimmed but not rendered: the trimmed text takes the shared file's place. */
static int trim_shared(struct stage *s, struct ds_err *err)
{
    const struct plan *p = s->plan;
    for (size_t i = 0; i < p->n_trims; i++) {
        if (i > 0 && ds_span_eq(p->trims[i].path, p->trims[i - 1].path))
            continue;
        struct member *m = find_member(s, p->trims[i].path);
        if (!m)
            return ds_fail(err, DS_ECORRUPT, "the bundle lacks %.*s", DS_FMT(p->trims[i].path));
        if (m->template_ != NO_TEMPLATE)
            continue;
        struct template_plan t;
        ds_auto_buf text;
        buf_init(&text, RENDER_CAP);
        int rc = prepare(s, m, &t, err);
        rc = rc < 0 ? rc : template_render(&t, NULL, 0, &text, err);
        if (rc == 0 && unlinkat(s->bundle_fd, m->path, 0) < 0)
            return ds_fail_errno(err, DS_EIO, errno, "%s", m->path);
        rc = rc < 0 ? rc : fs_write_file_at(s->bundle_fd, m->path, buf_span(&text), err);
        if (rc < 0)
            return rc;
        (void)fchmodat(s->bundle_fd, m->path, SHARED_MODE, 0);
        m->size_bytes = text.len;
    }
    return 0;
}

/* ---- folders ---- */

static bool has_dir(const struct stage *s, struct ds_span dir)
{
    for (size_t i = s->n_dirs; i > 0; i--)
        if (ds_span_is(dir, s->dirs[i - 1]))
            return true;
    return false;
}

/* Folders of the common files; members are sorted, so parents come first. */
static int find_dirs(struct stage *s, struct ds_err *err)
{
    size_t room = 1;
    for (size_t i = 0; i < s->n_members; i++)
        for (const char *p = s->members[i].path; *p; p++)
            room += *p == '/';
    s->dirs = ds_new(s->arena, const char *, room);
    for (size_t i = 0; s->dirs && i < s->n_members; i++) {
        const struct member *m = &s->members[i];
        if (m->owner != COMMON || m->dir_len == 0)
            continue;
        for (size_t n = 1; n <= m->dir_len; n++) {
            struct ds_span dir = {m->path, n};
            if (m->path[n] != '/' || has_dir(s, dir))
                continue;
            s->dirs[s->n_dirs] = arena_cstr(s->arena, dir);
            if (!s->dirs[s->n_dirs++])
                return ds_fail(err, DS_ETOOBIG, "the folders of the bundle do not fit");
        }
    }
    if (!s->dirs)
        return ds_fail(err, DS_ETOOBIG, "the folders of the bundle do not fit");
    return 0;
}

int stage_create(struct store *store, const char *bundle_key, const struct plan *plan,
                 const struct design *design, int scratch_fd, struct stage **out,
                 struct ds_err *err)
{
    struct stage *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    *s = (struct stage){.plan = plan,
                        .design = design,
                        .arena = arena_create(ARENA_CAP),
                        .bundle_fd = -1,
                        .reflink = true,
                        .link = true,
                        .root = geteuid() == 0};
    buf_init(&s->render, RENDER_CAP);
    s->names = parameters_names(plan, s->arena);
    s->n_names = plan->n_params + PARAMETERS_BUILT_IN;
    struct store_object *o = NULL;
    uint64_t bytes = 0;
    int rc = s->names ? 0 : ds_fail(err, DS_ETOOBIG, "the parameters' names do not fit");
    rc = rc < 0 ? rc : files_values_find(s->plan, s->design, s->arena, &s->values, err);
    if (rc == 0 && mkdirat(scratch_fd, "bundle", 0777) < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "scratch: bundle");
    if (rc == 0)
        s->bundle_fd = openat(scratch_fd, "bundle", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == 0 && s->bundle_fd < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "scratch: bundle");
    rc = rc < 0 ? rc : store_object_open(store, bundle_key, &o, &bytes, err);
    rc = rc < 0 ? rc : unpack(s, o, bytes, err);
    store_object_close(o);
    rc = rc < 0 ? rc : take_common_files(s, err);
    rc = rc < 0 ? rc : prepare_templates(s, err);
    rc = rc < 0 ? rc : trim_shared(s, err);
    rc = rc < 0 ? rc : find_dirs(s, err);
    if (rc < 0) {
        stage_destroy(s);
        return ds_wrap(err, "%s", bundle_key);
    }
    *out = s;
    return 0;
}

void stage_destroy(struct stage *s)
{
    if (!s)
        return;
    fs_close_at(&s->bundle_fd);
    buf_clear(&s->render);
    arena_destroy(s->arena);
    free(s);
}

bool stage_is_input(const struct stage *s, struct ds_span path)
{
    const struct member *m = find_member(s, path);
    return m && m->template_ == NO_TEMPLATE;
}

bool stage_is_rendered(const struct stage *s, struct ds_span path)
{
    const struct member *m = find_member(s, path);
    return m && m->template_ != NO_TEMPLATE;
}

/* ---- one case ---- */

static int copy_range(int from, int to, uint64_t n, const char *path, struct ds_err *err)
{
    while (n > 0) {
        ssize_t got = copy_file_range(from, NULL, to, NULL, (size_t)n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0
            && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            break;
        if (got < 0)
            return ds_fail_errno(err, DS_EIO, errno, "%s", path);
        if (got == 0)
            return ds_fail(err, DS_ECORRUPT, "%s: ends early", path);
        n -= (uint64_t)got;
    }
    while (n > 0) {
        char block[1 << 16];
        ssize_t got = read(from, block, n < sizeof block ? (size_t)n : sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ds_fail_errno(err, DS_EIO, got < 0 ? errno : EIO, "%s", path);
        if (fs_write_all(to, block, (size_t)got, err) < 0)
            return ds_wrap(err, "%s", path);
        n -= (uint64_t)got;
    }
    return 0;
}

static int copy_member(struct stage *s, const struct member *m, int case_fd, struct ds_err *err)
{
    ds_auto_fd from = openat(s->bundle_fd, m->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0)
        return ds_fail_errno(err, DS_EIO, errno, "bundle: %s", m->path);
    ds_auto_fd to = openat(case_fd, m->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", m->path);
    bool large = m->size_bytes > COPY_BELOW;
    if (large && s->reflink && ioctl(to, FICLONE, from) == 0)
        return 0;
    if (large)
        s->reflink = false; /* asked once: same file system for all */
    int rc = copy_range(from, to, m->size_bytes, m->path, err);
    if (rc == 0 && close(ds_take_fd(&to)) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s: close", m->path);
    return rc;
}

static int share_member(struct stage *s, const struct member *m, int case_fd, struct ds_err *err)
{
    if (m->size_bytes > COPY_BELOW && !s->reflink && s->link && !s->root) {
        if (linkat(s->bundle_fd, m->path, case_fd, m->path, 0) == 0)
            return 0;
        if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK && errno != EXDEV
            && errno != ENOSYS)
            return ds_fail_errno(err, DS_EIO, errno, "%s", m->path);
        if (errno != EMLINK)
            s->link = false;
    }
    return copy_member(s, m, case_fd, err);
}

static int render_member(struct stage *s, const struct member *m, const struct ds_span *values,
                         int case_fd, struct ds_err *err)
{
    buf_reset(&s->render);
    int rc = template_render(&s->templates[m->template_], values, s->n_names, &s->render, err);
    if (rc < 0)
        return ds_wrap(err, "%s", m->path);
    return fs_write_file_at(case_fd, m->path, buf_span(&s->render), err);
}

/* The rows' own values of `files` parameters as indexes, to compare with member owners. */
static int owners_of_case(struct stage *s, const struct ds_span *values, struct ds_arena *a,
                          int32_t **owners, size_t *n, struct ds_err *err)
{
    *n = 0;
    if (s->values.n == 0)
        return 0;
    *owners = ds_new(a, int32_t, s->plan->n_params);
    if (!*owners)
        return ds_fail(err, DS_ETOOBIG, "a case's files do not fit");
    for (size_t i = 0; i < s->plan->n_params; i++) {
        if (!s->plan->params[i].is_files)
            continue;
        int32_t hit = files_values_index(&s->values, files_values_path(s->plan, values[i], a));
        if (hit != COMMON)
            (*owners)[(*n)++] = hit;
    }
    return 0;
}

static int put_members(struct stage *s, const struct ds_span *values, int case_fd,
                       struct ds_arena *a, struct ds_err *err)
{
    int32_t *owners = NULL;
    size_t n_owners = 0;
    int rc = owners_of_case(s, values, a, &owners, &n_owners, err);
    for (size_t i = 0; i < s->n_members && rc == 0; i++) {
        const struct member *m = &s->members[i];
        if (!files_values_has(&s->values, m->owner, owners, n_owners))
            continue;
        if (m->owner != COMMON)
            rc = make_parents(case_fd, m->path, err);
        if (rc == 0 && m->template_ != NO_TEMPLATE)
            rc = render_member(s, m, values, case_fd, err);
        else if (rc == 0)
            rc = share_member(s, m, case_fd, err);
    }
    return rc;
}

static int put_parameters(struct stage *s, const struct ds_span *values, int case_fd,
                          struct ds_err *err)
{
    if (find_member(s, DS_SPAN("parameters.json")) || find_member(s, DS_SPAN("parameters.txt")))
        return 0; /* the deck has files of these names: they are its input, not ours to replace */
    buf_reset(&s->render);
    int rc = parameters_put_json(s->plan, values, &s->render, err);
    rc = rc < 0 ? rc : fs_write_file_at(case_fd, "parameters.json", buf_span(&s->render), err);
    buf_reset(&s->render);
    rc = rc < 0 ? rc : parameters_put_text(s->plan, values, &s->render, err);
    return rc < 0 ? rc : fs_write_file_at(case_fd, "parameters.txt", buf_span(&s->render), err);
}

int stage_case(struct stage *s, uint32_t row, int cases_fd, const char *name, struct ds_arena *a,
               struct staged *out, struct ds_err *err)
{
    struct staged made = {0};
    int rc = parameters_values(s->plan, s->design, row, a, &made.values, err);
    if (rc < 0)
        return rc;
    struct plan *filled = ds_new(a, struct plan, 1);
    if (!filled)
        return ds_fail(err, DS_ETOOBIG, "a case does not fit");
    rc = parameters_fill_plan(s->plan, s->names, made.values, s->n_names, a, filled, err);
    if (rc < 0)
        return rc;
    if (mkdirat(cases_fd, name, 0777) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", name);
    ds_auto_fd case_fd = openat(cases_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (case_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", name);
    for (size_t i = 0; i < s->n_dirs; i++)
        if (mkdirat(case_fd, s->dirs[i], 0777) < 0)
            return ds_fail_errno(err, DS_EIO, errno, "scratch: %s/%s", name, s->dirs[i]);
    rc = put_members(s, made.values, case_fd, a, err);
    rc = rc < 0 ? rc : put_parameters(s, made.values, case_fd, err);
    if (rc < 0)
        return ds_wrap(err, "scratch: %s", name);
    made.plan = filled;
    *out = made;
    return 0;
}
