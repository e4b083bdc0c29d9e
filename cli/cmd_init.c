/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep init DECK - a commented starter sweep file */
#include "cli/cmd.h"
#include "cli/starter.h"
#include "deck/deck_files_io.h"
#include "deck/features.h"

#define ARENA_BYTES ((size_t)4 << 30)
#define OUT_BYTES   (4u << 20)

static void tell_problems(const struct deck_problems *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].is_warning)
            log_warn("%s", p->at[i].text);
        else
            log_error("%s", p->at[i].text);
    if (p->more > 0)
        log_error("and %zu more", p->more);
}

/* Vectors that people look at: not what only tells how the run went. */
static bool is_result(struct ds_span keyword)
{
    static const char *const OF_THE_RUN[] = {
        "TCPU*",    "ELAPSED",  "NEWTON*",  "NLINEARS", "MLINEARS", "MSUM*",    "TIMESTEP",
        "TELAPLIN", "RUNSUM",   "SEPARATE", "EXCEL",    "DATE",     "PERFORMA", "ALL",
        "RPTONLY*", "STEPTYPE", "NARROW",   "TIME",     "YEARS",    "DAY",      "MONTH",
        "YEAR",     "SUMTHIN",  "NLRES*",   "ZIP*"};
    for (size_t i = 0; i < DS_COUNT(OF_THE_RUN); i++)
        if (ds_span_glob(ds_span_of(OF_THE_RUN[i]), keyword))
            return false;
    return keyword.len > 0;
}

static int choose_vectors(const struct closure *c, struct ds_arena *a, struct starter *s,
                          struct ds_err *err)
{
    struct ds_span *all, *some = ds_new(a, struct ds_span, STARTER_MAX_VECTORS);
    size_t n_all, n = 0;
    int rc = features_summary_keywords(c, a, &all, &n_all, err);
    if (rc < 0 || !some)
        return rc < 0 ? rc : ds_fail(err, DS_ETOOBIG, "the deck does not fit");
    for (size_t i = 0; i < n_all && n < STARTER_MAX_VECTORS; i++)
        if (is_result(all[i]))
            some[n++] = all[i];
    s->vectors = some;
    s->n_vectors = n;
    return 0;
}

static int look_at_deck(const struct closure *c, struct ds_arena *a, struct deck_problems *problems,
                        struct starter *s, struct ds_err *err)
{
    struct deck_features features = {0};
    struct ds_span title;
    int rc = starter_find_params(c, a, &s->params, &s->n_params, err);
    if (rc == 0)
        rc = choose_vectors(c, a, s, err);
    if (rc == 0)
        rc = features_read(c, a, &features, &title, problems, err);
    if (rc < 0)
        return rc;
    s->hint = starter_find_hint(c, a);
    s->writes_restart = features.writes_restart;
    s->n_report_steps = features.n_report_steps;
    s->cells = features.nx * features.ny * features.nz;
    return 0;
}

static int init(struct cli *cli, struct ds_buf *out, struct ds_err *err)
{
    ds_auto_arena a = arena_create(ARENA_BYTES);
    ds_auto_deck_files files = deck_files_create();
    struct deck_problems *problems = ds_new(a, struct deck_problems, 1);
    struct closure closure = {0};
    const char *deck = cli_arg(cli, 0), *name = cmd_text(cli->line, "name");
    struct closure_request request = {
        .deck_path = ds_span_of(deck),
        .reader = deck_files_reader(files),
    };
    if (ds_span_ends(request.deck_path, ".yaml") || ds_span_ends(request.deck_path, ".yml"))
        return ds_fail(err, DS_EINPUT,
                       "%s: init reads a deck (SPE1.DATA); to see what a sweep file does: "
                       "decksweep plan %s",
                       deck, deck);
    int rc = closure_scan(&request, a, &closure, problems, err);
    struct starter s = {.deck_path = ds_span_of(deck)};
    if (rc == 0) {
        s.name = starter_name(name ? ds_span_of(name) : closure.deck_name, a);
        rc = look_at_deck(&closure, a, problems, &s, err);
    }
    bool told = problems->n > 0;
    tell_problems(problems);
    if (rc < 0) {
        if (told)
            err->text[0] = '\0';
        return rc;
    }
    if (s.n_params > 0)
        log_warn("the deck has %zu placeholder%s: give `parameters` the values you mean",
                 s.n_params, s.n_params == 1 ? "" : "s");
    starter_put(&s, out);
    return buf_check(out, "the sweep file", err);
}

static int run(struct cli *cli)
{
    struct ds_err err = {0};
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    if (init(cli, &out, &err) < 0) {
        if (err.text[0])
            return cli_fail(cli, &err);
        return ds_exit_status(err.code);
    }
    cli_put(cli, &out);
    return CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"name", 0, VALUE_TEXT, "NAME", "name of the sweep (default: from the deck's name)"},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep init SPE1.DATA > sweep.yaml", "then: decksweep plan sweep.yaml"},
    {NULL, NULL},
};

const struct cmd_entry cmd_init = {
    .name = "init",
    .args = "DECK",
    .summary = "write a commented starter sweep file for a deck",
    .text = "Reads the deck and everything it includes, and prints a sweep file that runs as it "
            "is: one case when the deck has no placeholders. It shows on a line of the deck how to "
            "put one in, and asks for the vectors of the deck's SUMMARY section.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .run = run,
};
