/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/deck_bring_io.h"

#include "archive/extract_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/log_io.h"
#include "base/sha256.h"
#include "base/units.h"
#include "cli/deck_stored_io.h"
#include "decksweep/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_ARENA_BYTES ((size_t)256 << 20)
#define MAX_PLAIN_FILES   4096u
#define MAX_PLAIN_BYTES   (UINT64_C(64) << 20) /* a ConfigMap holds 1 MiB */
#define BLOCK_BYTES       ((size_t)1 << 20)

/* ---- archives ---- */

struct archive { /* where its bytes come from */
    archive_read_f read;
    void *context;
    uint64_t bytes;
};

static int hash_archive(const struct archive *x, struct ds_arena *a, char hex[65],
                        struct ds_err *err)
{
    char *block = ds_new(a, char, BLOCK_BYTES);
    struct sha256 *h = sha256_create();
    int rc = block ? 0 : ds_fail(err, DS_ETOOBIG, "no memory");
    for (uint64_t at = 0; at < x->bytes && rc == 0;) {
        size_t n = x->bytes - at < BLOCK_BYTES ? (size_t)(x->bytes - at) : BLOCK_BYTES;
        rc = x->read(x->context, at, block, n, err);
        if (rc == 0)
            sha256_add(h, block, n);
        at += n;
    }
    sha256_end(h, hex);
    sha256_destroy(h);
    return rc;
}

static int check_digest(const struct archive *x, const char *want, struct ds_arena *a,
                        struct ds_err *err)
{
    char hex[65];
    int rc = hash_archive(x, a, hex, err);
    if (rc == 0 && memcmp(hex, want, BUNDLE_HEX_BYTES - 1) != 0)
        return ds_fail(err, DS_EINPUT,
                       "the deck's archive has the SHA-256 %.16s..., but its name says %s: it was "
                       "changed or cut; submit the sweep again",
                       hex, want);
    return rc;
}

static int check_room(const struct archive_index *x, const char *root, struct ds_err *err)
{
    uint64_t total = 0, free_bytes;
    for (size_t i = 0; i < x->n_members; i++)
        total = total + x->members[i].size_bytes < total ? UINT64_MAX
                                                         : total + x->members[i].size_bytes;
    int rc = fs_free_bytes(root, &free_bytes, err);
    const char *allowed = env_get(ENV_SCRATCH_BYTES); /* statfs tells the node's disk */
    uint64_t limit = UINT64_MAX;
    if (allowed && units_parse_u64(ds_span_of(allowed), UINT64_MAX, &limit, NULL) == 0
        && limit < free_bytes)
        free_bytes = limit;
    if (rc < 0 || total <= free_bytes / 10 * 9)
        return rc;
    char need[UNITS_TEXT_BYTES], have[UNITS_TEXT_BYTES];
    units_format_size(total, need);
    units_format_size(free_bytes, have);
    return ds_fail(
        err, DS_ENOSPC,
        "the deck unpacked is %s, scratch has %s free, a tenth of it to stay free: give the "
        "census more scratch or make the deck smaller",
        need, have);
}

static int unpack(const struct archive *x, const char *root, struct ds_err *err)
{
    struct archive_index index;
    ds_auto_arena a = arena_create(INDEX_ARENA_BYTES);
    ds_auto_fd fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", root);
    int rc = archive_read_index(x->read, x->context, x->bytes, a, &index, err);
    rc = rc < 0 ? rc : check_room(&index, root, err);
    if (rc < 0)
        return rc;
    struct archive_reader *reader = archive_reader_create();
    rc = archive_extract(reader, x->read, x->context, &index, fd, err);
    archive_reader_destroy(reader);
    return rc;
}

/* decksweep-bundle.json, if the archive or mount had one. */
static int read_paths(struct deck_here *here, struct ds_arena *a, struct ds_err *err)
{
    struct ds_span text;
    struct ds_err why = {0};
    ds_auto_fd fd = open(here->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", here->root);
    int rc = fs_read_file_at(fd, BUNDLE_PATHS_NAME, BUNDLE_PATHS_MAX_BYTES, a, &text, &why);
    if (rc == DS_ENOTFOUND)
        return 0;
    if (rc < 0)
        return ds_fail(err, (enum ds_code)rc, "%s", why.text);
    struct bundle_paths *paths = ds_new(a, struct bundle_paths, 1);
    if (!paths)
        return ds_fail(err, DS_ETOOBIG, "%s: no memory", BUNDLE_PATHS_NAME);
    rc = bundle_paths_decode(text, a, paths, err);
    if (rc == 0)
        here->paths = paths;
    return rc;
}

static int take_archive(const struct archive *x, const char *want, struct deck_here *here,
                        struct ds_arena *a, struct ds_err *err)
{
    int rc = want[0] ? check_digest(x, want, a, err) : 0;
    rc = rc < 0 ? rc : unpack(x, here->root, err);
    return rc < 0 ? rc : read_paths(here, a, err);
}

/* ---- a mounted ConfigMap ---- */

/* Only what lies in the mount: kubelet's own links (name -> ..data/name) stay inside. */
static int open_inside(const char *mount, const char *name, int *fd, struct stat *st,
                       struct ds_err *err)
{
    char path[PATH_MAX_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", mount, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return ds_fail(err, DS_ETOOBIG, "%s: name too long", name);
    char *real ds_auto_free = realpath(path, NULL);
    char *top ds_auto_free = realpath(mount, NULL);
    if (!real || !top)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    size_t length = strlen(top);
    if (strncmp(real, top, length) != 0 || real[length] != '/')
        return ds_fail(err, DS_EINPUT, "%s is a link that leaves the deck's ConfigMap", name);
    *fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    return 0;
}

static int copy_plain(const char *mount, const char *name, int root_fd, uint64_t *left,
                      struct ds_err *err)
{
    struct stat st = {0};
    ds_auto_fd from = -1;
    int rc = open_inside(mount, name, &from, &st, err);
    if (rc < 0 || S_ISDIR(st.st_mode))
        return rc;
    if (!S_ISREG(st.st_mode))
        return ds_fail(err, DS_EINPUT, "%s is no regular file", name);
    if ((uint64_t)st.st_size > *left)
        return ds_fail(err, DS_ETOOBIG, "the deck's files are larger than %llu MiB together",
                       (unsigned long long)(MAX_PLAIN_BYTES >> 20));
    *left -= (uint64_t)st.st_size;
    ds_auto_arena a = arena_create((size_t)MAX_PLAIN_BYTES + 65536);
    char *text = ds_new(a, char, (size_t)st.st_size + 1);
    if (!text)
        return ds_fail(err, DS_ETOOBIG, "%s: no memory", name);
    rc = fs_pread_all(from, text, (size_t)st.st_size, 0, err);
    rc = rc < 0 ? rc
                : fs_write_file_at(root_fd, name, (struct ds_span){text, (size_t)st.st_size}, err);
    return rc < 0 ? ds_wrap(err, "%s", name) : 0;
}

static int take_plain(const char *mount, struct deck_here *here, struct ds_arena *a,
                      struct ds_err *err)
{
    uint64_t left = MAX_PLAIN_BYTES;
    unsigned n = 0;
    int rc = 0;
    ds_auto_fd root = open(here->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = opendir(mount);
    if (!dir || root < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "%s", dir ? here->root : mount);
    const struct dirent *e;
    while (rc == 0 && dir && (e = readdir(dir)) != NULL) { // NOLINT(concurrency-mt-unsafe): own DIR
        if (e->d_name[0] == '.')
            continue; /* kubelet's */
        if (++n > MAX_PLAIN_FILES)
            rc = ds_fail(err, DS_ETOOBIG, "%s: more than %u files", mount, MAX_PLAIN_FILES);
        else
            rc = copy_plain(mount, e->d_name, root, &left, err);
    }
    if (dir)
        (void)closedir(dir);
    return rc < 0 ? rc : read_paths(here, a, err);
}

static int take_mount(const struct deck_request *q, struct deck_here *here, struct ds_arena *a,
                      struct ds_err *err)
{
    struct stat st = {0};
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", q->mount, POD_BUNDLE);
    if (access(path, F_OK) < 0)
        return take_plain(q->mount, here, a, err);
    int rc = open_inside(q->mount, POD_BUNDLE, &here->archive_fd, &st, err);
    if (rc == 0 && !S_ISREG(st.st_mode))
        rc = ds_fail(err, DS_EINPUT, "%s is no regular file", POD_BUNDLE);
    if (rc < 0)
        return rc;
    here->archive_bytes = (uint64_t)st.st_size;
    if (!ds_span_is(q->w->deck_from_kind, "configMap")
        || !bundle_name_digest(q->w->deck_from, here->hex))
        here->hex[0] = '\0';
    struct archive x = {archive_read_from_fd, &here->archive_fd, here->archive_bytes};
    return take_archive(&x, here->hex, here, a, err);
}

/* ---- the store ---- */

static int take_object(const struct deck_request *q, const char *name, const char *want,
                       struct deck_here *here, struct ds_arena *a, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    struct store_object *o = NULL;
    struct archive x = {.read = archive_read_from_store};
    int n = snprintf(key, sizeof key, "%s%s", q->prefix, name);
    if (n < 0 || (size_t)n >= sizeof key || !store_key_is_valid(ds_span_of(key)))
        return ds_fail(err, DS_EINPUT, "deckFrom.store: '%.200s' is no key of the sweep's folder",
                       name);
    int rc = store_object_open(q->store, key, &o, &x.bytes, err);
    if (rc < 0)
        return rc;
    x.context = o;
    rc = take_archive(&x, want, here, a, err);
    store_object_close(o);
    return rc;
}

static int take_config_map_from_store(const struct deck_request *q, struct deck_here *here,
                                      struct ds_arena *a, struct ds_err *err)
{
    char key[BUNDLE_KEY_BYTES];
    bundle_key_of(here->hex, key);
    int rc = take_object(q, key, here->hex, here, a, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_ENOTFOUND,
                       "the deck is neither in ConfigMap %.*s nor in the store (%s%s): submit the "
                       "sweep again",
                       DS_FMT(q->w->deck_from), q->prefix, key);
    here->in_store = rc == 0;
    return rc;
}

/* A plan's own bundle says nothing of the sweep file's paths; if the plan is at hand, it does. */
static int place_stored(const struct deck_request *q, const char *name, struct deck_here *here,
                        struct ds_arena *a, struct ds_err *err)
{
    struct deck_stored stored;
    if (here->paths || deck_stored_find(q, a, &stored, NULL) < 0
        || strcmp(stored.bundle_key, name) != 0)
        return 0;
    return deck_stored_paths(q, &stored, here->root, a, &here->paths, err);
}

static int take_named(const struct deck_request *q, struct deck_here *here, struct ds_arena *a,
                      struct ds_err *err)
{
    char hex[BUNDLE_HEX_BYTES] = "", *name = arena_cstr(a, q->w->deck_from);
    if (!name)
        return ds_fail(err, DS_ETOOBIG, "deckFrom: no memory");
    (void)bundle_key_digest(q->w->deck_from, hex);
    int rc = take_object(q, name, hex, here, a, err);
    here->in_store = rc == 0;
    rc = rc < 0 ? rc : place_stored(q, name, here, a, err);
    return rc == DS_ENOTFOUND ? ds_wrap(err, "deckFrom.store") : rc;
}

static int take_stored(const struct deck_request *q, struct deck_here *here, struct ds_arena *a,
                       struct ds_err *err)
{
    struct deck_stored stored;
    int rc = deck_stored_find(q, a, &stored, err);
    rc = rc < 0 ? rc : take_object(q, stored.bundle_key, "", here, a, err);
    rc = rc < 0 ? rc : deck_stored_paths(q, &stored, here->root, a, &here->paths, err);
    return rc;
}

static int take_deck(const struct deck_request *q, struct deck_here *here, struct ds_arena *a,
                     struct ds_err *err)
{
    struct ds_span kind = q->w->deck_from_kind;
    bool from_map = ds_span_is(kind, "configMap");
    if (ds_span_is(kind, "url"))
        return ds_fail(err, DS_EUNSUPPORTED,
                       "deckFrom.url: this version reads decks from a ConfigMap or the store; use "
                       "`decksweep submit`, or deckFrom.configMap or deckFrom.store");
    here->from = from_map && q->mount ? "its ConfigMap" : "the store";
    if (ds_span_is(kind, "store"))
        return take_named(q, here, a, err);
    if (q->mount)
        return take_mount(q, here, a, err);
    if (from_map && bundle_name_digest(q->w->deck_from, here->hex))
        return take_config_map_from_store(q, here, a, err);
    return take_stored(q, here, a, err);
}

int deck_bring(const struct deck_request *q, struct ds_arena *a, struct deck_here *out,
               struct ds_err *err)
{
    char path[PATH_MAX_BYTES];
    *out = (struct deck_here){.archive_fd = -1};
    int n = snprintf(path, sizeof path, "%s/decksweep-deck-XXXXXX", q->scratch);
    if (n < 0 || (size_t)n >= sizeof path)
        return ds_fail(err, DS_ETOOBIG, "%s: name too long", q->scratch);
    if (!mkdtemp(path))
        return ds_fail_errno(err, DS_EIO, errno, "scratch %s", q->scratch);
    char *real ds_auto_free = realpath(path, NULL); /* the deck reader wants no link in it */
    if (!real || strlen(real) >= sizeof out->root) {
        int why = real ? ENAMETOOLONG : errno;
        (void)rmdir(path);
        return ds_fail_errno(err, DS_EIO, why, "scratch %s", path);
    }
    memcpy(out->root, real, strlen(real) + 1);
    return take_deck(q, out, a, err);
}

int deck_keep(const struct deck_request *q, struct deck_here *here, struct ds_err *err)
{
    char key[STORE_KEY_BYTES], name[BUNDLE_KEY_BYTES];
    bool existed;
    uint64_t bytes;
    if (here->hex[0] == '\0' || here->in_store || here->archive_fd < 0)
        return 0;
    bundle_key_of(here->hex, name);
    (void)snprintf(key, sizeof key, "%s%s", q->prefix, name);
    struct store_body body = {.fd = here->archive_fd, .len = here->archive_bytes};
    int rc = store_head(q->store, key, &bytes, NULL) == 0
                 ? 0
                 : store_put_if_absent(q->store, key, body, &existed, err);
    here->in_store = rc == 0;
    return rc;
}

void deck_leave(struct deck_here *here)
{
    fs_close_at(&here->archive_fd);
    if (here->root[0] && fs_remove_tree_at(AT_FDCWD, here->root, NULL) < 0)
        log_warn("%s is left behind", here->root);
    here->root[0] = '\0';
}
