/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep prune TARGET - remove what no plan needs, after asking */
#include "base/json.h"
#include "base/path.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/prune.h"
#include "cli/target_io.h"
#include "cli/text.h"
#include "scheduler/bundle_paths.h"

#include <stdio.h>
#include <unistd.h>

#define OUT_BYTES  (256u << 20)
#define MAX_LISTED 20u

struct pruning {
    struct cli *cli;
    struct target *t;
    struct prune_item *items; /* keys of the whole sweep folder that go */
    size_t n, room;
    struct prune_sums sums;
    struct prune_view view;
};

static int look_at(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct pruning *p = context;
    (void)mtime_ms;
    size_t prefix = strlen(p->t->prefix);
    struct ds_span inner = {key.ptr + prefix, key.len - prefix};
    enum prune_reason why = prune_decide(&p->view, inner);
    if (why == PRUNE_KEEP)
        return 0;
    if (p->n == p->room) {
        size_t room = p->room ? p->room * 2 : 256;
        struct prune_item *more = ds_new(p->t->arena, struct prune_item, room);
        if (!more)
            return DS_ETOOBIG;
        if (p->n > 0)
            memcpy(more, p->items, p->n * sizeof *more);
        p->items = more;
        p->room = room;
    }
    struct ds_span copy = arena_copy(p->t->arena, key);
    if (!copy.ptr)
        return DS_ETOOBIG;
    p->items[p->n++] = (struct prune_item){copy, size_bytes, why};
    p->sums.n[why]++;
    p->sums.bytes[why] += size_bytes;
    return 0;
}

static void put_text(const struct pruning *p, struct ds_buf *out)
{
    char size[UNITS_TEXT_BYTES];
    for (unsigned why = PRUNE_KEEP + 1; why < PRUNE_COUNT; why++) {
        if (p->sums.n[why] == 0)
            continue;
        units_format_size(p->sums.bytes[why], size);
        (void)buf_printf(out, "%s: %zu (%s)\n", prune_reason_words((enum prune_reason)why),
                         p->sums.n[why], size);
        unsigned listed = 0;
        for (size_t i = 0; i < p->n; i++) {
            if (p->items[i].why != (enum prune_reason)why)
                continue;
            if (listed++ == MAX_LISTED && !cmd_has(p->cli->line, "all")) {
                (void)buf_printf(out, "  ... and %zu more (--all lists them)\n",
                                 p->sums.n[why] - MAX_LISTED);
                break;
            }
            (void)buf_put_text(out, "  ");
            text_put(out, p->items[i].key);
            (void)buf_put_char(out, '\n');
        }
    }
}

static void put_json(const struct pruning *p, size_t n_removed, struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_u64(&w, "found", p->n);
    jw_kv_u64(&w, "removed", n_removed);
    jw_key(&w, "objects");
    jw_array(&w);
    for (size_t i = 0; i < p->n; i++) {
        jw_object(&w);
        jw_kv_text(&w, "key", p->items[i].key);
        jw_kv_u64(&w, "size_bytes", p->items[i].size_bytes);
        jw_kv_cstr(&w, "why", prune_reason_words(p->items[i].why));
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}

/* true: go on. Only a person at a terminal can be asked. */
static bool ask(const struct pruning *p, struct ds_err *err)
{
    char answer[16] = "", size[UNITS_TEXT_BYTES];
    uint64_t bytes = 0;
    for (unsigned why = 0; why < PRUNE_COUNT; why++)
        bytes += p->sums.bytes[why];
    if (cmd_has(p->cli->line, "yes"))
        return true;
    if (!isatty(STDIN_FILENO)) {
        (void)ds_fail(err, DS_EINPUT,
                      "nobody to ask on standard input: look with --dry-run, then give --yes");
        return false;
    }
    units_format_size(bytes, size);
    (void)fflush(p->cli->out);
    (void)fprintf(stderr, "remove %zu objects (%s)? [y/N] ", p->n, size);
    if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y')) {
        (void)ds_fail(err, DS_EINPUT, "nothing removed");
        return false;
    }
    return true;
}

static int remove_all(struct pruning *p, size_t *n_removed, struct ds_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        char *key = arena_cstr(p->t->arena, p->items[i].key);
        int rc = key ? store_remove(p->t->store, key, err)
                     : ds_fail(err, DS_ETOOBIG, "too many objects");
        if (rc < 0)
            return ds_wrap(err, "after %zu of %zu objects", *n_removed, p->n);
        ++*n_removed;
    }
    return store_sweep_temporaries(p->t->store, p->t->prefix, err);
}

/* Nobody may be committing under a plan that we take for the present one. */
static int lock_out_runs(struct pruning *p, int *fd, struct ds_err *err)
{
    char holder[128], host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(holder, sizeof holder, "prune, pid %d on %s", (int)getpid(), host);
    int rc = store_lock(p->t->store, target_key(p->t, "lock"), holder, fd, err);
    if (rc == DS_EAGAIN)
        return ds_wrap(err, "%.*s is in use; wait for its end", DS_FMT(p->t->label));
    return rc;
}

/* The deck that the stored sweep file means; one that cannot be read means any. */
static void find_deck(struct pruning *p)
{
    const struct sweep *sweep;
    char key[BUNDLE_KEY_BYTES];
    if (target_sweep(p->t, &sweep, NULL) == 0
        && bundle_key_from(sweep->deck_from_kind, sweep->deck_from, key))
        p->view.deck_key = arena_copy(p->t->arena, ds_span_of(key));
}

static int prune(struct pruning *p, struct ds_err *err)
{
    size_t n_removed = 0;
    int rc = target_count(p->t, err);
    if (rc == 0)
        rc = prune_prepare(&p->t->plan, p->t->plan_digest, &p->t->design, &p->t->census,
                           p->t->arena, &p->view, err);
    if (rc == 0)
        find_deck(p);
    if (rc == 0)
        rc = store_list(p->t->store, p->t->prefix, look_at, p, err);
    if (rc == DS_ETOOBIG)
        return ds_fail(err, DS_ETOOBIG, "%.*s: too many objects", DS_FMT(p->t->label));
    if (rc < 0)
        return rc;
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    if (!p->cli->json) {
        put_text(p, &out);
        if (p->n == 0)
            (void)buf_printf(&out, "%.*s: nothing to remove\n", DS_FMT(p->t->label));
        cli_put(p->cli, &out);
    }
    bool dry = cmd_has(p->cli->line, "dry-run");
    if (!dry && p->n > 0) {
        if (!ask(p, err))
            return err->code;
        rc = remove_all(p, &n_removed, err);
    } else if (!dry) {
        rc = store_sweep_temporaries(p->t->store, p->t->prefix, err);
    }
    if (p->cli->json) {
        put_json(p, n_removed, &out);
        cli_put(p->cli, &out);
    } else if (n_removed > 0) {
        (void)fprintf(p->cli->out, "%zu objects removed\n", n_removed);
    }
    return rc < 0 ? rc : buf_check(&out, "the list of objects", err);
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct pruning p = {.cli = cli, .t = &t};
    int lock_fd = -1;
    bool dry = cmd_has(cli->line, "dry-run");
    int rc = target_find(cli, &t, &err);
    if (rc == 0 && t.cluster) /* nothing there locks out the controller's next census */
        rc = ds_fail(&err, DS_EINPUT,
                     "%.*s is in a cluster: prune works on folders only; mount the claim %s and "
                     "give <store>/<sweep>",
                     DS_FMT(t.label), t.cluster->report.store);
    if (rc == 0)
        rc = target_open_store(&t, dry ? STORE_READ : STORE_WRITE, &err);
    if (rc == 0 && !dry)
        rc = lock_out_runs(&p, &lock_fd, &err);
    if (rc == 0)
        rc = target_load(&t, &err);
    if (rc == 0)
        rc = prune(&p, &err);
    if (lock_fd >= 0)
        (void)close(lock_fd);
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"dry-run", 0, VALUE_NONE, NULL, "list what would go, remove nothing"},
    {"yes", 'y', VALUE_NONE, NULL, "do not ask"},
    {"all", 0, VALUE_NONE, NULL, "list every object, not the first 20 of a kind"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep prune results/spe1 --dry-run", "what is there that the present plan does not need"},
    {NULL, NULL},
};

const struct cmd_entry cmd_prune = {
    .name = "prune",
    .args = "TARGET",
    .summary = "remove what the present plan does not need, after asking",
    .text =
        "Goes: results of cases that are not in the present plan, narrower archives of cases that "
        "also have one with more result classes, plans, designs and bundles of earlier plans, and "
        "temporaries that crashed writers left. Stays: everything else, also files that are not "
        "decksweep's. Waits for no run: while one holds the sweep, it refuses.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = run,
};
