/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/pack_io.h"

#include "agent/evidence_io.h"
#include "archive/archive.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_CAP    ((size_t)1 << 30)
#define JSON_CAP     ((size_t)8 << 20)
#define HASH_BYTES   ((size_t)256 << 10)
#define LISTED_BYTES 160u /* of a file in case.json, beside its name */
#define LISTED_CAP   (JSON_CAP - ((size_t)1 << 20))

struct chosen {
    struct case_entry *entry;
    uint64_t size_bytes; /* less than the entry's where a summary is cut */
};

struct packer {
    struct pack_setup setup;
    struct archive_writer *writer;
    struct sha256 *hash;
    struct ds_arena *arena;
    struct ds_buf json;
    char *block;
    /* of the attempt at hand */
    int case_fd;
    struct case_files files;
    struct evidence evidence;
    int64_t judge_ms;
};

struct packer *packer_create(const struct pack_setup *setup)
{
    struct packer *p = calloc(1, sizeof *p);
    char *block = malloc(HASH_BYTES);
    if (!p || !block)
        abort();
    *p = (struct packer){.setup = *setup, .block = block, .case_fd = -1};
    p->writer = archive_writer_create((int)setup->context->plan->compression, 0);
    p->hash = sha256_create();
    p->arena = arena_create(ARENA_CAP);
    buf_init(&p->json, JSON_CAP);
    return p;
}

void packer_destroy(struct packer *p)
{
    if (!p)
        return;
    archive_writer_destroy(p->writer);
    sha256_destroy(p->hash);
    arena_destroy(p->arena);
    buf_clear(&p->json);
    fs_close_at(&p->case_fd);
    free(p->block);
    free(p);
}

/* ---- which files ---- */

static bool is_wanted(const struct packer *p, const struct case_entry *e)
{
    struct ds_span path = ds_span_of(e->path);
    if (ds_span_is(path, "parameters.json"))
        return true;
    if (ds_span_is(path, "case.json") || e->input)
        return false;
    return stage_is_rendered(p->setup.stage, path)
           || keep_wants(&p->setup.context->plan->keep, path_base(path));
}

/* What case.json takes to name a file. */
static uint64_t listed_bytes(const struct case_entry *e)
{
    return strlen(e->path) + LISTED_BYTES;
}

static bool can_be_listed(const struct packer *p)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->files.n; i++)
        if (is_wanted(p, &p->files.at[i]))
            bytes += listed_bytes(&p->files.at[i]);
    return bytes <= LISTED_CAP;
}

int pack_judge(struct packer *p, const struct attempt *t, struct judgement *out, struct ds_err *err)
{
    const struct plan *plan = p->setup.context->plan;
    int64_t from = clock_monotonic_ms();
    arena_reset(p->arena);
    fs_close_at(&p->case_fd);
    p->case_fd = openat(p->setup.cases_fd, t->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->case_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", t->name);
    int rc = case_files_list(p->case_fd, p->arena, &p->files, err);
    for (size_t i = 0; rc == 0 && i < p->files.n; i++)
        p->files.at[i].input = stage_is_input(p->setup.stage, ds_span_of(p->files.at[i].path));
    if (rc == 0 && !can_be_listed(p))
        p->files.too_much = "it wrote more files that are to be kept than can be listed";
    attempt_to_evidence(t, plan, &p->evidence);
    rc = rc < 0 ? rc : evidence_gather(&p->files, plan, p->arena, &p->evidence, err);
    if (rc < 0)
        return ds_wrap(err, "case %u", t->number);
    judge_case(&p->evidence, out);
    p->judge_ms = clock_monotonic_ms() - from;
    return 0;
}

/* A failed run's unified summary ends where its last whole step does. */
static uint64_t size_to_keep(const struct packer *p, const struct case_entry *e)
{
    const struct plan *plan = p->setup.context->plan;
    struct ds_span extension = path_extension(ds_span_of(e->path));
    bool cut =
        p->evidence.summary.state == SUMMARY_CUT || p->evidence.summary.state == SUMMARY_CORRUPT;
    bool unified = ds_span_is(extension, "UNSMRY") || ds_span_is(extension, "FUNSMRY");
    if (!cut || !unified || !case_entry_is_in(e, plan->deck_dir)
        || !ds_span_eq(path_stem(ds_span_of(e->path)), plan->case_root))
        return e->size_bytes;
    return p->evidence.summary.whole_bytes < e->size_bytes ? p->evidence.summary.whole_bytes
                                                           : e->size_bytes;
}

static int choose(struct packer *p, struct chosen **out, size_t *n, struct ds_err *err)
{
    struct chosen *c = ds_new(p->arena, struct chosen, p->files.n);
    if (!c)
        return ds_fail(err, DS_ETOOBIG, "a list of files does not fit");
    *n = 0;
    uint64_t listed = 0;
    for (size_t i = 0; i < p->files.n; i++) {
        struct case_entry *e = &p->files.at[i];
        bool is_log = result_class_of_file(path_base(ds_span_of(e->path))) & CLASS_LOG;
        if (!is_wanted(p, e) || (!is_log && listed + listed_bytes(e) > LISTED_CAP))
            continue; /* the second: judged incomplete for it */
        listed += is_log ? 0 : listed_bytes(e);
        c[(*n)++] = (struct chosen){e, size_to_keep(p, e)};
    }
    *out = c;
    return 0;
}

/* ---- hashing ---- */

static int hash_stream(struct packer *p, const struct chosen *c, struct ds_err *err)
{
    ds_auto_fd fd = -1;
    int rc = case_files_open(&p->files, c->entry, &fd, err);
    for (uint64_t at = 0; rc == 0 && at < c->size_bytes;) {
        size_t n = c->size_bytes - at < HASH_BYTES ? (size_t)(c->size_bytes - at) : HASH_BYTES;
        rc = fs_pread_all(fd, p->block, n, at, err);
        if (rc == 0)
            sha256_add(p->hash, p->block, n);
        at += n;
    }
    return rc;
}

static int hash_file(struct packer *p, const struct chosen *c, struct case_file *out,
                     struct ds_err *err)
{
    int rc = case_files_read(&p->files, c->entry, err);
    if (rc < 0)
        return rc;
    sha256_reset(p->hash);
    if (c->entry->data)
        sha256_add(p->hash, c->entry->data, (size_t)c->size_bytes);
    else
        rc = hash_stream(p, c, err);
    if (rc < 0)
        return rc;
    *out = (struct case_file){.path = ds_span_of(c->entry->path), .size_bytes = c->size_bytes};
    sha256_end(p->hash, out->sha256);
    return 0;
}

static int write_record(struct packer *p, const struct attempt *t, const struct judgement *j,
                        const struct chosen *c, size_t n, struct ds_err *err)
{
    struct case_record record;
    struct case_file *files = ds_new(p->arena, struct case_file, n);
    if (!files)
        return ds_fail(err, DS_ETOOBIG, "a list of files does not fit");
    for (size_t i = 0; i < n; i++) {
        int rc = hash_file(p, &c[i], &files[i], err);
        if (rc < 0)
            return rc;
    }
    int rc = attempt_to_record(t, p->setup.context, &p->evidence, j, p->arena, &record, err);
    if (rc < 0)
        return rc;
    record.judge_ms = p->judge_ms;
    record.files = files;
    record.n_files = n;
    buf_reset(&p->json);
    return case_record_encode(&record, &p->json, err);
}

/* ---- packing ---- */

struct sink {
    struct packed *out;
    int spool_fd;
};

/* Too large for memory: on into a file of the spool. */
static int spill(struct packed *k, int spool_fd, struct ds_err *err)
{
    ds_auto_fd fd = openat(spool_fd, k->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: spool/%s", k->name);
    int rc = fs_write_all(fd, k->memory.data, k->memory.len, err);
    if (rc < 0) {
        (void)unlinkat(spool_fd, k->name, 0);
        return ds_wrap(err, "scratch: spool/%s", k->name);
    }
    buf_clear(&k->memory);
    k->fd = ds_take_fd(&fd);
    return 0;
}

static int take_bytes(void *context, const void *data, size_t n, struct ds_err *err)
{
    struct sink *s = context;
    struct packed *k = s->out;
    int rc = 0;
    if (k->fd < 0 && k->memory.len + n > PACK_MEMORY_BYTES)
        rc = spill(k, s->spool_fd, err);
    if (rc == 0 && k->fd >= 0)
        rc = fs_write_all(k->fd, data, n, err);
    else if (rc == 0)
        rc = buf_put(&k->memory, data, n);
    k->len += n;
    return rc;
}

static int add_member(struct packer *p, const struct chosen *c, struct ds_err *err)
{
    const struct case_entry *e = c->entry;
    if (e->data && !e->executable)
        return archive_add_bytes(p->writer, e->path,
                                 (struct ds_bytes){(const void *)e->data, (size_t)c->size_bytes},
                                 NULL, err);
    ds_auto_fd fd = -1;
    int rc = case_files_open(&p->files, e, &fd, err);
    return rc < 0 ? rc
                  : archive_add_fd(p->writer, e->path, fd, c->size_bytes, e->executable, NULL, err);
}

static int pack(struct packer *p, const struct attempt *t, const struct judgement *j,
                struct packed *out, struct ds_err *err)
{
    struct chosen *c = NULL;
    size_t n = 0;
    struct sink sink = {out, p->setup.spool_fd};
    uint64_t total;
    int rc = choose(p, &c, &n, err);
    rc = rc < 0 ? rc : write_record(p, t, j, c, n, err);
    if (rc < 0)
        return rc;
    archive_writer_start(p->writer, take_bytes, &sink);
    rc = archive_add_bytes(p->writer, "case.json", ds_bytes_of(buf_span(&p->json)), NULL, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_member(p, &c[i], err);
    return rc < 0 ? rc : archive_writer_end(p->writer, &total, err);
}

int pack_archive(struct packer *p, const struct attempt *t, const struct judgement *j,
                 const char *key, struct packed *out, struct ds_err *err)
{
    struct packed k = {.fd = -1};
    char name[SPOOL_NAME_BYTES];
    buf_init(&k.memory, PACK_MEMORY_BYTES);
    spool_name_encode(key, name);
    (void)snprintf(k.name, sizeof k.name, "%s.tmp", name);
    int rc = pack(p, t, j, &k, err);
    if (rc < 0) {
        packed_discard(&k, p->setup.spool_fd);
        return ds_wrap(err, "case %u", t->number);
    }
    *out = k;
    return 0;
}

struct store_body packed_body(const struct packed *k)
{
    return (struct store_body){
        .data = k->fd < 0 ? k->memory.data : NULL, .fd = k->fd, .len = k->len};
}

void packed_discard(struct packed *k, int spool_fd)
{
    buf_clear(&k->memory);
    if (k->fd >= 0) {
        (void)close(k->fd);
        (void)unlinkat(spool_fd, k->name, 0);
    }
    k->fd = -1;
}

int packed_spool(struct packed *k, int spool_fd, const char *key, struct ds_err *err)
{
    char name[SPOOL_NAME_BYTES];
    int rc = k->fd < 0 ? spill(k, spool_fd, err) : 0;
    if (rc < 0)
        return rc;
    spool_name_encode(key, name);
    if (fsync(k->fd) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: spool/%s: fsync", k->name);
    if (renameat(spool_fd, k->name, spool_fd, name) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: spool/%s", name);
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    return 0;
}
