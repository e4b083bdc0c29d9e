/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/starter.h"

#include "base/path.h"
#include "base/units.h"
#include "cli/text.h"
#include "deck/template.h"
#include "decksweep/sweep.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_HINT_BYTES 100u
#define LINE_COLUMNS   90u
#define VECTORS_COLUMN 14u

struct ds_span starter_name(struct ds_span deck_name, struct ds_arena *a)
{
    struct ds_span stem = path_stem(deck_name);
    char *name = ds_new(a, char, SWEEP_MAX_NAME_BYTES + 1);
    size_t n = 0;
    for (size_t i = 0; name && i < stem.len && n < SWEEP_MAX_NAME_BYTES; i++) {
        char c = stem.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain)
            name[n++] = c;
        else if (n > 0 && name[n - 1] != '-')
            name[n++] = '-';
    }
    while (n > 0 && name[n - 1] == '-')
        n--;
    return n > 0 ? (struct ds_span){name, n} : DS_SPAN("sweep");
}

static int compare_names(const void *a, const void *b)
{
    return ds_span_compare(*(const struct ds_span *)a, *(const struct ds_span *)b);
}

static bool is_built_in(struct ds_span name)
{
    return ds_span_is(name, "IENS") || ds_span_is(name, "REAL") || ds_span_is(name, "ITER");
}

int starter_find_params(const struct closure *c, struct ds_arena *a, const struct ds_span **out,
                        size_t *n, struct ds_err *err)
{
    struct ds_span *names = ds_new(a, struct ds_span, STARTER_MAX_PARAMS);
    size_t found = 0;
    if (!names)
        return ds_fail(err, DS_ETOOBIG, "the deck does not fit");
    for (size_t i = 0; i < c->n_files; i++) {
        const struct closure_file *f = &c->files[i];
        struct template_slot *slots;
        size_t n_slots;
        if (!f->is_text || !f->content.ptr)
            continue;
        int rc = template_find(f->content, f->end_line, a, &slots, &n_slots, err);
        if (rc < 0)
            return ds_wrap(err, "%.*s", DS_FMT(f->display));
        for (size_t k = 0; k < n_slots; k++) {
            bool known = is_built_in(slots[k].name);
            for (size_t j = 0; j < found && !known; j++)
                known = ds_span_eq(names[j], slots[k].name);
            if (known)
                continue;
            if (found == STARTER_MAX_PARAMS)
                return ds_fail(err, DS_ETOOBIG, "more than %u placeholders", STARTER_MAX_PARAMS);
            names[found++] = slots[k].name;
        }
    }
    qsort(names, found, sizeof *names, compare_names);
    *out = names;
    *n = found;
    return 0;
}

/* ---- a line that could vary ---- */

/* Where one number for all cells is usual. */
static const char *const HINT_KEYWORDS[] = {"PORO", "PERMX", "MULTPV", "NTG", "MULTZ"};

/* "300*0.3 /" -> repeat and number; nothing else may stand before the slash. */
static bool parse_hint(struct ds_span line, struct ds_span *number, double *value)
{
    size_t at = 0;
    struct ds_span token, rest, plain;
    uint64_t repeat;
    if (!deck_next_token(line, &at, &token) || !deck_split_repeat(token, &repeat, &plain)
        || plain.len == 0 || !deck_parse_double(plain, value))
        return false;
    rest = ds_span_trim((struct ds_span){line.ptr + at, line.len - at});
    *number = plain;
    return rest.len == 0 || rest.ptr[0] == '/';
}

static bool take_hint(const struct closure_file *f, uint32_t number, struct ds_span line,
                      const char *keyword, struct ds_arena *a, struct starter_hint *h)
{
    struct ds_span value, shown = ds_span_trim(line);
    struct starter_hint x = {.found = true, .path = f->display, .line = number, .was = shown};
    if (shown.len > MAX_HINT_BYTES || !parse_hint(line, &value, &x.value))
        return false;
    (void)snprintf(x.name, sizeof x.name, "%s", keyword);
    size_t before = (size_t)(value.ptr - shown.ptr), after = before + value.len;
    x.now = arena_format(a, "%.*s<%s>%.*s", (int)before, shown.ptr, keyword,
                         (int)(shown.len - after), shown.ptr + after);
    *h = x;
    return x.now.ptr != NULL;
}

static bool scan_for_hint(const struct closure_file *f, const char *keyword, struct ds_arena *a,
                          struct starter_hint *h)
{
    size_t at = 0;
    uint32_t number = 0;
    bool below = false;
    struct ds_span raw;
    while (deck_next_line(f->content, &at, &raw)) {
        number++;
        struct ds_span line = deck_strip_comment(raw), word = deck_first_word(line);
        if (word.len == 0)
            continue;
        if (below && take_hint(f, number, line, keyword, a, h))
            return true;
        below = ds_span_eq_nocase(word, ds_span_of(keyword));
        if (f->end_line > 0 && number >= f->end_line)
            break;
    }
    return false;
}

struct starter_hint starter_find_hint(const struct closure *c, struct ds_arena *a)
{
    struct starter_hint h = {0};
    for (size_t k = 0; k < DS_COUNT(HINT_KEYWORDS); k++)
        for (size_t i = 0; i < c->n_files; i++)
            if (c->files[i].is_text && c->files[i].content.ptr
                && scan_for_hint(&c->files[i], HINT_KEYWORDS[k], a, &h))
                return h;
    return h;
}

/* ---- the file ---- */

static void put_quoted(struct ds_buf *out, struct ds_span text)
{
    (void)buf_put_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            (void)buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)buf_printf(out, "\\x%02x", c);
        else
            (void)buf_put_char(out, (char)c);
    }
    (void)buf_put_char(out, '"');
}

static void put_comment_lines(struct ds_buf *out, const char *text)
{
    struct ds_span rest = ds_span_of(text), line;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        (void)buf_printf(out, "  # %.*s\n", DS_FMT(line));
    }
}

static void put_hint(const struct starter *s, struct ds_buf *out)
{
    const struct starter_hint *h = &s->hint;
    char low[UNITS_NUMBER_BYTES], high[UNITS_NUMBER_BYTES];
    put_comment_lines(out,
                      "Nothing varies yet: the deck has no placeholders, so this is one case.");
    if (!h->found) {
        put_comment_lines(out,
                          "Write <NAME> into the deck where a value should vary, and declare it:\n"
                          "parameters:\n"
                          "  NAME: {uniform: {min: 0.2, max: 0.3}}\n"
                          "design: {method: latin-hypercube, samples: 50, seed: 1}");
        return;
    }
    (void)buf_printf(out, "  # To vary %s, write a placeholder into line %u of ", h->name, h->line);
    text_put(out, h->path);
    (void)buf_put_text(out, ", so that\n  #   ");
    text_put(out, h->was);
    (void)buf_put_text(out, "\n  # becomes\n  #   ");
    text_put(out, h->now);
    (void)units_format_number(units_round(h->value * 0.8, -1), low);
    (void)units_format_number(units_round(h->value * 1.2, -1), high);
    (void)buf_printf(out,
                     "\n  # and replace `design` below by\n"
                     "  # parameters:\n"
                     "  #   %s: {uniform: {min: %s, max: %s}}\n"
                     "  # design: {method: latin-hypercube, samples: 50, seed: 1}\n",
                     h->name, h->value < 0 ? high : low, h->value < 0 ? low : high);
}

static void put_parameters(const struct starter *s, struct ds_buf *out)
{
    if (s->n_params == 0) {
        put_hint(s, out);
        (void)buf_put_text(out, "  design: {method: grid}\n");
        return;
    }
    put_comment_lines(out,
                      "CHANGE THESE: what each placeholder of the deck stands for. Other kinds:\n"
                      "loguniform, normal, lognormal, triangular, pert, discrete, integers,\n"
                      "values: [1, 2, 5], files: \"geo/real-*\", expression: \"0.1 * OTHER\"");
    (void)buf_put_text(out, "  parameters:\n");
    for (size_t i = 0; i < s->n_params; i++)
        (void)buf_printf(out, "    %.*s: {uniform: {min: 0.1, max: 0.9}}\n", DS_FMT(s->params[i]));
    put_comment_lines(out, "grid | latin-hypercube | sobol | monte-carlo | one-at-a-time | table");
    (void)buf_put_text(out, "  design: {method: latin-hypercube, samples: 4, seed: 1}\n");
}

static void put_vectors(const struct starter *s, struct ds_buf *out)
{
    (void)buf_put_text(out, "    vectors: [");
    size_t column = VECTORS_COLUMN;
    for (size_t i = 0; i < s->n_vectors; i++) {
        bool wrap = column + s->vectors[i].len + 4 > LINE_COLUMNS;
        if (i > 0)
            (void)buf_put_text(out, wrap ? ",\n              " : ", ");
        column = (wrap ? VECTORS_COLUMN : column) + s->vectors[i].len + 4;
        put_quoted(out, s->vectors[i]);
    }
    (void)buf_put_text(out, s->n_vectors ? "]\n" : "\"*\"]\n");
}

void starter_put(const struct starter *s, struct ds_buf *out)
{
    (void)buf_put_text(
        out, "# A sweep file for decksweep. Look at what it does:  decksweep plan FILE\n"
             "# and start it:  decksweep run FILE     (docs/sweep-file.md has every key)\n"
             "apiVersion: decksweep.io/v1alpha1\n"
             "kind: Sweep\n"
             "metadata:\n");
    (void)buf_printf(out, "  name: %.*s\n", DS_FMT(s->name));
    (void)buf_put_text(out, "spec:\n  deck: ");
    put_quoted(out, s->deck_path);
    (void)buf_put_text(out, "   # paths start at this file's folder\n");
    if (s->cells > 0 && s->n_report_steps > 0)
        (void)buf_printf(out, "  # %llu cells, %u report steps\n", (unsigned long long)s->cells,
                         s->n_report_steps);
    (void)buf_put_char(out, '\n');
    put_parameters(s, out);
    (void)buf_put_text(
        out, "\n  simulator:\n"
             "    preset: flow\n"
             "    wallTime: 24h         # a case that takes longer is ended: verdict timeout\n"
             "    # args: [\"--solver-max-restarts=20\"]\n"
             "  resources:\n"
             "    memory: auto          # or 2GiB: of one case\n"
             "    ranks: 1              # MPI ranks of one case\n"
             "    threads: 1\n"
             "  # failure:\n"
             "  #   retries: {out-of-memory: 2, crashed: 1}\n"
             "  #   maxFailed: 10%      # stop early when more fail\n"
             "\n  results:\n"
             "    store: ./results      # everything lands in ./results/");
    (void)buf_printf(out, "%.*s\n", DS_FMT(s->name));
    (void)buf_put_text(out, "    # in a cluster (decksweep submit): pvc://CLAIM/FOLDER, and "
                            "simulator.image: NAME\n");
    (void)buf_put_text(
        out, "    keep: [summary, log]  # + grid, init, restart, rft, debug, all, or globs\n");
    if (s->writes_restart)
        (void)buf_put_text(
            out, "    trim: auto            # the deck asks for restart files, which are not "
                 "kept: not written\n");
    (void)buf_put_text(out, "  collect:\n");
    if (s->n_vectors > 0)
        (void)buf_put_text(out,
                           "    # what the deck's SUMMARY section asks for; or patterns: \"F*\", "
                           "\"WBHP:PROD*\"\n");
    put_vectors(s, out);
    (void)buf_put_text(
        out, "    times: report         # or monthly, yearly, {every: 30d}, {dates: [...]}\n"
             "    formats: [netcdf]     # + csv, csv.gz, csv.zst\n");
}
