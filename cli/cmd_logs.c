/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep logs TARGET CASE - what the simulator said: from the archive, or live */
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "cli/cluster_logs_io.h"
#include "cli/cmd.h"
#include "cli/target_io.h"
#include "cli/text.h"
#include "cli/watch_io.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES 65536u
#define POLL_MS     300
#define FIND_MS     3000

struct logs {
    struct cli *cli;
    struct target *t;
    uint32_t row;
    const char *file; /* --file, or NULL */
    const char *root; /* SPE1 */
    struct watch watch;
    /* what the runs' files tell of this case */
    bool running, same_host;
    int64_t pid;
    char folder[PATH_MAX_BYTES];
    char tail[EVENT_TAIL_BYTES];
    bool tail_is_new;
};

/* Control bytes stay out of terminals; files and pipes get the bytes as they are. */
static void put_log(const struct logs *l, const void *data, size_t n)
{
    if (!isatty(fileno(l->cli->out))) {
        (void)fwrite(data, 1, n, l->cli->out);
        return;
    }
    ds_auto_buf clean;
    buf_init(&clean, (size_t)PIECE_BYTES * 4);
    text_put_lines(&clean, (struct ds_span){data, n});
    cli_put(l->cli, &clean);
}

static int put_sink(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)err;
    put_log(context, data, n);
    return 0;
}

/* ---- out of the archive ---- */

static const struct archive_member *find_member(const struct logs *l, const struct case_archive *a)
{
    char name[PATH_MAX_BYTES];
    const struct archive_member *m = NULL;
    const struct case_record *r = &a->record;
    if (l->file) {
        m = archive_find(&a->index, ds_span_of(l->file));
        if (m)
            return m;
        (void)snprintf(name, sizeof name, "%.*s%s", DS_FMT(r->dir), l->file);
        return archive_find(&a->index, ds_span_of(name));
    }
    (void)snprintf(name, sizeof name, "%.*s%.*s.PRT", DS_FMT(r->dir), DS_FMT(r->root));
    m = archive_find(&a->index, ds_span_of(name));
    static const char *const OTHERS[] = {"stdout", "stderr"};
    for (size_t i = 0; i < DS_COUNT(OTHERS) && !m; i++) {
        m = archive_find(&a->index, ds_span_of(OTHERS[i]));
        (void)snprintf(name, sizeof name, "%.*s%s", DS_FMT(r->dir), OTHERS[i]);
        m = m ? m : archive_find(&a->index, ds_span_of(name));
    }
    return m;
}

static int fail_no_member(const struct logs *l, const struct case_archive *a, struct ds_err *err)
{
    ds_auto_buf names;
    buf_init(&names, 300);
    for (size_t i = 0; i < a->index.n_members; i++)
        (void)buf_printf(&names, "%s%.*s", i ? ", " : "", DS_FMT(a->index.members[i].name));
    return ds_fail(err, DS_ENOTFOUND, "case %u: the archive has no %s; it holds %s%s",
                   l->t->design.number[l->row],
                   l->file ? l->file : "log (is `log` in results.keep?)",
                   names.data ? names.data : "nothing", names.failed ? ", ..." : "");
}

static int put_archived(struct logs *l, const char *key, struct ds_err *err)
{
    struct case_archive a;
    struct archive_reader *reader = archive_reader_create();
    int rc = case_archive_open(l->t, key, reader, l->t->arena, &a, err);
    if (rc == 0) {
        const struct archive_member *m = find_member(l, &a);
        if (m)
            rc = archive_stream_member(reader, archive_read_from_store, a.object, m, put_sink, l,
                                       NULL, err);
        else
            rc = fail_no_member(l, &a, err);
        case_archive_close(&a);
    }
    archive_reader_destroy(reader);
    return rc;
}

/* ---- of a running case ---- */

static void take_event(void *context, const struct watch_run *run, const struct event *e)
{
    struct logs *l = context;
    if (e->number != (int64_t)l->t->design.number[target_tally(l->t, l->row)->row])
        return;
    switch (e->kind) {
    case EVENT_STARTED:
        l->running = true;
        l->same_host = run->same_host;
        l->pid = e->pid;
        l->folder[0] = '\0';
        if (e->text[0] == '/')
            (void)snprintf(l->folder, sizeof l->folder, "%s", e->text);
        break;
    case EVENT_PROGRESS:
        l->running = true;
        l->same_host = run->same_host;
        if (e->tail[0] && strcmp(e->tail, l->tail) != 0) {
            memcpy(l->tail, e->tail, sizeof l->tail);
            l->tail_is_new = true;
        }
        break;
    case EVENT_FINISHED:
    case EVENT_COMMITTED:
    case EVENT_FAILED:
        l->running = false;
        break;
    default:
        break;
    }
}

/* The folder a running case works in: as its run said, else where its process stands. */
static bool find_folder(struct logs *l)
{
    if (!l->same_host)
        return false;
    if (l->folder[0] && access(l->folder, R_OK | X_OK) == 0)
        return true;
    if (l->pid <= 0)
        return false;
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/%lld/cwd", (long long)l->pid);
    ssize_t n = readlink(link, l->folder, sizeof l->folder - 1);
    l->folder[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* PRT first: it has all that stdout has. -1: none is there yet. */
static int open_live(const struct logs *l)
{
    char names[3][PATH_MAX_BYTES + 300];
    size_t n = 0;
    if (l->file) {
        (void)snprintf(names[n++], sizeof names[0], "%s/%s", l->folder, l->file);
    } else {
        (void)snprintf(names[n++], sizeof names[0], "%s/%s.PRT", l->folder, l->root);
        (void)snprintf(names[n++], sizeof names[0], "%s/stdout", l->folder);
    }
    for (size_t i = 0; i < n; i++) {
        int fd = open(names[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static void copy_new(const struct logs *l, int fd)
{
    char piece[PIECE_BYTES];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        put_log(l, piece, (size_t)n);
    (void)fflush(l->cli->out);
}

static void put_tail(struct logs *l)
{
    if (!l->tail_is_new)
        return;
    l->tail_is_new = false;
    put_log(l, l->tail, strnlen(l->tail, sizeof l->tail));
    (void)fputc('\n', l->cli->out);
    (void)fflush(l->cli->out);
}

static int look(struct logs *l, int64_t *found_ms, struct ds_err *err)
{
    int rc = 0;
    if (clock_monotonic_ms() - *found_ms >= FIND_MS) {
        *found_ms = clock_monotonic_ms();
        rc = watch_find(&l->watch, l->t, err);
    }
    return rc < 0 ? rc : watch_read(&l->watch, take_event, l, err);
}

/* Follow one attempt to its end, or (not follow) show what there is now. */
static int put_live(struct logs *l, bool follow, struct ds_err *err)
{
    ds_auto_fd fd = -1;
    int rc = 0;
    int64_t found_ms = clock_monotonic_ms();
    for (;;) {
        if (fd < 0 && find_folder(l))
            fd = open_live(l);
        if (fd >= 0)
            copy_new(l, fd);
        else
            put_tail(l);
        if (!follow || !l->running || !watch_alive(&l->watch) || ferror(l->cli->out))
            return rc;
        (void)poll(NULL, 0, POLL_MS);
        rc = look(l, &found_ms, err);
        if (rc < 0)
            return rc;
    }
}

static int wait_for_start(struct logs *l, struct ds_err *err)
{
    int64_t found_ms = clock_monotonic_ms();
    if (!watch_alive(&l->watch))
        return 0;
    log_info("case %u has not started yet; waiting", l->t->design.number[l->row]);
    int rc = 0;
    while (rc == 0 && !l->running && watch_alive(&l->watch)) {
        (void)poll(NULL, 0, POLL_MS);
        rc = look(l, &found_ms, err);
        if (rc == 0)
            rc = target_count(l->t, err);
        if (rc == 0 && target_tally(l->t, l->row)->state != CASE_NEW && !l->running)
            break; /* it came and went between two looks */
    }
    return rc;
}

static int fail_not_run(const struct logs *l, bool follow, struct ds_err *err)
{
    unsigned number = l->t->design.number[l->row];
    if (l->t->cluster) {
        const struct sweep_status *s = &l->t->cluster->report.status;
        if (s->step.kind == STEP_CENSUS && s->step.ended_s == 0)
            return ds_fail(err, DS_ENOTFOUND,
                           "case %u runs in no worker, and has not run yet (the Sweep is %s); the "
                           "first cases run in the census itself: `decksweep logs %.*s --census "
                           "--follow`",
                           number, sweep_phase_name(s->phase), DS_FMT(l->t->label));
        return ds_fail(err, DS_ENOTFOUND, "case %u neither runs nor has run yet (the Sweep is %s)",
                       number, sweep_phase_name(s->phase));
    }
    return ds_fail(err, DS_ENOTFOUND, "case %u has not run yet%s", number,
                   follow ? ", and nothing runs" : "");
}

static int show_logs(struct logs *l, struct ds_err *err)
{
    char key[RESULT_KEY_BYTES];
    bool follow = cmd_has(l->cli->line, "follow");
    int rc = target_find_case(&l->t->design, ds_span_of(cli_arg(l->cli, 1)), &l->row, err);
    if (rc == 0 && !l->t->cluster)
        rc = watch_find(&l->watch, l->t, err);
    if (rc == 0)
        rc = watch_read(&l->watch, take_event, l, err);
    if (rc < 0)
        return rc;
    bool has_archive = target_archive_key(&l->t->design, target_tally(l->t, l->row), key);
    if (!l->running && !has_archive && follow) {
        rc = wait_for_start(l, err);
        has_archive = target_archive_key(&l->t->design, target_tally(l->t, l->row), key);
    }
    if (rc < 0)
        return rc;
    if (l->running && watch_alive(&l->watch))
        return put_live(l, follow, err);
    if (has_archive)
        return put_archived(l, key, err);
    return fail_not_run(l, follow, err);
}

static int open_and_show(struct logs *l, struct ds_err *err)
{
    int rc = target_open_store(l->t, STORE_READ, err);
    if (rc == 0)
        rc = target_load(l->t, err);
    if (rc == 0)
        rc = target_count(l->t, err);
    if (rc < 0)
        return rc;
    l->root = arena_cstr(l->cli->arena, l->t->plan.case_root);
    return show_logs(l, err);
}

/* A case that runs now is in its pod's log; any other in the store, or still to come. */
static int show_cluster(struct logs *l, struct ds_err *err)
{
    const char *text = cli_arg(l->cli, 1);
    bool follow = cmd_has(l->cli->line, "follow"), runs = false;
    int rc = cluster_case_log(l->cli, l->t, text, follow, &runs, err);
    if (rc == 0 && runs && l->file)
        log_info("--file: only the simulator's last lines can be seen while the case runs");
    if (rc < 0 || runs)
        return rc;
    rc = open_and_show(l, err);
    if (rc != DS_ENOTFOUND || !follow || sweep_report_is_final(&l->t->cluster->report))
        return rc;
    store_close(l->t->store); /* it may be long */
    l->t->store = NULL;
    rc = cluster_wait_case(l->cli, l->t, text, &runs, err);
    if (rc == 0 && runs)
        return cluster_case_log(l->cli, l->t, text, follow, &runs, err);
    return rc < 0 ? rc : open_and_show(l, err);
}

static int choose(struct logs *l, struct ds_err *err)
{
    bool census = cmd_has(l->cli->line, "census");
    if (census && !l->t->cluster)
        return ds_fail(err, DS_EINPUT, "--census: %.*s is a folder, not a Sweep in a cluster",
                       DS_FMT(l->t->label));
    if (census)
        return cluster_census_log(l->cli, l->t, cmd_has(l->cli->line, "follow"), err);
    return l->t->cluster ? show_cluster(l, err) : open_and_show(l, err);
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct logs l = {.cli = cli, .t = &t, .file = cmd_text(cli->line, "file"), .pid = -1};
    if (!cli_arg(cli, 1) && !cmd_has(cli->line, "census"))
        return cli_usage(cli, "CASE is missing");
    if (cli_arg(cli, 1) && cmd_has(cli->line, "census"))
        return cli_usage(cli, "--census takes no CASE");
    int rc = target_find(cli, &t, &err);
    if (rc == 0)
        rc = choose(&l, &err);
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"follow", 'f', VALUE_NONE, NULL, "keep printing until the running case ends"},
    {"file", 0, VALUE_TEXT, "NAME", "another file: stdout, stderr, SPE1.INFOSTEP, ..."},
    {"census", 0, VALUE_NONE, NULL,
     "of a Sweep in a cluster: the log of its newest census, which plans and counts"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep logs results/spe1 17 | grep -A5 Error", "what the simulator complained about"},
    {"decksweep logs results/spe1 3 --follow", "watch case 3 while it runs"},
    {"decksweep logs spe1 --census -n team", "how planning goes, of a Sweep in a cluster"},
    {NULL, NULL},
};

const struct cmd_entry cmd_logs = {
    .name = "logs",
    .args = "TARGET [CASE]",
    .summary = "print what the simulator said: the PRT file, from the store or live",
    .text =
        "Of a case that runs on this machine the file as it grows, of one elsewhere the last lines "
        "that its worker reports, in a cluster with the worker's events about it; else the "
        "archived "
        "file of the finished or the last failed attempt. Default is the PRT file, and stdout "
        "where there is none.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .run = run,
};
