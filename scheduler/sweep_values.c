/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listed values of a parameter, numbers or texts, and their weights. */
#include "base/units.h"
#include "sweep_reader.h"

#include <math.h>

#define MAX_DISCRETE   1000u /* each draw looks through them */
#define MAX_TEXT_BYTES 1024u /* of a value */

/* Plain words that YAML readers (kubectl's among them) do not take for texts. */
static bool ambiguous(struct ds_span t)
{
    static const char *const WORDS[] = {"true", "false", "yes", "no",   "on",    "off",  "y",
                                        "n",    "null",  "~",   ".inf", "-.inf", ".nan", "+.inf"};
    for (size_t i = 0; i < DS_COUNT(WORDS); i++)
        if (ds_span_eq_nocase(t, ds_span_of(WORDS[i])))
            return true;
    size_t i = t.len > 1 && (t.ptr[0] == '-' || t.ptr[0] == '+') ? 1 : 0;
    bool leading_zero = t.len > i + 1 && t.ptr[i] == '0' && t.ptr[i + 1] != '.'
                        && t.ptr[i + 1] != 'e' && t.ptr[i + 1] != 'E';
    if (leading_zero) /* 010 is 8 to some, 0x1F and 0b1 are numbers to others */
        return t.ptr[i + 1] == 'x' || t.ptr[i + 1] == 'X' || t.ptr[i + 1] == 'b'
               || t.ptr[i + 1] == 'o' || (t.ptr[i + 1] >= '0' && t.ptr[i + 1] <= '9');
    return false;
}

static bool take_value(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                       int decimals, struct sweep_value *out)
{
    struct ds_span text;
    if (!reader_text(r, path, node, &text))
        return false;
    if (!node->quoted && ambiguous(text)) {
        reader_bad(r, pos_of(node),
                   "%s: %.*s is read differently by different programs; write it in quotes as a "
                   "text, or as a plain decimal number",
                   path, (int)(text.len > 60 ? 60 : text.len), text.ptr);
        return false;
    }
    if (text.len > MAX_TEXT_BYTES) {
        reader_bad(r, pos_of(node), "%s: a value of %zu bytes; at most %u are taken", path,
                   text.len, MAX_TEXT_BYTES);
        return false;
    }
    double v;
    out->is_text = !yaml_number(node, &v);
    if (out->is_text) {
        out->text = text;
        return true;
    }
    char digits[UNITS_NUMBER_BYTES];
    out->number = decimals >= 0 ? units_round(v, decimals) : v == 0 ? 0.0 : v;
    out->text =
        arena_copy(r->a, (struct ds_span){digits, units_format_number(out->number, digits)});
    r->full |= !out->text.ptr;
    return out->text.ptr != NULL;
}

bool reader_values(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                   struct sweep_param *p)
{
    if (node->kind != YAML_LIST || node->n == 0) {
        reader_bad(r, pos_of(node), "%s: write a list of at least one value: [1, 2, 3]", path);
        return false;
    }
    struct sweep_value *values = reader_take(r, node->n, sizeof *values);
    bool ok = values != NULL;
    size_t i = 0;
    for (const struct yaml_node *c = node->first; c && values; c = c->next)
        ok &= take_value(r, path, c, p->decimals, &values[i++]);
    p->values = values;
    p->n_values = ok ? i : 0;
    return ok;
}

static void take_weights(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                         struct sweep_param *p)
{
    if (node->kind != YAML_LIST || node->n != p->n_values) {
        reader_bad(r, pos_of(node), "%s: write a list with one weight a value (%zu)", path,
                   p->n_values);
        return;
    }
    double *w = reader_take(r, node->n, sizeof *w), sum = 0;
    size_t i = 0;
    for (const struct yaml_node *c = node->first; c && w; c = c->next, i++) {
        if (!reader_number(r, path, c, &w[i]))
            return;
        if (!(w[i] >= 0 && w[i] <= 1)) {
            reader_bad(r, pos_of(c), "%s: %.*s; a weight is a probability from 0 to 1", path,
                       DS_FMT(c->text));
            return;
        }
        sum += w[i];
    }
    if (!w)
        return;
    if (fabs(sum - 1) > 1e-6) {
        char text[UNITS_NUMBER_BYTES];
        (void)units_format_number(units_round(sum, -1), text);
        reader_bad(r, pos_of(node), "%s: the weights sum to %s; they must sum to 1", path, text);
        return;
    }
    for (i = 0; i < p->n_values; i++)
        w[i] /= sum;
    p->weights = w;
}

void reader_discrete(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                     struct sweep_param *p)
{
    static const struct ds_span NAMES[] = {{"values", 6}, {"weights", 7}};
    char sub[READER_PATH_BYTES];
    if (!reader_is_map(r, path, node))
        return;
    reader_report_doubles(r, path, node);
    for (const struct yaml_node *c = node->first; c; c = c->next)
        if (!ds_span_eq(c->key, NAMES[0]) && !ds_span_eq(c->key, NAMES[1])) {
            char near[NEAREST_BYTES];
            nearest_word(c->key, NAMES, 2, near);
            reader_bad(r, pos_of_key(c), "%s.%.*s: unknown key%s; it takes values, weights", path,
                       (int)(c->key.len > 60 ? 60 : c->key.len), c->key.ptr, near);
        }
    const struct yaml_node *values = yaml_get(node, "values"), *weights = yaml_get(node, "weights");
    if (!values || !weights) {
        reader_bad(r, pos_of(node), "%s: write values and weights", path);
        return;
    }
    reader_join(sub, path, DS_SPAN("values"));
    if (!reader_values(r, sub, values, p))
        return;
    if (p->n_values > MAX_DISCRETE) {
        reader_bad(r, pos_of(values), "%s: %zu values; discrete takes at most %u", sub, p->n_values,
                   MAX_DISCRETE);
        return;
    }
    reader_join(sub, path, DS_SPAN("weights"));
    take_weights(r, sub, weights, p);
}
