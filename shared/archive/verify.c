/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/verify.h"

#include "archive/reader_frames.h"

#define CASE_JSON           "case.json"
#define CASE_JSON_MAX_BYTES (8u << 20)

struct verify {
    struct archive_reader *r;
    archive_read_f read;
    void *context;
    struct ds_arena *a;
    struct archive_index x;
    const struct case_file **file_of; /* n_members: what case.json says of a member; NULL */
    struct archive_check *out;
};

static int member_wrong(struct ds_err *err, struct ds_span name, const char *what)
{
    return ds_fail(err, DS_ECORRUPT, "archive: %.*s: %s", (int)(name.len < 200 ? name.len : 200),
                   name.ptr, what);
}

/* Each file of case.json stands for exactly one member. */
static int match_files(struct verify *v, struct ds_err *err)
{
    const struct case_record *rec = &v->out->record;
    v->file_of = ds_new(v->a, const struct case_file *, v->x.n_members);
    if (!v->file_of)
        return ds_fail(err, DS_ETOOBIG, "archive: too many members for the memory set aside");
    for (size_t i = 0; i < rec->n_files; i++) {
        const struct case_file *f = &rec->files[i];
        const struct archive_member *m = archive_find(&v->x, f->path);
        if (!m)
            return member_wrong(err, f->path, "case.json names it, but it is not there");
        size_t place = (size_t)(m - v->x.members);
        if (v->file_of[place])
            return member_wrong(err, f->path, "case.json names it twice");
        v->file_of[place] = f;
    }
    return 0;
}

static int read_record(struct verify *v, struct ds_err *err)
{
    struct ds_span text;
    const struct archive_member *first = v->x.members;
    v->out->is_case = v->x.n_members > 0 && ds_span_is(first->name, CASE_JSON);
    if (!v->out->is_case)
        return 0;
    int rc = archive_read_member(v->r, v->read, v->context, first, CASE_JSON_MAX_BYTES, v->a, &text,
                                 err);
    if (rc == 0)
        rc = case_record_decode(text, v->a, &v->out->record, err);
    return rc < 0 ? rc : match_files(v, err);
}

static int check_member(struct verify *v, size_t i, struct ds_err *err)
{
    const struct archive_member *m = &v->x.members[i];
    char sha256[65];
    int rc =
        archive_stream_member_mode(v->r, v->read, v->context, m, NULL, NULL, sha256, NULL, err);
    if (rc < 0)
        return rc;
    v->out->content_bytes += m->size_bytes;
    if (!v->out->is_case || i == 0)
        return 0;
    const struct case_file *f = v->file_of[i];
    if (!f)
        return member_wrong(err, m->name, "is there, but case.json does not name it");
    if (f->size_bytes != m->size_bytes)
        return member_wrong(err, m->name, "its size is not the one in case.json");
    if (strcmp(f->sha256, sha256) != 0)
        return member_wrong(err, m->name, "its SHA-256 is not the one in case.json");
    return 0;
}

int archive_verify(struct archive_reader *r, archive_read_f read, void *context,
                   uint64_t archive_bytes, struct ds_arena *a, struct archive_check *out,
                   struct ds_err *err)
{
    struct archive_check check = {0};
    struct verify v = {.r = r, .read = read, .context = context, .a = a, .out = &check};
    int rc = archive_read_index(read, context, archive_bytes, a, &v.x, err);
    if (rc == 0)
        rc = archive_read_end(r, read, context, &v.x, err);
    if (rc == 0)
        rc = read_record(&v, err);
    for (size_t i = 0; rc == 0 && i < v.x.n_members; i++)
        rc = check_member(&v, i, err);
    if (rc < 0)
        return rc;
    check.n_members = v.x.n_members;
    *out = check;
    return 0;
}
