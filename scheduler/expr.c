/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expr.h"

#include <muParserDLL.h>
#include <stdio.h>
#include <stdlib.h>

struct expr {
    muParserHandle_t parser;
    size_t n;
    double *values; /* muparser reads its variables here */
};

static const char *const FUNCTIONS[] = {
    "sin",  "cos",   "tan",   "asin",  "acos", "atan",  "atan2", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "log2", "log10", "log",   "ln",   "exp",
    "sqrt", "sign",  "rint",  "abs",   "min",  "max",   "sum",   "avg",
};

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Behind a number: 1e5 and 1e-5 hold no name. */
static size_t skip_number(struct ds_span t, size_t i)
{
    while (i < t.len && (digit(t.ptr[i]) || t.ptr[i] == '.'))
        i++;
    if (i < t.len && (t.ptr[i] == 'e' || t.ptr[i] == 'E')) {
        size_t at = i + 1;
        if (at < t.len && (t.ptr[at] == '+' || t.ptr[at] == '-'))
            at++;
        if (at < t.len && digit(t.ptr[at]))
            for (i = at; i < t.len && digit(t.ptr[i]);)
                i++;
    }
    return i;
}

static bool is_assignment(struct ds_span t, size_t i)
{
    static const char BEFORE[] = {'=', '<', '>', '!'};
    bool before = i > 0 && memchr(BEFORE, t.ptr[i - 1], sizeof BEFORE);
    bool after = i + 1 < t.len && t.ptr[i + 1] == '=';
    return !before && !after;
}

static int check_function(struct ds_span name, struct ds_err *err)
{
    const char *near = "";
    size_t best = 3;
    for (size_t i = 0; i < DS_COUNT(FUNCTIONS); i++) {
        if (ds_span_is(name, FUNCTIONS[i]))
            return 0;
        size_t d = ds_span_distance(name, ds_span_of(FUNCTIONS[i]), best);
        if (d < best) {
            best = d;
            near = FUNCTIONS[i];
        }
    }
    return ds_fail(err, DS_EINPUT, "unknown function '%.*s'%s%s%s",
                   (int)(name.len > 60 ? 60 : name.len), name.ptr,
                   near[0] ? " (did you mean '" : "", near, near[0] ? "'?)" : "");
}

/* A name at i; its end. */
static size_t take_name(struct ds_span t, size_t i, struct expr_name *out)
{
    size_t end = i;
    while (end < t.len && (starts_name(t.ptr[end]) || digit(t.ptr[end])))
        end++;
    size_t next = end;
    while (next < t.len && (t.ptr[next] == ' ' || t.ptr[next] == '\t'))
        next++;
    *out = (struct expr_name){.name = {t.ptr + i, end - i},
                              .offset = i,
                              .is_function = next < t.len && t.ptr[next] == '('};
    return end;
}

static int check_byte(struct ds_span t, size_t i, struct ds_err *err)
{
    char c = t.ptr[i];
    if (c == '=' && is_assignment(t, i))
        return ds_fail(err, DS_EINPUT, "'=' assigns; compare with '=='");
    if (c == '"' || c == '\'')
        return ds_fail(err, DS_EINPUT, "a text cannot be used in a formula; numbers only");
    if ((unsigned char)c < 0x20 || (unsigned char)c > 0x7e || !strchr(" +-*/^()<>=!&|?:,", c))
        return ds_fail(err, DS_EINPUT, "this character has no meaning in a formula");
    return 0;
}

int expr_scan(struct ds_span text, struct expr_name *names, size_t *n, size_t *offset,
              struct ds_err *err)
{
    *n = 0;
    *offset = 0;
    if (ds_span_trim(text).len == 0)
        return ds_fail(err, DS_EINPUT, "the formula is empty");
    if (text.len > EXPR_MAX_BYTES)
        return ds_fail(err, DS_EINPUT, "a formula of %zu bytes; at most %u are taken", text.len,
                       EXPR_MAX_BYTES);
    for (size_t i = 0; i < text.len;) {
        struct expr_name name;
        *offset = i;
        if (digit(text.ptr[i]) || text.ptr[i] == '.') {
            i = skip_number(text, i);
            continue;
        }
        if (!starts_name(text.ptr[i])) {
            int rc = check_byte(text, i++, err);
            if (rc < 0)
                return rc;
            continue;
        }
        i = take_name(text, i, &name);
        if (name.is_function && check_function(name.name, err) < 0)
            return DS_EINPUT;
        if (name.is_function || ds_span_is(name.name, "_pi") || ds_span_is(name.name, "_e"))
            continue;
        if (*n == EXPR_MAX_NAMES)
            return ds_fail(err, DS_EINPUT, "more than %u names in a formula", EXPR_MAX_NAMES);
        names[(*n)++] = name;
    }
    return 0;
}

/* muparser's message names its own notions; what and where is what people need. */
static int parser_failed(struct expr *e, size_t *offset, struct ds_err *err)
{
    muInt_t at = mupGetErrorPos(e->parser);
    char why[200];
    (void)snprintf(why, sizeof why, "%s", mupGetErrorMsg(e->parser));
    size_t n = strlen(why);
    if (n > 0 && why[n - 1] == '.')
        why[n - 1] = '\0';
    *offset = at < 0 ? 0 : (size_t)at;
    return ds_fail(err, DS_EINPUT, "the formula cannot be read: %s", why);
}

void expr_destroy(struct expr *e)
{
    if (!e)
        return;
    mupRelease(e->parser);
    free(e->values);
    free(e);
}

static int define_all(struct expr *e, struct ds_span text, const struct ds_span *names)
{
    char copy[EXPR_MAX_BYTES + 1];
    for (size_t i = 0; i < e->n; i++) {
        if (names[i].len > EXPR_MAX_BYTES)
            continue;
        memcpy(copy, names[i].ptr, names[i].len);
        copy[names[i].len] = '\0';
        mupDefineVar(e->parser, copy, &e->values[i]);
        e->values[i] = 1;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    mupSetExpr(e->parser, copy);
    return mupError(e->parser) ? DS_EINPUT : 0;
}

int expr_create(struct ds_span text, const struct ds_span *names, size_t n, struct expr **out,
                size_t *offset, struct ds_err *err)
{
    *offset = 0;
    if (text.len > EXPR_MAX_BYTES)
        return ds_fail(err, DS_EINPUT, "a formula of %zu bytes; at most %u are taken", text.len,
                       EXPR_MAX_BYTES);
    struct expr *e = malloc(sizeof *e);
    double *values = calloc(n ? n : 1, sizeof *values);
    if (!e || !values)
        abort();
    *e = (struct expr){.parser = mupCreate(muBASETYPE_FLOAT), .n = n, .values = values};
    int rc = define_all(e, text, names), n_results = 0;
    if (rc == 0) {
        (void)mupEvalMulti(e->parser, &n_results);
        rc = mupError(e->parser) ? DS_EINPUT : 0;
    }
    if (rc < 0)
        rc = parser_failed(e, offset, err);
    else if (n_results > 1)
        rc = ds_fail(err, DS_EINPUT, "the formula has %d results; ',' stands outside a function",
                     n_results);
    if (rc < 0)
        expr_destroy(e);
    else
        *out = e;
    return rc;
}

int expr_eval(struct expr *e, const double *values, double *out, struct ds_err *err)
{
    memcpy(e->values, values, e->n * sizeof *values);
    double value = mupEval(e->parser);
    size_t at;
    if (mupError(e->parser))
        return parser_failed(e, &at, err);
    *out = value;
    return 0;
}
