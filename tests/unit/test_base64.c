/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

#include <criterion/criterion.h>

static const struct {
    const char *plain, *coded;
} VECTORS[] = {/* RFC 4648 10 */
               {"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"},
               {"\xff\xfe\xfd", "//79"}};

Test(base64, the_vectors_of_the_standard)
{
    for (size_t i = 0; i < DS_COUNT(VECTORS); i++) {
        ds_auto_buf b;
        struct ds_span out;
        struct ds_err err;
        ds_auto_arena a = arena_create(4096);
        buf_init(&b, 100);
        cr_assert_eq(base64_put(&b, VECTORS[i].plain, strlen(VECTORS[i].plain)), 0);
        cr_expect(ds_span_is(buf_span(&b), VECTORS[i].coded), "%s", b.data);
        cr_assert_eq(base64_decode(ds_span_of(VECTORS[i].coded), a, &out, &err), 0, "%s", err.text);
        cr_expect(ds_span_is(out, VECTORS[i].plain));
    }
}

Test(base64, every_length_and_byte_goes_there_and_back)
{
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 3);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        ds_auto_buf b;
        struct ds_span out;
        ds_auto_arena a = arena_create(4096);
        buf_init(&b, 1000);
        cr_assert_eq(base64_put(&b, bytes, n), 0);
        cr_assert_eq(b.len, (n + 2) / 3 * 4);
        cr_assert_eq(base64_decode(buf_span(&b), a, &out, NULL), 0);
        cr_assert(out.len == n && memcmp(out.ptr, bytes, n) == 0);
    }
}

Test(base64, what_is_read_and_what_is_refused)
{
    static const struct {
        const char *text, *plain; /* NULL: refused */
    } CASES[] = {{"Zm9v\nYmFy\n", "foobar"},
                 {" Zg = = ", "f"},
                 {"Zg", "f"},
                 {"Zm8", "fo"},
                 {"__79", "\xff\xfe\xfd"},
                 {"Z", NULL},
                 {"Zg=", NULL},
                 {"Zg===", NULL},
                 {"Zh==", NULL},
                 {"Zm9v=", NULL},
                 {"Zg==Zg==", NULL},
                 {"Zm9*", NULL},
                 {"Z\xc3\xa4==", NULL},
                 {"====", NULL}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct ds_span out;
        ds_auto_arena a = arena_create(4096);
        int rc = base64_decode(ds_span_of(CASES[i].text), a, &out, NULL);
        if (CASES[i].plain)
            cr_expect(rc == 0 && ds_span_is(out, CASES[i].plain), "%s", CASES[i].text);
        else
            cr_expect_eq(rc, DS_EPARSE, "%s", CASES[i].text);
    }
    ds_auto_buf small;
    buf_init(&small, 7);
    cr_expect_eq(base64_put(&small, "foobar", 6), DS_ETOOBIG);
}
