/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/names.h"

#include <criterion/criterion.h>

Test(names, keep_what_netcdf_allows_and_escape_the_rest)
{
    static const struct {
        struct ds_span key;
        unsigned occurrence;
        const char *want;
    } ROWS[] = {
        {DS_SPAN("FOPR"), 1, "FOPR"},
        {DS_SPAN("WBHP:PROD"), 1, "WBHP:PROD"},
        {DS_SPAN("BPR:10,10,3"), 1, "BPR:10,10,3"},
        {DS_SPAN("WBHP:A/1 H"), 1, "WBHP:A%2F1 H"},
        {DS_SPAN("WBHP:100%"), 1, "WBHP:100%25"},
        {DS_SPAN("WOPR:PRODUCER"), 2, "WOPR:PRODUCER#2"},
        {DS_SPAN("WOPR:X "), 1, "WOPR:X%20"},
        {DS_SPAN("WOPR:\x01\x7f"), 1, "WOPR:%01%7F"},
        {DS_SPAN("WOPR:\xc3\x98"), 1, "WOPR:\xc3\x98"},
        {DS_SPAN("WOPR:\xd8"), 1, "WOPR:%D8"},
        {DS_SPAN("WOPR:\xed\xa0\x80"), 1, "WOPR:%ED%A0%80"},
        {DS_SPAN("WOPR:\xc3"), 1, "WOPR:%C3"},
        {DS_SPAN("-X"), 1, "%2DX"},
        {DS_SPAN(""), 1, "%"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        char name[NAMES_BYTES];
        names_of_vector(ROWS[i].key, ROWS[i].occurrence, name);
        cr_expect_str_eq(name, ROWS[i].want);
    }
}

Test(names, too_long_are_cut_and_stay_apart)
{
    char a[1000], b[1000], name_a[NAMES_BYTES], name_b[NAMES_BYTES];
    memset(a, '/', sizeof a);
    memset(b, '/', sizeof b);
    b[999] = 'x';
    names_of_vector((struct ds_span){a, sizeof a}, 4000000000u, name_a);
    names_of_vector((struct ds_span){b, sizeof b}, 4000000000u, name_b);
    cr_expect_lt(strlen(name_a), (size_t)NAMES_BYTES);
    cr_expect_str_neq(name_a, name_b);
}

Test(names, clean_text_is_utf8_without_control_bytes)
{
    char text[] = "a\n\xd8 \xc3\x98\x7f";
    cr_expect_not(names_are_clean((struct ds_span){text, sizeof text - 1}));
    names_clean(text, sizeof text - 1);
    cr_expect_str_eq(text, "a?? \xc3\x98?");
    cr_expect(names_are_clean((struct ds_span){text, sizeof text - 1}));
}
