/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/target_io.h"

#include "base/fs_io.h"
#include "base/path.h"
#include "base/units.h"
#include "cli/store_pod_io.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CASE_JSON_BYTES ((size_t)8 << 20)
#define MAX_NAMED       5u
#define ASK_BYTES       (UINT64_C(2) << 30)

const char *target_key(const struct target *t, const char *inner)
{
    return arena_format(t->arena, "%s%s", t->prefix, inner).ptr;
}

/* The sweeps in a folder that was given instead of one of them: "a, b". */
static void put_sweeps(const char *folder, struct ds_buf *out)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned n = 0;
    while (dir && (entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe): own DIR
        char path[PATH_MAX_BYTES];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s/plan.json", folder, entry->d_name);
        if (entry->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof path
            || stat(path, &st) != 0)
            continue;
        if (n++ == MAX_NAMED) {
            (void)buf_put_text(out, ", ...");
            break;
        }
        (void)buf_printf(out, "%s%s/%s", n > 1 ? ", " : "", folder, entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
}

/* A store was given instead of a sweep: DS_EINPUT names what is in it. */
static int check_is_sweep(const char *folder, struct ds_err *err)
{
    char plan[PATH_MAX_BYTES];
    struct stat st;
    ds_auto_buf sweeps;
    buf_init(&sweeps, 65536);
    int n = snprintf(plan, sizeof plan, "%s/plan.json", folder);
    if (n > 0 && (size_t)n < sizeof plan && stat(plan, &st) == 0)
        return 0;
    put_sweeps(folder, &sweeps);
    if (sweeps.len == 0)
        return 0;
    return ds_fail(err, DS_EINPUT, "%s is a store, not a sweep: did you mean %s?", folder,
                   sweeps.data);
}

static int explain_missing(struct ds_span path, struct ds_err *err)
{
    char folder[PATH_MAX_BYTES];
    ds_auto_buf sweeps;
    buf_init(&sweeps, 65536);
    struct ds_span dir = path_dir(path);
    (void)snprintf(folder, sizeof folder, "%.*s", DS_FMT(dir));
    put_sweeps(dir.len > 0 ? folder : ".", &sweeps);
    return ds_fail(
        err, DS_ENOTFOUND,
        "no sweep at %.*s: TARGET is <store>/<sweep>, a sweep file that was run, or with "
        "-n NAMESPACE the name of a Sweep in a cluster%s%s",
        DS_FMT(path), sweeps.len ? "; there is " : "", sweeps.len ? sweeps.data : "");
}

static int find_path(struct target *t, struct ds_span store, struct ds_span sweep,
                     struct ds_err *err)
{
    t->label = path_join(t->arena, store, sweep);
    char *url = arena_cstr(t->arena, store);
    char *label = arena_cstr(t->arena, t->label);
    t->sweep = arena_copy(t->arena, sweep);
    if (!url || !label || !t->sweep.ptr || sweep.len > SWEEP_MAX_NAME_BYTES)
        return ds_fail(err, DS_ETOOBIG, "TARGET is too long");
    t->url = url;
    (void)snprintf(t->prefix, sizeof t->prefix, "%.*s/", DS_FMT(sweep));
    bool remote = strstr(url, "://") != NULL;
    struct stat st;
    if (!remote && (stat(label, &st) != 0 || !S_ISDIR(st.st_mode)))
        return explain_missing(t->label, err);
    if (!remote && check_is_sweep(label, err) < 0)
        return DS_EINPUT;
    return 0;
}

static void warn_of_skew(const struct sweep_report *r)
{
    const char *theirs = r->status.controller_version;
    if (theirs[0] && strcmp(theirs, DECKSWEEP_VERSION) != 0)
        log_warn("the cluster's controller is decksweep %s, this program is " DECKSWEEP_VERSION,
                 theirs);
}

static int find_name(const struct cli *cli, struct target *t, struct ds_span name, bool asked,
                     struct ds_err *err)
{
    struct target_cluster *c = ds_new(t->arena, struct target_cluster, 1);
    char *text = arena_cstr(t->arena, name);
    ds_auto_buf label;
    buf_init(&label, 4096);
    if (!c || !text || name.len > SWEEP_MAX_NAME_BYTES)
        return ds_fail(err, DS_ETOOBIG, "TARGET is too long");
    c->guessed = !asked;
    int rc = cluster_open(cli, &c->at, err);
    if (rc < 0)
        return rc;
    t->cluster = c;
    rc = cluster_get_sweep(&c->at, text, &c->report, &c->object, err);
    if (rc == DS_ENOTFOUND && !asked)
        return ds_wrap(err, "no folder %s here, and in the cluster", text);
    if (rc < 0)
        return rc;
    warn_of_skew(&c->report);
    sweep_report_label(&c->report, &label);
    t->sweep = arena_copy(t->arena, name);
    t->label = arena_copy(t->arena, buf_span(&label));
    (void)snprintf(t->prefix, sizeof t->prefix, "%.*s/", DS_FMT(name));
    return 0;
}

static int find_by_file(const struct cli *cli, struct target *t, const char *path, bool asked,
                        struct ds_err *err)
{
    struct ds_span text;
    struct sweep_problems *problems = ds_new(t->arena, struct sweep_problems, 1);
    t->from_file = ds_new(t->arena, struct sweep, 1);
    if (!problems || !t->from_file)
        return ds_fail(err, DS_ETOOBIG, "%s: does not fit", path);
    int rc = fs_read_file(path, SWEEP_MAX_FILE_BYTES, t->arena, &text, err);
    if (rc < 0)
        return rc;
    rc = sweep_parse(ds_span_of(path), text, t->arena, t->from_file, problems, err);
    if (rc < 0)
        return rc;
    bool on_claim = ds_span_starts(t->from_file->store, "pvc://");
    if (asked || (on_claim && cluster_is_configured()))
        return find_name(cli, t, t->from_file->name, true, err);
    if (on_claim)
        return ds_fail(
            err, DS_EINPUT,
            "%s: spec.results.store: %.*s is a volume of a cluster, and there is no kubeconfig: "
            "give one with --kubeconfig, or <store>/<sweep> as TARGET where it is mounted, or "
            "--store to `decksweep run`",
            path, DS_FMT(t->from_file->store));
    bool remote = ds_span_starts(t->from_file->store, "s3://");
    struct ds_span store =
        remote
            ? t->from_file->store
            : path_normalise(t->arena, path_join(t->arena, t->from_file->dir, t->from_file->store));
    return find_path(t, store, t->from_file->name, err);
}

int target_find(const struct cli *cli, struct target *out, struct ds_err *err)
{
    const char *text = cli_arg(cli, 0);
    struct target_words words;
    struct stat st;
    bool there = stat(text, &st) == 0;
    struct target_facts facts = {
        .asked = cluster_is_asked(cli),
        .has_cluster = cluster_is_configured(),
        .is_folder = there && S_ISDIR(st.st_mode),
    };
    *out = (struct target){.arena = cli->arena};
    int rc = target_parse(ds_span_of(text), facts, cli->arena, &words, err);
    if (rc < 0 && (strcmp(text, ".") == 0 || ds_span_ends(ds_span_of(text), ".."))) {
        char real[PATH_MAX_BYTES];
        if (realpath(text, real))
            rc = target_parse(arena_copy(cli->arena, ds_span_of(real)), facts, cli->arena, &words,
                              err);
    }
    if ((rc < 0 || words.kind != TARGET_FILE) && there && S_ISREG(st.st_mode) && !facts.asked)
        return ds_fail(err, DS_EINPUT,
                       "%s is a file, but no sweep file (they end in .yaml or .yml)", text);
    if (rc < 0)
        return rc;
    if (words.kind == TARGET_FILE)
        return find_by_file(cli, out, text, facts.asked, err);
    if (words.kind == TARGET_NAME)
        return find_name(cli, out, words.sweep, facts.asked, err);
    return find_path(out, words.store, words.sweep, err);
}

static void say_waiting(void *context, const char *text)
{
    (void)context;
    log_info("%s", text);
}

static int open_claim(struct target *t, enum store_mode mode, struct ds_err *err)
{
    struct target_cluster *c = t->cluster;
    struct store_pod_options o = {
        .loop = c->at.loop,
        .kube = c->at.kube,
        .sweep = c->object,
        .write = mode == STORE_WRITE,
        .say = say_waiting,
    };
    return store_pod_open(&o, &t->store, err);
}

int target_open_store(struct target *t, enum store_mode mode, struct ds_err *err)
{
    if (t->cluster) {
        int rc = open_claim(t, mode, err);
        return rc < 0 ? ds_wrap(err, "%.*s: results", DS_FMT(t->label)) : 0;
    }
    int rc = store_open(t->url, mode, &t->store, err);
    return rc < 0 ? ds_wrap(err, "store %s", t->url) : 0;
}

int target_open(const struct cli *cli, enum store_mode mode, struct target *out, struct ds_err *err)
{
    int rc = target_find(cli, out, err);
    return rc < 0 ? rc : target_open_store(out, mode, err);
}

void target_close(struct target *t)
{
    store_close(t->store);
    t->store = NULL;
    if (!t->cluster)
        return;
    json_destroy(t->cluster->object);
    cluster_close(&t->cluster->at);
    t->cluster = NULL;
}

int target_check_transfer(const struct target *t, const struct cli *cli, uint64_t bytes,
                          struct ds_err *err)
{
    char size[UNITS_TEXT_BYTES];
    if (!t->cluster || bytes <= ASK_BYTES || cmd_has(cli->line, "yes"))
        return 0;
    units_format_size(bytes, size);
    return ds_fail(err, DS_EINPUT,
                   "this reads up to %s through the cluster's API server: give --yes to do it, ask "
                   "for less, or mount the claim %s",
                   size, t->cluster->report.store);
}

static int load_design(struct target *t, struct ds_err *err)
{
    struct ds_span text;
    char *name = arena_cstr(t->arena, t->plan.design_key);
    const char *key = name ? target_key(t, name) : NULL;
    if (!key)
        return ds_fail(err, DS_ETOOBIG, "the plan does not fit");
    int rc = store_get(t->store, key, DESIGN_MAX_BYTES, t->arena, &text, err);
    if (rc < 0)
        return ds_wrap(err, "%.*s: read the design", DS_FMT(t->label));
    rc = design_decode(text, t->arena, &t->design, err);
    return rc < 0 ? ds_wrap(err, "%.*s: %s", DS_FMT(t->label), name) : 0;
}

int target_load(struct target *t, struct ds_err *err)
{
    struct ds_span text;
    int rc = store_get(t->store, target_key(t, "plan.json"), PLAN_MAX_BYTES, t->arena, &text, err);
    if (rc == DS_ENOTFOUND && t->cluster)
        return ds_fail(err, DS_ENOTFOUND,
                       "%.*s has no plan yet (%s%s%s): `decksweep status` tells what happens",
                       DS_FMT(t->label), sweep_phase_name(t->cluster->report.status.phase),
                       t->cluster->report.status.message[0] ? ": " : "",
                       t->cluster->report.status.message);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_ENOTFOUND,
                       "%.*s has no plan yet: `decksweep run` its sweep file first",
                       DS_FMT(t->label));
    if (rc < 0)
        return ds_wrap(err, "%.*s: read the plan", DS_FMT(t->label));
    rc = plan_decode(text, t->arena, &t->plan, err);
    if (rc < 0)
        return ds_wrap(err, "%.*s: plan.json", DS_FMT(t->label));
    plan_digest(text, t->plan_digest);
    return load_design(t, err);
}

int target_count(struct target *t, struct ds_err *err)
{
    int rc = census_list(t->store, t->prefix, t->arena, &t->listing, err);
    if (rc < 0)
        return ds_wrap(err, "%.*s: list", DS_FMT(t->label));
    struct census_policy policy = census_policy_of(&t->plan);
    struct measured none = {0};
    struct capacity no_limit = {0};
    return census_take(&t->design, t->listing.keys, t->listing.n_keys, &none, no_limit, &policy,
                       t->arena, &t->census, err);
}

int target_open_counted(const struct cli *cli, enum store_mode mode, struct target *out,
                        struct ds_err *err)
{
    int rc = target_open(cli, mode, out, err);
    if (rc == 0)
        rc = target_load(out, err);
    if (rc == 0)
        rc = target_count(out, err);
    return rc;
}

bool target_has_plan(const struct target *t)
{
    char path[PATH_MAX_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%.*s/plan.json", DS_FMT(t->label));
    return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0;
}

bool target_may_come(const struct target *t)
{
    char path[PATH_MAX_BYTES] = ".";
    struct stat st;
    if (t->cluster || t->label.len == 0 || memmem(t->label.ptr, t->label.len, "://", 3)
        || target_has_plan(t))
        return false;
    struct ds_span above = path_dir(path_dir(t->label));
    if (above.len > 0)
        (void)snprintf(path, sizeof path, "%.*s", DS_FMT(above));
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int target_sweep(struct target *t, const struct sweep **out, struct ds_err *err)
{
    if (t->from_file) {
        *out = t->from_file;
        return 0;
    }
    struct ds_span text;
    struct sweep *sweep = ds_new(t->arena, struct sweep, 1);
    struct sweep_problems *problems = ds_new(t->arena, struct sweep_problems, 1);
    struct ds_span path = arena_format(t->arena, "%.*s/sweep.yaml", DS_FMT(t->label));
    if (!sweep || !problems || !path.ptr)
        return ds_fail(err, DS_ETOOBIG, "the sweep file does not fit");
    int rc = store_get(t->store, target_key(t, "sweep.yaml"), SWEEP_MAX_FILE_BYTES, t->arena, &text,
                       err);
    if (rc < 0)
        return ds_wrap(err, "%.*s", DS_FMT(path));
    rc = sweep_parse(path, text, t->arena, sweep, problems, err);
    if (rc == 0)
        *out = sweep;
    return rc;
}

int case_archive_open(const struct target *t, const char *inner, struct archive_reader *reader,
                      struct ds_arena *a, struct case_archive *out, struct ds_err *err)
{
    struct case_archive c = {0};
    char key[STORE_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s%s", t->prefix, inner);
    int rc = store_object_open(t->store, key, &c.object, &c.size_bytes, err);
    if (rc < 0)
        return ds_wrap(err, "%s", inner);
    rc = archive_read_index(archive_read_from_store, c.object, c.size_bytes, a, &c.index, err);
    const struct archive_member *first =
        rc == 0 ? archive_find(&c.index, DS_SPAN("case.json")) : NULL;
    if (rc == 0 && !first)
        rc = ds_fail(err, DS_ECORRUPT, "holds no case.json");
    if (rc == 0)
        rc = archive_read_member(reader, archive_read_from_store, c.object, first, CASE_JSON_BYTES,
                                 a, &c.case_json, err);
    if (rc == 0)
        rc = case_record_decode(c.case_json, a, &c.record, err);
    if (rc == 0 && !case_id_eq(c.record.id, result_key_decode(ds_span_of(inner)).id))
        rc = ds_fail(err, DS_ECORRUPT, "its case.json is of another case, %.*s", (int)CASE_ID_CHARS,
                     c.record.id.hex);
    if (rc < 0) {
        store_object_close(c.object);
        return ds_wrap(err, "%s", inner);
    }
    *out = c;
    return 0;
}

void case_archive_close(struct case_archive *c)
{
    store_object_close(c->object);
    c->object = NULL;
}
