/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cluster_status_io.h"

#include "base/clock_io.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUT_BYTES ((size_t)256 << 20)

unsigned cluster_output_width(const struct cli *cli)
{
    struct winsize size = {0};
    int fd = fileno(cli->out);
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

static int64_t now_s(void)
{
    return clock_unix_ms() / 1000;
}

static bool rests(void *context, const struct sweep_report *r)
{
    (void)context;
    return sweep_report_is_final(r)
           || (sweep_report_is_current(r) && r->status.phase == PHASE_SUSPENDED);
}

int cluster_watch(const struct cli *cli, struct cluster *c, const char *name,
                  bool (*done)(void *context, const struct sweep_report *r), void *context,
                  struct sweep_report *r, struct ds_err *err)
{
    struct display_options o = {
        .setup = {.name = name}, .color = cli->color_err, .own_signals = true};
    struct display *display = display_create(&o);
    struct cluster_follow how = {
        .display = display, .done = done ? done : rests, .context = context};
    int rc = cluster_follow(c, name, &how, r, err);
    display_finish(display, rc == 0 && r->status.totals.n_rows > 0);
    display_destroy(display);
    return rc;
}

int cluster_status(struct cli *cli, struct target *t, bool watch, int *status, struct ds_err *err)
{
    struct target_cluster *c = t->cluster;
    ds_auto_buf out = {0};
    int rc = 0;
    if (watch && !rests(NULL, &c->report))
        rc = cluster_watch(cli, &c->at, c->report.name, NULL, NULL, &c->report, err);
    if (rc < 0)
        return rc;
    buf_init(&out, OUT_BYTES);
    if (cli->json)
        sweep_report_put_json(&c->report, now_s(), &out);
    else
        sweep_report_put_text(&c->report, now_s(), cluster_output_width(cli), &out);
    cli_put(cli, &out);
    *status = sweep_report_exit(&c->report);
    return buf_check(&out, "the status", err);
}

static int put_list(struct cli *cli, struct sweep_report **list, size_t n, bool all_namespaces,
                    struct ds_err *err)
{
    ds_auto_buf out = {0};
    buf_init(&out, OUT_BYTES);
    for (size_t i = 0; i < n && cli->json; i++)
        sweep_report_put_json(list[i], now_s(), &out);
    if (!cli->json && n > 0)
        sweep_report_put_list((const struct sweep_report *const *)list, n, all_namespaces, now_s(),
                              cluster_output_width(cli), cli->arena, &out);
    cli_put(cli, &out);
    return buf_check(&out, "the list of Sweeps", err);
}

int cluster_status_list(struct cli *cli, bool all_namespaces, struct ds_err *err)
{
    struct cluster c;
    struct sweep_report **list = NULL;
    size_t n = 0;
    int rc = cluster_open(cli, &c, err);
    if (rc < 0)
        return rc;
    rc = cluster_list_sweeps(&c, all_namespaces, &list, &n, err);
    if (rc == 0 && n == 0 && all_namespaces)
        log_info("no Sweeps in %s", kube_server(c.kube));
    else if (rc == 0 && n == 0)
        log_info("no Sweeps in namespace %s of %s", kube_namespace(c.kube), kube_server(c.kube));
    if (rc == 0)
        rc = put_list(cli, list, n, all_namespaces, err);
    cluster_close(&c);
    return rc;
}
