/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/run_collect_io.h"

#include "cli/collect_progress_io.h"
#include "cli/text.h"

#define PREVIEW_BYTES (1u << 20)

/* The table holds names and values of decks: shown as a terminal may see them. */
static void put_preview(struct ds_span preview)
{
    ds_auto_buf clean;
    buf_init(&clean, PREVIEW_BYTES);
    text_put_lines(&clean, preview);
    (void)fwrite(buf_span(&clean).ptr, 1, clean.len, stderr);
}

int run_collect(struct cli *cli, struct session *s)
{
    struct collect_options o = {.what = &s->view->sweep->collect};
    struct collect_report report = {0};
    struct ds_err err;
    memcpy(o.plan_digest, s->view->digest, sizeof o.plan_digest);
    int rc = collect_with_progress(s->store, ds_span_of(s->prefix), s->view->plan, s->view->design,
                                   o, cli->arena, &report, &err);
    if (rc < 0) {
        (void)ds_wrap(&err, "collect");
        return cli_fail(cli, &err);
    }
    if (report.no_cases)
        return 0;
    log_info("dataset: %u ok, %u failed, %u missing of %u cases; %u vectors, %u times", report.n_ok,
             report.n_failed, report.n_missing, report.n_rows, report.n_vectors, report.n_times);
    (void)fflush(cli->out);
    put_preview(report.preview);
    for (size_t i = 0; i < report.n_objects; i++)
        (void)fprintf(cli->out, "%s/%s\n", store_url(s->store), report.objects[i].key);
    return 0;
}
