/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What submit does before it talks to a cluster: plan, check what only a cluster needs, pack the deck. */
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/units.h"
#include "cli/session_io.h"
#include "cli/submit_parts_io.h"
#include "scheduler/job_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- the sweep file ---- */

static int read_file(struct submit *s, struct ds_span *text, struct sweep *sweep,
                     struct sweep_problems *problems, struct ds_err *err)
{
    struct ds_arena *a = s->cli->arena;
    struct yaml_node *root = NULL;
    int rc = fs_read_file(s->o->sweep_path, SWEEP_MAX_FILE_BYTES, a, text, err);
    if (rc < 0)
        return rc == DS_ETOOBIG ? ds_fail(err, DS_EINPUT, "%s: more than 4 MiB is no sweep file",
                                          s->o->sweep_path)
                                : rc;
    rc = sweep_parse(ds_span_of(s->o->sweep_path), *text, a, sweep, problems, err);
    if (rc < 0)
        return rc;
    rc = yaml_parse(*text, SWEEP_MAX_FILE_BYTES, a, &root, NULL, err);
    s->root = root;
    return rc;
}

static void tell_problems(const struct submit *s, const struct sweep_problems *problems)
{
    char text[SWEEP_PROBLEM_BYTES];
    for (size_t i = 0; i < problems->n; i++) {
        sweep_problem_format(ds_span_of(s->o->sweep_path), &problems->at[i], text);
        log_error("%s", text);
    }
    if (problems->more > 0)
        log_error("and %zu more", problems->more);
}

static int read_sweep(struct submit *s, bool *told, struct ds_err *err)
{
    struct ds_span text;
    struct sweep *sweep = ds_new(s->cli->arena, struct sweep, 1);
    struct sweep_problems *problems = ds_new(s->cli->arena, struct sweep_problems, 1);
    if (!sweep || !problems)
        return ds_fail(err, DS_ETOOBIG, "the sweep file does not fit");
    int rc = read_file(s, &text, sweep, problems, err);
    if (rc < 0) {
        tell_problems(s, problems);
        *told = problems->n > 0;
        return rc;
    }
    s->sweep = sweep;
    s->name = arena_cstr(s->cli->arena, sweep->name);
    const struct yaml_node *space = yaml_get(yaml_get(s->root, "metadata"), "namespace");
    s->file_namespace = yaml_is_null(space) ? NULL : arena_cstr(s->cli->arena, space->text);
    return 0;
}

static int plan_deck(struct submit *s, bool *told, struct ds_err *err)
{
    struct plan_faults faults;
    int rc = plan_load_unasked(s->o->sweep_path, &s->planned, &faults, err);
    if (rc < 0 && faults.n > 0) {
        session_tell_faults(s->o->sweep_path, &faults);
        *told = true;
    }
    if (rc < 0)
        return rc;
    const struct planned_view *view = planned_view(s->planned);
    for (size_t i = 0; i < view->n_warnings; i++)
        log_warn("%.*s", DS_FMT(view->warnings[i]));
    s->n_cases = view->design->n_rows;
    return 0;
}

/* ---- what only a cluster needs ---- */

static int at_store(const struct submit *s, struct ds_err *err)
{
    struct sweep_pos pos = s->sweep->store_pos;
    if (pos.line == 0)
        return ds_wrap(err, "%s", s->o->sweep_path);
    return ds_wrap(err, "%s:%u:%u", s->o->sweep_path, pos.line, pos.column);
}

static int check_for_cluster(struct submit *s, struct ds_err *err)
{
    struct ds_span claim, path;
    if (!ds_span_starts(s->sweep->store, "pvc://")) {
        (void)ds_fail(err, DS_EINPUT,
                      "spec.results.store: '%.*s' cannot be reached from a cluster's pods; write "
                      "pvc://claim/path, a PersistentVolumeClaim of the namespace",
                      (int)(s->sweep->store.len < 100 ? s->sweep->store.len : 100),
                      s->sweep->store.ptr);
        return at_store(s, err);
    }
    if (manifest_claim_parse(s->sweep->store, &claim, &path, err) < 0)
        return at_store(s, err);
    if (!s->o->image && s->sweep->image.len == 0)
        return ds_fail(err, DS_EINPUT,
                       "%s: spec.simulator.image is missing: name the container image that holds "
                       "the simulator, there or in DECKSWEEP_SIMULATOR_IMAGE",
                       s->o->sweep_path);
    const char *asked = cmd_text(s->cli->line, "namespace");
    if (asked && s->file_namespace && strcmp(asked, s->file_namespace) != 0)
        return ds_fail(err, DS_EINPUT, "%s is of the namespace %s, but --namespace says %s",
                       s->o->sweep_path, s->file_namespace, asked);
    return 0;
}

/* ---- the deck ---- */

static int open_temporary(int *fd, struct ds_err *err)
{
    const char *folder = env_temporary_folder(NULL);
    ds_auto_free char *name = NULL;
    *fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return 0;
    if (asprintf(&name, "%s/decksweep-deck-XXXXXX", folder) < 0)
        abort();
    *fd = mkostemp(name, O_CLOEXEC);
    if (*fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "temporary file in %s", folder);
    (void)unlink(name);
    return 0;
}

static int pack_deck(struct submit *s, struct ds_err *err)
{
    char sha256[SHA256_HEX_BYTES], hex[BUNDLE_HEX_BYTES];
    int rc = open_temporary(&s->deck_fd, err);
    if (rc == 0)
        rc = plan_write_deck(s->planned, s->deck_fd, &s->deck_bytes, sha256, err);
    if (rc < 0)
        return rc;
    memcpy(hex, sha256, sizeof hex - 1);
    hex[sizeof hex - 1] = '\0';
    if (s->deck_bytes <= SUBMIT_CONFIG_MAP_BYTES) {
        (void)snprintf(s->config_map, sizeof s->config_map, "%s-%s", s->name, hex);
        s->edit.config_map = s->config_map;
    } else {
        bundle_key_of(hex, s->store_key);
        s->edit.store_key = s->store_key;
    }
    return 0;
}

/* ---- options ---- */

static int set_once(struct submit *s, struct ds_err *err)
{
    const struct submit_options *o = s->o;
    uint32_t random;
    size_t n = 0;
    const struct {
        bool given;
        const char *word;
    } wishes[] = {{o->retry_failed, "retry-failed"},
                  {o->refill, "refill"},
                  {o->accept, "accept"},
                  {o->replace, "replace"}};
    for (size_t i = 0; i < DS_COUNT(wishes); i++)
        if (wishes[i].given && n < DS_COUNT(s->edit.once_do))
            s->edit.once_do[n++] = wishes[i].word;
    s->edit.keep_once = n == 0;
    if (n == 0)
        return 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return ds_fail(err, DS_EIO, "the system gives no random bytes");
    (void)snprintf(s->token, sizeof s->token, "submit-%lld-%08x", (long long)time(NULL), random);
    s->edit.once_token = s->token;
    return 0;
}

/* What the environment says instead of the file may be forgotten there. */
static void tell_image(const struct submit *s)
{
    struct ds_span file = s->sweep->image;
    if (s->o->image && file.len > 0 && !ds_span_is(file, s->o->image))
        log_info(
            "spec.simulator.image is %s, as DECKSWEEP_SIMULATOR_IMAGE says, not the file's %.*s",
            s->o->image, DS_FMT(file));
}

int submit_prepare(struct submit *s, bool *told, struct ds_err *err)
{
    *told = false;
    int rc = read_sweep(s, told, err);
    if (rc < 0)
        return rc;
    bool brings = s->sweep->deck_from_kind.len == 0;
    rc = brings ? plan_deck(s, told, err) : 0;
    if (rc == 0)
        rc = check_for_cluster(s, err);
    if (rc == 0 && brings)
        rc = pack_deck(s, err);
    if (rc < 0)
        return rc;
    s->edit.image = s->o->image;
    tell_image(s);
    return set_once(s, err);
}
