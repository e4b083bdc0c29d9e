/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep fetch TARGET [CASE...] - files of cases and the dataset, out of the store */
#include "base/json.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/fetch_io.h"

#include <stdio.h>
#include <unistd.h>

struct fetching {
    struct cli *cli;
    struct target *t;
    struct fetch fetch;
    uint32_t *rows;
    size_t n_rows;
    size_t n_missing; /* cases that were asked for by name and have no archive */
};

static int choose_rows(struct fetching *f, struct ds_err *err)
{
    size_t n_args = f->cli->line->n_args - 1, n = 0;
    bool all =
        n_args == 0 && (!cmd_has(f->cli->line, "dataset") || cmd_has(f->cli->line, "member"));
    f->rows = ds_new(f->cli->arena, uint32_t, all ? f->t->design.n_rows : n_args);
    if (!f->rows)
        return ds_fail(err, DS_ETOOBIG, "too many cases");
    for (uint32_t row = 0; all && row < f->t->design.n_rows; row++)
        f->rows[n++] = row;
    for (size_t i = 0; i < n_args; i++) {
        int rc = target_find_case(&f->t->design, ds_span_of(f->cli->line->args[i + 1]),
                                  &f->rows[n++], err);
        if (rc < 0)
            return rc;
    }
    f->n_rows = n;
    return 0;
}

/* --member CLASS or GLOB, also several of each. */
static int choose_members(struct fetching *f, struct ds_err *err)
{
    const char *one;
    for (size_t i = 0; (one = cmd_text_at(f->cli->line, "member", i)); i++) {
        unsigned class = result_class_from_name(ds_span_of(one));
        struct keep *k = &f->fetch.members;
        f->fetch.some_members = true;
        if (class != 0)
            k->classes |= class;
        else if (k->n_globs == KEEP_MAX_GLOBS)
            return ds_fail(err, DS_EINPUT, "--member: more than %u patterns", KEEP_MAX_GLOBS);
        else
            k->globs[k->n_globs++] = ds_span_of(one);
    }
    return 0;
}

/* ---- through the API server ---- */

static int add_size(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    (void)key;
    (void)mtime_ms;
    *(uint64_t *)context += size_bytes;
    return 0;
}

static int add_archive(struct fetching *f, const char *key, uint64_t *bytes, struct ds_err *err)
{
    uint64_t size = 0;
    int rc = store_head(f->t->store, target_key(f->t, key), &size, err);
    *bytes += rc == 0 ? size : 0;
    return rc == DS_ENOTFOUND ? 0 : rc; /* gone meanwhile: fetch_case says so */
}

static bool wants_dataset(const struct fetching *f)
{
    bool everything = f->cli->line->n_args == 1 && !f->fetch.some_members;
    return everything || cmd_has(f->cli->line, "dataset");
}

/* Sizes of all that may be read: one listing where it is all, else a look at each. */
static int measure(struct fetching *f, uint64_t *bytes, struct ds_err *err)
{
    char prefix[STORE_KEY_BYTES];
    int rc = 0;
    *bytes = 0;
    if (f->n_rows == f->t->design.n_rows) {
        (void)snprintf(prefix, sizeof prefix, "%scases/", f->t->prefix);
        rc = store_list(f->t->store, prefix, add_size, bytes, err);
    }
    for (size_t i = 0; i < f->n_rows && f->n_rows < f->t->design.n_rows && rc == 0; i++) {
        char key[RESULT_KEY_BYTES];
        if (target_archive_key(&f->t->design, target_tally(f->t, f->rows[i]), key))
            rc = add_archive(f, key, bytes, err);
    }
    if ((rc == 0 || rc == DS_ENOTFOUND) && wants_dataset(f)) {
        (void)snprintf(prefix, sizeof prefix, "%sdataset/", f->t->prefix);
        rc = store_list(f->t->store, prefix, add_size, bytes, err);
    }
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static int check_size(struct fetching *f, struct ds_err *err)
{
    uint64_t bytes;
    if (!f->t->cluster)
        return 0;
    int rc = measure(f, &bytes, err);
    return rc < 0 ? rc : target_check_transfer(f->t, f->cli, bytes, err);
}

static void say_progress(const struct fetching *f, size_t done)
{
    char size[UNITS_TEXT_BYTES];
    if (!isatty(STDERR_FILENO))
        return;
    units_format_size(f->fetch.sums.bytes, size);
    (void)fprintf(stderr, "\r\033[K%zu/%zu cases, %zu files, %s", done, f->n_rows,
                  f->fetch.sums.n_written, size);
}

static int fetch_all(struct fetching *f, struct ds_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->n_rows && rc == 0; i++) {
        char key[RESULT_KEY_BYTES];
        const struct case_tally *tally = target_tally(f->t, f->rows[i]);
        if (!target_archive_key(&f->t->design, tally, key)) {
            f->n_missing++;
            continue;
        }
        rc = fetch_case(&f->fetch, f->t->design.number[f->rows[i]], key, err);
        say_progress(f, i + 1);
    }
    if (isatty(STDERR_FILENO) && f->n_rows > 0)
        (void)fprintf(stderr, "\r\033[K");
    if (rc == 0 && wants_dataset(f))
        rc = fetch_dataset(&f->fetch, cmd_has(f->cli->line, "dataset"), err);
    return rc;
}

/* A class or pattern that no file had: a typing error, or not in results.keep. */
static void warn_of_unfound(const struct fetching *f)
{
    const struct fetch *x = &f->fetch;
    if (!x->some_members || x->sums.n_cases == 0)
        return;
    for (unsigned one = 1; one < CLASS_ALL && x->members.classes != CLASS_ALL; one <<= 1)
        if (one & x->members.classes & ~x->classes_found)
            log_warn("--member %s: no case has a file of this class; results.keep decides what is "
                     "kept",
                     result_class_name(one));
    for (size_t i = 0; i < x->members.n_globs; i++)
        if (!x->globs_found[i])
            log_warn("--member %.*s: no case has such a file; classes are summary, log, grid, "
                     "init, restart, rft, debug",
                     DS_FMT(x->members.globs[i]));
}

static void report(const struct fetching *f, const char *dir)
{
    const struct fetch_sums *s = &f->fetch.sums;
    char size[UNITS_TEXT_BYTES];
    units_format_size(s->bytes, size);
    if (!f->cli->json) {
        (void)fprintf(f->cli->out, "%s: %zu %s, %zu %s written (%s)", dir, s->n_cases,
                      s->n_cases == 1 ? "case" : "cases", s->n_written,
                      s->n_written == 1 ? "file" : "files", size);
        if (s->n_there > 0)
            (void)fprintf(f->cli->out, ", %zu were there", s->n_there);
        if (f->n_missing > 0)
            (void)fprintf(f->cli->out, ", %zu cases have not run", f->n_missing);
        (void)fputc('\n', f->cli->out);
        return;
    }
    ds_auto_buf out;
    struct json_writer w;
    buf_init(&out, 65536);
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_cstr(&w, "folder", dir);
    jw_kv_u64(&w, "cases", s->n_cases);
    jw_kv_u64(&w, "files_written", s->n_written);
    jw_kv_u64(&w, "files_there", s->n_there);
    jw_kv_u64(&w, "bytes", s->bytes);
    jw_kv_u64(&w, "cases_missing", f->n_missing);
    jw_end_object(&w);
    (void)buf_put_char(&out, '\n');
    cli_put(f->cli, &out);
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct fetching f = {.cli = cli, .t = &t};
    const char *dir = cmd_text(cli->line, "output");
    int rc = target_open_counted(cli, STORE_READ, &t, &err);
    if (rc == 0)
        rc = choose_rows(&f, &err);
    if (rc == 0)
        rc = choose_members(&f, &err);
    if (rc == 0)
        rc = check_size(&f, &err);
    if (rc == 0 && !dir)
        dir = arena_cstr(cli->arena, t.sweep);
    if (rc == 0)
        rc = fetch_open(&f.fetch, &t, dir, &err);
    if (rc == 0) {
        rc = fetch_all(&f, &err);
        fetch_close(&f.fetch);
    }
    if (rc == 0) {
        report(&f, dir);
        warn_of_unfound(&f);
    }
    target_close(&t);
    if (rc < 0)
        return cli_fail(cli, &err);
    return f.n_missing > 0 && cli->line->n_args > 1 ? CLI_CASES : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"member", 'm', VALUE_TEXT, "CLASS|GLOB",
     "only files of a class (summary, log, grid, init, restart, rft, debug) or with such a name; "
     "may be given several times"},
    {"dataset", 0, VALUE_NONE, NULL, "the dataset; without CASE and --member nothing else"},
    {"output", 'o', VALUE_FOLDER, "DIR", "where to (default: a folder named like the sweep)"},
    {"yes", 'y', VALUE_NONE, NULL, "from a cluster: also when it is more than 2 GiB"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep fetch results/spe1 17 -o out", "all files of case 17, into out/case-000017/"},
    {"decksweep fetch results/spe1 --member '*.PRT' -o logs", "the PRT file of every case"},
    {"decksweep fetch results/spe1 --dataset -o .", "dataset/ with summary.nc and the rest"},
    {"decksweep fetch spe1 -n team -o out", "all results of a Sweep in a cluster"},
    {NULL, NULL},
};

const struct cmd_entry cmd_fetch = {
    .name = "fetch",
    .args = "TARGET [CASE...]",
    .summary = "copy files of cases and the dataset out of the store",
    .text =
        "Writes DIR/case-000017/... and DIR/dataset/; without CASE everything there is. Each file "
        "appears whole under its name, after its SHA-256 has been compared with case.json; the "
        "same command goes on where it was interrupted. Failed cases come with what their last "
        "attempt left. Of a Sweep in a cluster everything comes through a store pod and the API "
        "server: more than 2 GiB only with --yes.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .exits = "0 done\n"
             "1 a case that was named has not run yet\n"
             "2 the input is wrong\n"
             "3 the world is wrong: store, disk, a file with a wrong SHA-256\n"
             "130 interrupted, the same command goes on\n",
    .json = true,
    .run = run,
};
