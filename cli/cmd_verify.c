/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep verify TARGET - re-read every archive and check every SHA-256 */
#include "archive/verify.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/target_io.h"
#include "cli/text.h"

#include <stdio.h>
#include <unistd.h>

#define ARCHIVE_BYTES ((size_t)512 << 20)
#define SAY_EVERY     256u

struct checking {
    struct cli *cli;
    struct target *t;
    struct archive_reader *reader;
    struct ds_arena *arena; /* reset an object */
    size_t n_checked, n_bad, n_files;
    uint64_t bytes;
};

/* One archive of the sweep to its last byte. */
static int verify_object(struct checking *c, const char *inner, struct archive_check *out,
                         struct ds_err *err)
{
    struct store_object *object;
    uint64_t size;
    int rc = store_object_open(c->t->store, target_key(c->t, inner), &object, &size, err);
    if (rc < 0)
        return rc;
    rc = archive_verify(c->reader, archive_read_from_store, object, size, c->arena, out, err);
    store_object_close(object);
    c->n_files += rc == 0 ? out->n_members : 0;
    c->bytes += rc == 0 ? out->content_bytes : 0;
    return rc;
}

static int check_case(struct checking *c, struct ds_span key, struct ds_err *err)
{
    struct archive_check a;
    struct result_key k = result_key_decode(key);
    char *inner = arena_cstr(c->arena, key);
    if (!inner)
        return ds_fail(err, DS_ETOOBIG, "key too long");
    int rc = verify_object(c, inner, &a, err);
    if (rc == 0 && !a.is_case)
        rc = ds_fail(err, DS_ECORRUPT, "its first member is not case.json");
    if (rc == 0 && !case_id_eq(a.record.id, k.id))
        rc = ds_fail(err, DS_ECORRUPT, "case.json is of another case, %.*s", (int)CASE_ID_CHARS,
                     a.record.id.hex);
    if (rc == 0 && a.record.verdict != k.verdict)
        rc = ds_fail(err, DS_ECORRUPT, "case.json says %s", verdict_name(a.record.verdict));
    if (rc < 0)
        (void)ds_wrap(err, "%s", inner);
    return rc;
}

static int check_bundle(struct checking *c, struct ds_err *err)
{
    struct archive_check a;
    char *inner = arena_cstr(c->t->arena, c->t->plan.bundle_key);
    int rc = verify_object(c, inner, &a, err);
    if (rc < 0)
        (void)ds_wrap(err, "%s", inner);
    return rc;
}

static int check_design(struct checking *c, struct ds_err *err)
{
    char sha256[65];
    sha256_of(c->t->design.text.ptr, c->t->design.text.len, sha256);
    if (strcmp(sha256, c->t->plan.design_sha256) == 0)
        return 0;
    return ds_fail(err, DS_ECORRUPT, "%.*s: its SHA-256 is not the plan's",
                   DS_FMT(c->t->plan.design_key));
}

/* One object done: count it, and say at once what is wrong with it. */
static void note(struct checking *c, struct ds_span key, int rc, const struct ds_err *err)
{
    c->n_checked++;
    if (rc < 0)
        c->n_bad++;
    if (c->cli->json) {
        ds_auto_buf out;
        struct json_writer w;
        buf_init(&out, 1u << 16);
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_text(&w, "key", key);
        jw_kv_bool(&w, "ok", rc == 0);
        if (rc < 0)
            jw_kv_cstr(&w, "error", err->text);
        jw_end_object(&w);
        (void)buf_put_char(&out, '\n');
        cli_put(c->cli, &out);
    } else if (rc < 0) {
        ds_auto_buf out;
        buf_init(&out, 1u << 16);
        (void)buf_put_text(&out, "bad: ");
        text_put(&out, ds_span_of(err->text));
        (void)buf_put_char(&out, '\n');
        cli_put(c->cli, &out);
    }
    if (c->n_checked % SAY_EVERY == 0 && isatty(STDERR_FILENO))
        log_info("%zu archives checked, %zu bad", c->n_checked, c->n_bad);
}

static void check_all(struct checking *c)
{
    struct ds_err err = {0};
    note(c, c->t->plan.design_key, check_design(c, &err), &err);
    arena_reset(c->arena);
    note(c, c->t->plan.bundle_key, check_bundle(c, &err), &err);
    for (size_t i = 0; i < c->t->listing.n_keys; i++) {
        struct ds_span key = c->t->listing.keys[i].key;
        enum key_kind kind = result_key_decode(key).kind;
        if (kind != KEY_CASE && kind != KEY_FAILED)
            continue;
        arena_reset(c->arena);
        int rc = check_case(c, key, &err);
        if (rc != DS_ENOTFOUND) /* removed meanwhile by a `run --refill` or `prune` */
            note(c, key, rc, &err);
    }
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct checking c = {.cli = cli, .t = &t};
    int rc = target_open_counted(cli, STORE_READ, &t, &err);
    if (rc == 0)
        rc = target_check_transfer(&t, cli, t.census.stored_bytes, &err);
    if (rc < 0) {
        target_close(&t);
        return cli_fail(cli, &err);
    }
    ds_auto_arena arena = arena_create(ARCHIVE_BYTES);
    c.arena = arena;
    c.reader = archive_reader_create();
    check_all(&c);
    archive_reader_destroy(c.reader);
    target_close(&t);
    if (!cli->json) {
        char size[UNITS_TEXT_BYTES];
        units_format_size(c.bytes, size);
        (void)fprintf(cli->out, "%zu objects checked (%zu files, %s): %zu bad\n", c.n_checked,
                      c.n_files, size, c.n_bad);
    }
    return c.n_bad > 0 ? CLI_CASES : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"yes", 'y', VALUE_NONE, NULL, "of a Sweep in a cluster: also when it is more than 2 GiB"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

const struct cmd_entry cmd_verify = {
    .name = "verify",
    .args = "TARGET",
    .summary = "re-read every archive and check every SHA-256",
    .text =
        "Reads the design, the bundle and each case archive to its last byte and compares every "
        "file with the SHA-256 in its case.json. With --json each line is one object: key, ok, "
        "error. A bad archive is best removed: the next run makes it again.",
    .options = OPTIONS,
    .exits = "0 all is well\n"
             "1 something is bad; each is named\n"
             "2 the input is wrong\n"
             "3 the world is wrong: no such sweep, unreadable store or plan\n",
    .json = true,
    .run = run,
};
