/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/prt_lines.h"

#include "base/units.h"

#include <math.h>

static const struct ds_span NOTHING = {"", 0};

size_t prt_find(struct ds_span line, const char *text)
{
    const char *at = line.len ? memmem(line.ptr, line.len, text, strlen(text)) : NULL;
    return at ? (size_t)(at - line.ptr) : SIZE_MAX;
}

static bool has(struct ds_span line, const char *text)
{
    return prt_find(line, text) != SIZE_MAX;
}

static bool has_one(struct ds_span line, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (has(line, texts[i]))
            return true;
    return false;
}

static struct ds_span from(struct ds_span s, size_t at)
{
    return at < s.len ? (struct ds_span){s.ptr + at, s.len - at} : NOTHING;
}

/* Take `word` off the start of *s. */
static bool skip(struct ds_span *s, const char *word)
{
    if (!ds_span_starts(*s, word))
        return false;
    *s = from(*s, strlen(word));
    return true;
}

bool prt_take_int(struct ds_span *line, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    while (i < line->len && i < 18 && line->ptr[i] >= '0' && line->ptr[i] <= '9')
        value = value * 10 + (line->ptr[i++] - '0');
    if (i == 0)
        return false;
    *out = value;
    *line = from(*line, i);
    return true;
}

/* ---- places ---- */

static bool place_from(struct ds_span file, struct ds_span number, struct ds_span *out,
                       int64_t *line)
{
    int64_t n = 0;
    file = ds_span_trim(file);
    number = ds_span_trim(number);
    if (file.len == 0 || file.ptr[0] == '<' || !prt_take_int(&number, &n) || n < 1)
        return false;
    if (number.len > 0 && number.ptr[0] != '.' && number.ptr[0] != ',' && number.ptr[0] != ' ')
        return false;
    *out = file;
    *line = n;
    return true;
}

/* What stands between the opening and the last of the words before the number. */
static bool place_between(struct ds_span line, const char *open, const char *before_number,
                          struct ds_span *file, int64_t *number)
{
    size_t begin = prt_find(line, open);
    if (begin == SIZE_MAX)
        return false;
    struct ds_span rest = from(line, begin + strlen(open)), tail = rest;
    size_t last = SIZE_MAX, at;
    while ((at = prt_find(tail, before_number)) != SIZE_MAX) {
        last = (size_t)(tail.ptr - rest.ptr) + at;
        tail = from(rest, last + 1);
    }
    if (last == SIZE_MAX)
        return false;
    return place_from((struct ds_span){rest.ptr, last}, from(rest, last + strlen(before_number)),
                      file, number);
}

bool prt_place(struct ds_span line, struct ds_span *file, int64_t *number)
{
    line = ds_span_trim(line);
    if (place_between(line, " at: ", ", line: ", file, number))
        return true;
    if (ds_span_starts(line, "In file: "))
        return place_between(line, "In file: ", ", line ", file, number);
    if (ds_span_starts(line, "In file "))
        return place_between(line, "In file ", " at line ", file, number);
    return ds_span_starts(line, "In ") && place_between(line, "In ", " line ", file, number);
}

bool prt_reading(struct ds_span line, struct ds_span *file, int64_t *number)
{
    struct ds_span s = ds_span_trim(line);
    int64_t count;
    if (!prt_take_int(&s, &count) || !skip(&s, " Reading "))
        return false;
    return place_between(s, " in ", " line ", file, number);
}

/* ---- progress, summary ---- */

static bool take_number(struct ds_span *s, double *out)
{
    size_t n = 0;
    while (n < s->len && s->ptr[n] != '\0' && strchr("0123456789+-.eE", s->ptr[n]))
        n++;
    if (n == 0 || units_parse_double((struct ds_span){s->ptr, n}, out, NULL) < 0)
        return false;
    *s = from(*s, n);
    return true;
}

bool prt_report_step(struct ds_span line, struct prt_facts *f)
{
    struct ds_span s = ds_span_trim(line);
    int64_t step, n;
    double day, end;
    if (!skip(&s, "Report step"))
        return false;
    s = ds_span_trim(s);
    if (!prt_take_int(&s, &step) || !skip(&s, "/") || !prt_take_int(&s, &n)
        || !skip(&s, " at day "))
        return false;
    if (!take_number(&s, &day) || !skip(&s, "/") || !take_number(&s, &end))
        return false;
    if (step > f->last_step)
        f->last_step = step;
    f->n_steps = n;
    f->end_day = end;
    return true;
}

bool prt_summary_count(struct ds_span line, struct prt_facts *f)
{
    const struct {
        const char *word;
        int64_t *count; /* NULL: nobody asks */
    } COUNTS[] = {{"Warnings", &f->n_warnings}, {"Info", NULL},    {"Errors", &f->n_errors},
                  {"Bugs", &f->n_bugs},         {"Debug", NULL},   {"Problems", &f->n_problems},
                  {"Comments", NULL},           {"Messages", NULL}};
    struct ds_span s = ds_span_trim(line);
    for (size_t i = 0; i < DS_COUNT(COUNTS); i++) {
        struct ds_span rest = s;
        int64_t n;
        if (!skip(&rest, COUNTS[i].word) || rest.len == 0 || rest.ptr[0] != ' ')
            continue;
        rest = ds_span_trim(rest);
        if (prt_take_int(&rest, &n) && rest.len == 0) {
            if (COUNTS[i].count)
                *COUNTS[i].count = n;
            return true;
        }
    }
    return false;
}

/* ---- flags ---- */

static void take_action_status(struct ds_span line, struct prt_facts *f)
{
    static const char SAYS[] = "Simulation exit with status: ";
    size_t at = prt_find(line, SAYS);
    int64_t n;
    if (at == SIZE_MAX || !has(line, "requested as part of ACTIONX"))
        return;
    struct ds_span s = from(line, at + sizeof SAYS - 1);
    if (prt_take_int(&s, &n))
        f->action_status = n;
}

void prt_banner(struct ds_span line, struct prt_facts *f)
{
    f->end_banner |= has(line, "End of simulation");
    f->simulation_off |= has(line, "Simulation turned off");
}

void prt_flags(struct ds_span line, struct prt_facts *f)
{
    static const char *const MEMORY[] = {"bad_alloc",
                                         "Cannot allocate memory",
                                         "out of dynamic memory",
                                         "insufficient virtual memory",
                                         "Out of memory",
                                         "failed to map segment from shared"};
    static const char *const SPACE[] = {"No space left on device", "Disk quota exceeded",
                                        "disk quota exceeded"};
    static const char *const OPTION[] = {
        "Aborting simulation due to unknown parameters", "[unused run-time specified parameters]",
        "Cannot parse value \"", "Unknown command line parameter", "Illegal parameter \""};
    take_action_status(line, f);
    f->bad_alloc |= has_one(line, MEMORY, DS_COUNT(MEMORY));
    f->no_space |= has_one(line, SPACE, DS_COUNT(SPACE));
    f->bad_option |= has_one(line, OPTION, DS_COUNT(OPTION));
    f->not_converged |= has(line, "Solver failed to converge after");
    f->no_input |= has(line, "Cannot find input case") || has(line, "Cannot open input case");
    f->lost_output |= has(line, "exception when running tasklet");
}

/* ---- messages ---- */

bool prt_is_specific(struct ds_span text)
{
    static const char *const NAMES[] = {"Problem with keyword",
                                        "Unknown keyword",
                                        "No such file",
                                        "Fundamental error",
                                        "Malformed",
                                        "keyword",
                                        "does not exist",
                                        "Cannot find input case",
                                        "Must have either SPECGRID"};
    return has_one(text, NAMES, DS_COUNT(NAMES));
}

bool prt_is_parsing(struct ds_span text)
{
    static const char *const PARSING[] = {"Unknown keyword", "No such file", "Problem with keyword",
                                          "Unrecoverable errors while loading input", "Malformed"};
    return has_one(text, PARSING, DS_COUNT(PARSING));
}

/* "[./opm/x.hpp:547] text", "RangeError [get:..]: text" -> text */
static struct ds_span without_source(struct ds_span s)
{
    s = ds_span_trim(s);
    size_t open = prt_find(s, "["), close = prt_find(s, "]");
    if (open == SIZE_MAX || close == SIZE_MAX || close < open)
        return s;
    bool error_class = open > 0 && close + 1 < s.len && s.ptr[close + 1] == ':';
    bool location = open == 0 && memchr(s.ptr, ':', close);
    if (!location && !error_class)
        return s;
    return ds_span_trim(from(s, close + (error_class ? 2 : 1)));
}

void prt_clean(char *text)
{
    static const char MARK[] = "Error [";
    char *at;
    while ((at = strstr(text, MARK)) != NULL) {
        char *end = strstr(at, "]:");
        char *begin = at;
        if (!end)
            return;
        while (
            begin > text
            && ((begin[-1] >= 'A' && begin[-1] <= 'Z') || (begin[-1] >= 'a' && begin[-1] <= 'z')))
            begin--;
        end += 2;
        while (*end == ' ')
            end++;
        if (begin > text)
            *begin++ = ' ';
        memmove(begin, end, strlen(end) + 1);
    }
}

static bool is_noise(struct ds_span line)
{
    static const char *const NOISE[] = {"A fatal error has occurred",
                                        "Failed to create valid EclipseState object",
                                        "MPI_ABORT was invoked",
                                        "with errorcode",
                                        "NOTE: invoking MPI_ABORT",
                                        "You may or may not see output",
                                        "exactly when Open MPI",
                                        "Primary job",
                                        "a non-zero exit code",
                                        "mpirun detected that one or more",
                                        "the job to be terminated",
                                        "Process name:",
                                        "Exit code:",
                                        "ORTE_ERROR_LOG",
                                        "PMIX ERROR",
                                        "mca_base_component",
                                        "Python runtime state"};
    return has_one(line, NOISE, DS_COUNT(NOISE)) || ds_span_starts(line, "-----");
}

/* "flow: ./x.hpp:214: void f(): Assertion `a > 0.' failed." -> from Assertion on */
static enum prt_rank of_stderr(struct ds_span line, struct ds_span *text)
{
    size_t at = prt_find(line, "Assertion `");
    if (at != SIZE_MAX) {
        *text = from(line, at);
        return PRT_RANK_CAUSE;
    }
    if (skip(&line, "what():") || skip(&line, "Exception received:")
        || skip(&line, "Exception caught:") || skip(&line, "Fatal Python error:")
        || skip(&line, "Uncaught std::exception when running ")) {
        *text = without_source(line);
        return PRT_RANK_CAUSE;
    }
    if (ds_span_starts(line, "mpirun noticed that process")) {
        *text = line;
        return PRT_RANK_CAUSE;
    }
    at = prt_find(line, "] Signal: ");
    if (at != SIZE_MAX) {
        *text = from(line, at + 2);
        return PRT_RANK_CAUSE;
    }
    if (line.len == 0 || line.ptr[0] == '[' || is_noise(line))
        return PRT_RANK_NONE;
    *text = line;
    return PRT_RANK_NOISE;
}

static enum prt_rank of_eclipse(struct ds_span line, struct ds_span *text)
{
    if (!skip(&line, "@--ERROR") && !skip(&line, "@--BUG"))
        return PRT_RANK_NONE;
    *text = NOTHING; /* the time; what happened is on the next lines */
    return PRT_RANK_SPECIFIC;
}

enum prt_rank prt_message_start(struct ds_span line, enum prt_stream stream, struct ds_span *text)
{
    struct ds_span s = ds_span_trim(line);
    enum prt_rank rank = of_eclipse(s, text);
    if (rank != PRT_RANK_NONE)
        return rank;
    if (skip(&s, "Error:")) {
        *text = prt_message_more(s);
        return PRT_RANK_ERROR;
    }
    if (ds_span_starts(s, "No such file: ")) {
        *text = s;
        return PRT_RANK_SPECIFIC;
    }
    if (ds_span_starts(s, "# [unused run-time specified parameters]")) {
        *text = DS_SPAN("unknown option");
        return PRT_RANK_SPECIFIC;
    }
    if (skip(&s, "Program threw an exception:")) {
        *text = without_source(s);
        return PRT_RANK_CAUSE;
    }
    if (stream == PRT_STREAM_STDERR)
        return of_stderr(s, text);
    return PRT_RANK_NONE;
}

struct ds_span prt_message_more(struct ds_span line)
{
    static const char *const GENERIC[] = {"An error occurred while creating the reservoir",
                                          "Aborting simulation due to unknown parameters",
                                          "Record is \""};
    struct ds_span s = ds_span_trim(line), file;
    int64_t number;
    if (s.len > 0 && s.ptr[0] == '@')
        s = ds_span_trim(from(s, 1));
    (void)skip(&s, "Unrecoverable errors while loading input: ");
    (void)skip(&s, "Internal error: ");
    for (size_t i = 0; i < DS_COUNT(GENERIC); i++)
        if (ds_span_starts(s, GENERIC[i]))
            return NOTHING;
    if (ds_span_starts(s, "In ") && prt_place(s, &file, &number))
        return NOTHING;
    if (ds_span_starts(s, "In <memory string>") || is_noise(s))
        return NOTHING;
    return s;
}
