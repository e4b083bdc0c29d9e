/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecl_write.h - append Eclipse-format records to a buffer (tests, benches, do-nothing simulators)
 *
 * Writes what OPM Flow writes: standard blocks of 1000 numbers or 105 texts; formatted
 * text with Flow's columns. Pure; a full buffer shows in buf_check. */
#ifndef DS_SUMMARY_ECL_WRITE_H
#define DS_SUMMARY_ECL_WRITE_H

#include "base/buf.h"

#include <stdint.h>

struct ecl_writer {
    struct ds_buf *out; /* borrowed */
    bool formatted;
};

/* keyword: at most 8 characters (asserted). */
void ecl_put_i32(const struct ecl_writer *w, const char *keyword, const int32_t *v, size_t n);
void ecl_put_f32(const struct ecl_writer *w, const char *keyword, const float *v, size_t n);
void ecl_put_f64(const struct ecl_writer *w, const char *keyword, const double *v, size_t n);
void ecl_put_logi(const struct ecl_writer *w, const char *keyword, const bool *v, size_t n);
/* width 8: CHAR; else type C0<width>, 1 .. 999. Longer texts are cut, shorter blank padded. */
void ecl_put_text(const struct ecl_writer *w, const char *keyword, unsigned width,
                  const char *const *v, size_t n);
void ecl_put_mess(const struct ecl_writer *w, const char *keyword);

/* A whole SMSPEC. */
struct ecl_write_vector {
    const char *keyword, *wgname, *unit; /* wgname NULL: ":+:+:+:+" */
    int32_t num;
};
struct ecl_write_spec {
    int32_t unit_system; /* 1 METRIC 2 FIELD 3 LAB 4 PVT-M */
    int32_t nx, ny, nz;
    int32_t start[6];     /* day, month, year, hour, minute, microseconds */
    const char *restart;  /* NULL: none */
    int32_t restart_step; /* 0: none */
    const struct ecl_write_vector *vectors;
    size_t n_vectors;
};
void ecl_write_smspec(const struct ecl_writer *w, const struct ecl_write_spec *s);

/* One SEQHDR; one MINISTEP with its PARAMS. */
void ecl_write_seqhdr(const struct ecl_writer *w, int32_t report_step);
void ecl_write_ministep(const struct ecl_writer *w, int32_t ministep, const float *params,
                        size_t n);

#endif
