/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep render SWEEP CASE - the exact folder of one case with run.sh; runs nothing */
#include "agent/command.h"
#include "agent/parameters.h"
#include "base/fs_io.h"
#include "cli/case_folder_io.h"
#include "cli/cmd.h"
#include "cli/session_io.h"
#include "cli/shell_text.h"
#include "cli/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_BYTES (1u << 20)

/* Nothing of an earlier use may be taken for this case's. */
static int check_folder(const char *dir, bool force, struct ds_err *err)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    bool empty = true;
    if (!d && errno == ENOENT)
        return 0;
    if (!d)
        return ds_fail_errno(err, DS_EIO, errno, "-o %s", dir);
    while (empty && (entry = readdir(d))) // NOLINT(concurrency-mt-unsafe): own DIR
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(d);
    if (empty || force)
        return 0;
    return ds_fail(err, DS_EINPUT, "-o %s: the folder is not empty; choose another or give --force",
                   dir);
}

static void put_script(const struct planned_view *v, uint32_t row, const char *const *argv,
                       const char *const *env, struct ds_buf *out)
{
    struct ds_span dir = v->plan->deck_dir;
    (void)buf_printf(out,
                     "#!/bin/sh\n"
                     "# Case %u (%.*s) of sweep %.*s, as a worker starts it.\n"
                     "cd \"$(dirname \"$0\")\"/",
                     v->design->number[row], (int)CASE_ID_CHARS, v->design->id[row].hex,
                     DS_FMT(v->plan->name));
    if (dir.len > 0)
        shell_put_word(out, dir);
    (void)buf_put_text(out, " || exit 1\n");
    for (size_t i = 0; env[i]; i++) {
        struct ds_span name, value = ds_span_cut(ds_span_of(env[i]), '=', &name);
        (void)buf_printf(out, "export %.*s=", DS_FMT(name));
        shell_put_word(out, value);
        (void)buf_put_char(out, '\n');
    }
    (void)buf_put_text(out, "exec");
    for (size_t i = 0; argv[i]; i++) {
        (void)buf_put_char(out, ' ');
        shell_put_word(out, ds_span_of(argv[i]));
    }
    (void)buf_put_text(out, " \"$@\"\n");
}

static int write_at(const char *dir, const char *name, const struct ds_buf *text, mode_t mode,
                    struct ds_err *err)
{
    ds_auto_fd dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "open %s", dir);
    int rc = buf_check(text, name, err);
    if (rc == 0)
        rc = fs_write_file_at(dir_fd, name, buf_span(text), err);
    if (rc == 0 && mode != 0 && fchmodat(dir_fd, name, mode, 0) < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "make %s executable", name);
    return rc < 0 ? ds_wrap(err, "%s", dir) : 0;
}

/* What the worker adds to the deck's files, and the script that starts what it starts. */
static int write_extras(struct cli *cli, const struct planned_view *v, uint32_t row,
                        const char *dir, struct ds_err *err)
{
    const struct ds_span *names = parameters_names(v->plan, cli->arena), *values = NULL;
    static const char *const NONE[] = {NULL};
    const char *const *argv = NULL, *const *env = NULL;
    struct plan filled = {0};
    size_t n_argv = 0;
    struct command_case c = {
        .deck = v->plan->deck_name, .output = DS_SPAN("."), .as_root = geteuid() == 0};
    if (!names)
        return ds_fail(err, DS_ETOOBIG, "the case does not fit");
    int rc = parameters_values(v->plan, v->design, row, cli->arena, &values, err);
    if (rc == 0)
        rc = parameters_fill_plan(v->plan, names, values, v->plan->n_params + PARAMETERS_BUILT_IN,
                                  cli->arena, &filled, err);
    if (rc == 0)
        rc = command_build(&filled, &c, cli->arena, &argv, &n_argv, err);
    if (rc == 0)
        rc = command_environment(NONE, &filled, NULL, cli->arena, &env, err);
    if (rc < 0 || !argv || !env)
        return rc;
    ds_auto_buf text;
    buf_init(&text, SCRIPT_BYTES);
    put_script(v, row, argv, env, &text);
    rc = write_at(dir, "run.sh", &text, 0755, err);
    buf_reset(&text);
    if (rc == 0)
        rc = parameters_put_json(v->plan, values, &text, err);
    if (rc == 0)
        rc = write_at(dir, "parameters.json", &text, 0, err);
    buf_reset(&text);
    if (rc == 0)
        rc = parameters_put_text(v->plan, values, &text, err);
    if (rc == 0)
        rc = write_at(dir, "parameters.txt", &text, 0, err);
    return rc;
}

static int render(struct cli *cli, const struct planned_view *v, struct ds_err *err)
{
    uint32_t row;
    int rc = target_find_case(v->design, ds_span_of(cli_arg(cli, 1)), &row, err);
    if (rc < 0)
        return rc;
    const char *dir = cmd_text(cli->line, "output");
    if (!dir)
        dir = arena_format(cli->arena, "case-%06u", v->design->number[row]).ptr;
    if (!dir)
        return ds_fail(err, DS_ETOOBIG, "-o: too long");
    rc = check_folder(dir, cmd_has(cli->line, "force"), err);
    if (rc == 0)
        rc = case_folder_write(v, row, dir, v->plan->trim, err);
    if (rc == 0)
        rc = write_extras(cli, v, row, dir, err);
    if (rc == 0)
        (void)fprintf(cli->out, "%s/run.sh\n", dir);
    return rc;
}

static int run(struct cli *cli)
{
    struct session s;
    struct ds_err err = {0};
    struct session_options o = {.sweep_path = cli_arg(cli, 0)};
    int rc = session_load(cli, &o, &s, &err);
    int status = rc < 0 ? ds_exit_status(err.code) : CLI_OK; /* session_load has told */
    if (rc == 0 && render(cli, s.view, &err) < 0)
        status = cli_fail(cli, &err);
    session_clear(&s);
    return status;
}

static const struct cmd_option OPTIONS[] = {
    {"output", 'o', VALUE_FOLDER, "DIR", "where to (default: case-000017)"},
    {"force", 0, VALUE_NONE, NULL, "also into a folder that is not empty"},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep render sweep.yaml 17 -o try && try/run.sh", "run one case by hand"},
    {NULL, NULL},
};

const struct cmd_entry cmd_render = {
    .name = "render",
    .args = "SWEEP CASE",
    .summary = "write the exact folder of one case with run.sh; runs nothing",
    .text =
        "The folder holds what a worker would stage: the rendered deck with its whole closure, "
        "restart requests trimmed as the plan says, parameters.json; and run.sh, which starts the "
        "simulator with the worker's arguments and environment (arguments of its own are added). "
        "The store is not touched.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .run = run,
};
