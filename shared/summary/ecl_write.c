/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/ecl_write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define BLOCK_NUMBERS 1000u
#define BLOCK_TEXTS   105u
#define TWO_31        (UINT64_C(1) << 31)

static void put_be32(struct ds_buf *b, uint32_t v)
{
    unsigned char raw[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                            (unsigned char)(v >> 8), (unsigned char)v};
    (void)buf_put(b, raw, sizeof raw);
}

static void put_padded(struct ds_buf *b, const char *text, size_t width)
{
    size_t n = strlen(text);
    if (n > width)
        n = width;
    (void)buf_put(b, text, n);
    for (; n < width; n++)
        (void)buf_put_char(b, ' ');
}

static void put_binary_header(struct ds_buf *b, const char *keyword, int32_t count,
                              const char *type)
{
    put_be32(b, 16);
    put_padded(b, keyword, 8);
    put_be32(b, (uint32_t)count);
    put_padded(b, type, 4);
    put_be32(b, 16);
}

static void put_header(const struct ecl_writer *w, const char *keyword, size_t count,
                       const char *type)
{
    assert(strlen(keyword) <= 8);
    if (w->formatted) {
        (void)buf_put_text(w->out, " '");
        put_padded(w->out, keyword, 8);
        (void)buf_printf(w->out, "' %11zu '", count);
        put_padded(w->out, type, 4);
        (void)buf_put_text(w->out, "'\n");
        return;
    }
    uint64_t n = count;
    if (n >= TWO_31) /* more than an int32: a header of type X231 carries the high part */
        put_binary_header(w->out, keyword, -(int32_t)(n / TWO_31), "X231");
    put_binary_header(w->out, keyword, (int32_t)(n % TWO_31), type);
}

/* ---- unformatted ---- */

typedef uint64_t word_f(const void *v, size_t i);

static uint64_t word_i32(const void *v, size_t i)
{
    return (uint32_t)((const int32_t *)v)[i];
}

static uint64_t word_f32(const void *v, size_t i)
{
    uint32_t bits;
    memcpy(&bits, (const float *)v + i, sizeof bits);
    return bits;
}

static uint64_t word_f64(const void *v, size_t i)
{
    uint64_t bits;
    memcpy(&bits, (const double *)v + i, sizeof bits);
    return bits;
}

static uint64_t word_logi(const void *v, size_t i)
{
    return ((const bool *)v)[i] ? UINT32_MAX : 0;
}

static void put_words(const struct ecl_writer *w, const void *v, size_t n, unsigned size,
                      word_f *word)
{
    for (size_t begin = 0; begin < n; begin += BLOCK_NUMBERS) {
        size_t end = n - begin < BLOCK_NUMBERS ? n : begin + BLOCK_NUMBERS;
        uint32_t bytes = (uint32_t)((end - begin) * size);
        put_be32(w->out, bytes);
        for (size_t i = begin; i < end; i++) {
            uint64_t one = word(v, i);
            if (size == 8)
                put_be32(w->out, (uint32_t)(one >> 32));
            put_be32(w->out, (uint32_t)one);
        }
        put_be32(w->out, bytes);
    }
}

/* ---- formatted: fixed columns, a line break behind every block too ---- */

static int exponent_of(const char *text) /* of printf's %e */
{
    const char *e = strchr(text, 'e');
    int value = 0;
    for (const char *p = e ? e + 2 : ""; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (*p - '0');
    return e && e[1] == '-' ? -value : value;
}

/* Fortran's 0.12345678E+01 from C's 1.2345678e+00. digits: significant ones. */
static void put_fortran(struct ds_buf *b, double v, int width, int digits, char letter)
{
    char c[64], out[64];
    if (!isfinite(v)) {
        (void)buf_printf(b, "%*s", width, isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
        return;
    }
    (void)snprintf(c, sizeof c, "%.*e", digits - 1, fabs(v));
    int exponent = exponent_of(c);
    if (v != 0)
        exponent++;
    char mark[2] = {letter, 0};
    if (exponent >= 100 || exponent <= -100) /* three digits leave no room for the letter */
        mark[0] = 0;
    (void)snprintf(out, sizeof out, "%s0.%c%.*s%s%+03d", signbit(v) && v != 0 ? "-" : "", c[0],
                   digits - 1, c + 2, mark, exponent);
    (void)buf_printf(b, "%*s", width, out);
}

static void end_line(struct ds_buf *b, size_t i, size_t n, size_t per_line, size_t per_block)
{
    if (i + 1 == n || (i + 1) % per_block == 0 || (i + 1) % per_block % per_line == 0)
        (void)buf_put_char(b, '\n');
}

static void put_ints(const struct ecl_writer *w, const char *keyword, const void *v, size_t n,
                     word_f *word)
{
    put_header(w, keyword, n, "INTE");
    if (!w->formatted) {
        put_words(w, v, n, 4, word);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(w->out, "%12d", (int)(int32_t)word(v, i));
        end_line(w->out, i, n, 6, BLOCK_NUMBERS);
    }
}

void ecl_put_i32(const struct ecl_writer *w, const char *keyword, const int32_t *v, size_t n)
{
    put_ints(w, keyword, v, n, word_i32);
}

void ecl_put_f32(const struct ecl_writer *w, const char *keyword, const float *v, size_t n)
{
    put_header(w, keyword, n, "REAL");
    if (!w->formatted) {
        put_words(w, v, n, 4, word_f32);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        put_fortran(w->out, (double)v[i], 17, 8, 'E');
        end_line(w->out, i, n, 4, BLOCK_NUMBERS);
    }
}

void ecl_put_f64(const struct ecl_writer *w, const char *keyword, const double *v, size_t n)
{
    put_header(w, keyword, n, "DOUB");
    if (!w->formatted) {
        put_words(w, v, n, 8, word_f64);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        put_fortran(w->out, v[i], 23, 14, 'D');
        end_line(w->out, i, n, 3, BLOCK_NUMBERS);
    }
}

void ecl_put_logi(const struct ecl_writer *w, const char *keyword, const bool *v, size_t n)
{
    put_header(w, keyword, n, "LOGI");
    if (!w->formatted) {
        put_words(w, v, n, 4, word_logi);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        (void)buf_put_text(w->out, v[i] ? "  T" : "  F");
        end_line(w->out, i, n, 25, BLOCK_NUMBERS);
    }
}

typedef const char *text_f(const void *v, size_t i);

static const char *text_plain(const void *v, size_t i)
{
    return ((const char *const *)v)[i];
}

static void put_texts(const struct ecl_writer *w, const char *keyword, unsigned width,
                      const void *v, size_t n, text_f *text)
{
    assert(width >= 1 && width <= 999);
    char type[8];
    if (width == 8)
        (void)snprintf(type, sizeof type, "CHAR");
    else
        (void)snprintf(type, sizeof type, "C%03u", width);
    put_header(w, keyword, n, type);
    for (size_t i = 0; i < n; i++) {
        size_t left = n - i < BLOCK_TEXTS ? n - i : BLOCK_TEXTS;
        if (w->formatted) {
            (void)buf_put_text(w->out, " '");
            put_padded(w->out, text(v, i), width);
            (void)buf_put_char(w->out, '\'');
            end_line(w->out, i, n, width > 8 ? 1 : 7, BLOCK_TEXTS);
            continue;
        }
        if (i % BLOCK_TEXTS == 0)
            put_be32(w->out, (uint32_t)(left * width));
        put_padded(w->out, text(v, i), width);
        if (i + 1 == n || (i + 1) % BLOCK_TEXTS == 0)
            put_be32(w->out, (uint32_t)((i % BLOCK_TEXTS + 1) * width));
    }
}

void ecl_put_text(const struct ecl_writer *w, const char *keyword, unsigned width,
                  const char *const *v, size_t n)
{
    put_texts(w, keyword, width, v, n, text_plain);
}

void ecl_put_mess(const struct ecl_writer *w, const char *keyword)
{
    put_header(w, keyword, 0, "MESS");
}

/* ---- whole files ---- */

#define RESTART_PIECES 9u /* of 8 characters */

static void put_restart(const struct ecl_writer *w, const char *root)
{
    char piece[RESTART_PIECES][9];
    const char *pieces[RESTART_PIECES];
    size_t n = root ? strlen(root) : 0;
    for (size_t i = 0; i < RESTART_PIECES; i++) {
        size_t have = n > i * 8 ? n - i * 8 : 0;
        memset(piece[i], 0, sizeof piece[i]);
        if (have)
            memcpy(piece[i], root + i * 8, have < 8 ? have : 8);
        pieces[i] = piece[i];
    }
    ecl_put_text(w, "RESTART", 8, pieces, RESTART_PIECES);
}

static const char *text_keyword(const void *v, size_t i)
{
    return ((const struct ecl_write_vector *)v)[i].keyword;
}

static const char *text_wgname(const void *v, size_t i)
{
    const char *name = ((const struct ecl_write_vector *)v)[i].wgname;
    return name ? name : ":+:+:+:+";
}

static const char *text_unit(const void *v, size_t i)
{
    const char *unit = ((const struct ecl_write_vector *)v)[i].unit;
    return unit ? unit : "";
}

static uint64_t word_num(const void *v, size_t i)
{
    return (uint32_t)((const struct ecl_write_vector *)v)[i].num;
}

void ecl_write_smspec(const struct ecl_writer *w, const struct ecl_write_spec *s)
{
    ecl_put_i32(w, "INTEHEAD", (const int32_t[]){s->unit_system, 100}, 2);
    put_restart(w, s->restart);
    const int32_t dimens[6] = {(int32_t)s->n_vectors, s->nx, s->ny, s->nz, 0, s->restart_step};
    ecl_put_i32(w, "DIMENS", dimens, 6);
    put_texts(w, "KEYWORDS", 8, s->vectors, s->n_vectors, text_keyword);
    put_texts(w, "WGNAMES", 8, s->vectors, s->n_vectors, text_wgname);
    put_ints(w, "NUMS", s->vectors, s->n_vectors, word_num);
    put_texts(w, "UNITS", 8, s->vectors, s->n_vectors, text_unit);
    ecl_put_i32(w, "STARTDAT", s->start, 6);
}

void ecl_write_seqhdr(const struct ecl_writer *w, int32_t report_step)
{
    ecl_put_i32(w, "SEQHDR", &report_step, 1);
}

void ecl_write_ministep(const struct ecl_writer *w, int32_t ministep, const float *params, size_t n)
{
    ecl_put_i32(w, "MINISTEP", &ministep, 1);
    ecl_put_f32(w, "PARAMS", params, n);
}
