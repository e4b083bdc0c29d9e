/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/parameters.h"

#include "base/json.h"
#include "base/units.h"

const struct ds_span *parameters_names(const struct plan *p, struct ds_arena *a)
{
    struct ds_span *names = ds_new(a, struct ds_span, p->n_params + PARAMETERS_BUILT_IN);
    if (!names)
        return NULL;
    for (size_t i = 0; i < p->n_params; i++)
        names[i] = p->params[i].name;
    names[p->n_params] = DS_SPAN("IENS");
    names[p->n_params + 1] = DS_SPAN("REAL");
    names[p->n_params + 2] = DS_SPAN("ITER");
    return names;
}

int parameters_values(const struct plan *p, const struct design *d, uint32_t row,
                      struct ds_arena *a, const struct ds_span **values, struct ds_err *err)
{
    struct ds_span *v = ds_new(a, struct ds_span, p->n_params + PARAMETERS_BUILT_IN);
    struct ds_span number = arena_format(a, "%u", d->number[row]);
    if (!v || !number.ptr)
        return ds_fail(err, DS_ETOOBIG, "the values of a case do not fit");
    if (d->n_params != p->n_params)
        return ds_fail(err, DS_ECORRUPT, "design.csv has %zu parameters, the plan %zu", d->n_params,
                       p->n_params);
    int rc = design_row(d, row, a, v, NULL, err);
    if (rc < 0)
        return rc;
    v[p->n_params] = v[p->n_params + 1] = number;
    v[p->n_params + 2] = DS_SPAN("0");
    *values = v;
    return 0;
}

/* JSON has no leading '+', '.5' or '007': what units_format_number writes is always JSON. */
static void put_value(struct json_writer *w, bool is_number, struct ds_span value)
{
    double number;
    if (is_number && units_parse_double(value, &number, NULL) == 0)
        jw_kv_double(w, "value", number);
    else
        jw_kv_text(w, "value", value);
}

int parameters_put_json(const struct plan *p, const struct ds_span *values, struct ds_buf *out,
                        struct ds_err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    for (size_t i = 0; i < p->n_params; i++) {
        jw_key_span(&w, p->params[i].name);
        jw_object(&w);
        put_value(&w, p->params[i].is_number, values[i]);
        jw_end_object(&w);
    }
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, "parameters.json", err);
}

int parameters_put_text(const struct plan *p, const struct ds_span *values, struct ds_buf *out,
                        struct ds_err *err)
{
    for (size_t i = 0; i < p->n_params; i++) {
        bool quoted = values[i].len == 0 || memchr(values[i].ptr, ' ', values[i].len);
        (void)buf_put_span(out, p->params[i].name);
        (void)buf_put_text(out, quoted ? " \"" : " ");
        (void)buf_put_span(out, values[i]);
        (void)buf_put_text(out, quoted ? "\"\n" : "\n");
    }
    return buf_check(out, "parameters.txt", err);
}

/* Index of the name that starts behind the '<' at text[at], or -1; *end is behind its '>'. */
static int64_t name_at(struct ds_span text, size_t at, const struct ds_span *names, size_t n,
                       size_t *end)
{
    const char *from = text.ptr + at + 1;
    const char *close = memchr(from, '>', text.len - at - 1);
    if (!close)
        return -1;
    struct ds_span name = {from, (size_t)(close - from)};
    *end = at + name.len + 2;
    for (size_t i = 0; i < n; i++)
        if (ds_span_eq(names[i], name))
            return (int64_t)i;
    return -1;
}

struct ds_span parameters_fill(struct ds_span word, const struct ds_span *names,
                               const struct ds_span *values, size_t n, struct ds_arena *a)
{
    if (!memchr(word.ptr, '<', word.len))
        return word;
    size_t bytes = word.len, end = 0;
    for (size_t i = 0; i < word.len; i++) {
        int64_t k = word.ptr[i] == '<' ? name_at(word, i, names, n, &end) : -1;
        bytes += k >= 0 ? values[k].len : 0;
    }
    char *text = ds_new(a, char, bytes + 1);
    if (!text)
        return (struct ds_span){NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++) {
        int64_t k = word.ptr[i] == '<' ? name_at(word, i, names, n, &end) : -1;
        if (k < 0) {
            text[len++] = word.ptr[i];
            continue;
        }
        if (values[k].len > 0)
            memcpy(text + len, values[k].ptr, values[k].len);
        len += values[k].len;
        i = end - 1;
    }
    return (struct ds_span){text, len};
}

static bool has_mark(const struct ds_span *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memchr(words[i].ptr, '<', words[i].len))
            return true;
    return false;
}

static const struct ds_span *fill_all(const struct ds_span *words, size_t n_words,
                                      const struct ds_span *names, const struct ds_span *values,
                                      size_t n, struct ds_arena *a)
{
    if (!has_mark(words, n_words))
        return words;
    struct ds_span *filled = ds_new(a, struct ds_span, n_words);
    for (size_t i = 0; filled && i < n_words; i++) {
        filled[i] = parameters_fill(words[i], names, values, n, a);
        if (!filled[i].ptr)
            return NULL;
    }
    return filled;
}

int parameters_fill_plan(const struct plan *p, const struct ds_span *names,
                         const struct ds_span *values, size_t n, struct ds_arena *a,
                         struct plan *out, struct ds_err *err)
{
    struct plan filled = *p;
    filled.args = fill_all(p->args, p->n_args, names, values, n, a);
    filled.command = fill_all(p->command, p->n_command, names, values, n, a);
    filled.not_converged_args =
        fill_all(p->not_converged_args, p->n_not_converged_args, names, values, n, a);
    if ((p->n_args && !filled.args) || (p->n_command && !filled.command)
        || (p->n_not_converged_args && !filled.not_converged_args))
        return ds_fail(err, DS_ETOOBIG, "the words of a case's command do not fit");
    *out = filled;
    return 0;
}
