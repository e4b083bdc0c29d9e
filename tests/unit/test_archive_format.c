/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest parts of an archive: tar headers and the numbers of its index. */
#include "archive/archive_format.h"

#include <criterion/criterion.h>

Test(archive_format, tar_headers_above_eight_gibibytes_say_the_size_twice)
{
    unsigned char h[TAR_HEADER_MAX_BYTES];
    bool executable = true;
    uint64_t size = UINT64_C(8589934592);
    size_t n = tar_header_write(DS_SPAN("big"), size, false, h);
    cr_assert_eq(n, tar_header_bytes(DS_SPAN("big"), size));
    cr_assert_eq(n, 3 * 512);
    cr_assert_eq(h[156], 'x');
    cr_assert_eq(memcmp(h + 512, "19 size=8589934592\n", 19), 0);
    cr_assert_eq(h[1024 + 124], 0x80);
    cr_assert_eq(h[1024 + 124 + 7], 2);
    cr_assert(tar_header_matches(h, DS_SPAN("big"), size, &executable));
    cr_assert_not(executable);
    cr_assert_not(tar_header_matches(h, DS_SPAN("big"), size + 1, &executable));
    cr_assert_eq(tar_header_bytes(DS_SPAN("big"), size - 1), 512);
}

Test(archive_format, varints_have_one_form_only)
{
    static const struct {
        unsigned char bytes[12];
        size_t n;
        bool ok;
        uint64_t value;
    } ROWS[] = {
        {{0}, 1, true, 0},
        {{0x7f}, 1, true, 127},
        {{0x80, 1}, 2, true, 128},
        {{0x80}, 1, false, 0},
        {{0x80, 0}, 2, false, 0},
        {{0xff, 0}, 2, false, 0},
        {{0xe9, 7}, 2, false, 0},
        {{0}, 0, false, 0},
        {{0xe8, 7}, 2, true, 1000},
        {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 11, false, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        const unsigned char *at = ROWS[i].bytes;
        uint64_t v = 0;
        cr_assert_eq(archive_varint_read(&at, at + ROWS[i].n, 1000, &v), ROWS[i].ok, "row %zu", i);
        if (ROWS[i].ok)
            cr_assert_eq(v, ROWS[i].value);
    }
}
