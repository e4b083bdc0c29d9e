/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decksweep/topology.h"

#include <criterion/criterion.h>

TestSuite(cpuset, .timeout = 20);

Test(cpuset, reads_and_writes_the_kernels_lists)
{
    static const struct {
        const char *in, *out;
        unsigned n;
    } row[] = {{"", "", 0},           {"0", "0", 1},           {"0-3,8", "0-3,8", 5},
               {"3,1,2", "1-3", 3},   {"0-3,2-5\n", "0-5", 6}, {"4095", "4095", 1},
               {"63-64", "63-64", 2}, {" 7 ", "7", 1},         {"0-4095", "0-4095", 4096}};
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct cpuset s;
        struct ds_err err;
        char text[CPUSET_TEXT_BYTES];
        cr_assert(cpuset_parse(ds_span_of(row[i].in), &s, &err) == 0, "%s: %s", row[i].in,
                  err.text);
        cpuset_format(&s, text);
        cr_expect(strcmp(text, row[i].out) == 0, "'%s' became '%s'", row[i].in, text);
        cr_expect(cpuset_count(&s) == row[i].n);
    }
}

Test(cpuset, refuses_what_is_no_list_and_leaves_the_output_alone)
{
    static const char *const BAD[] = {
        "a",  "1-", "-1", "3-1", "4096", "1,,2", "1,", ",", "0-9999", "1 2", "99999999999999999999",
        "0x3"};
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct cpuset s;
        struct ds_err err;
        memset(&s, 0xa5, sizeof(s));
        cr_expect(cpuset_parse(ds_span_of(BAD[i]), &s, &err) < 0, "%s", BAD[i]);
        cr_expect(((unsigned char *)&s)[5] == 0xa5);
    }
}

Test(cpuset, cuts_a_long_list_with_dots)
{
    struct cpuset s;
    char text[CPUSET_TEXT_BYTES];
    cpuset_clear(&s);
    for (unsigned i = 0; i < CPUSET_MAX_PUS; i += 2)
        cpuset_add(&s, i);
    cpuset_format(&s, text);
    cr_expect(strlen(text) < CPUSET_TEXT_BYTES);
    cr_expect(strcmp(text + strlen(text) - 3, "...") == 0, "%s", text);
}

Test(cpuset, walks_its_members)
{
    struct cpuset s;
    cpuset_clear(&s);
    cr_expect(cpuset_first(&s) == -1 && cpuset_next(&s, 5) == -1);
    static const unsigned member[] = {0, 1, 63, 64, 127, 128, 4000, 4095};
    for (size_t i = 0; i < DS_COUNT(member); i++)
        cpuset_add(&s, member[i]);
    size_t n = 0;
    for (int i = cpuset_first(&s); i >= 0; i = cpuset_next(&s, i))
        cr_expect(n < DS_COUNT(member) && member[n++] == (unsigned)i);
    cr_expect(n == DS_COUNT(member));
    cr_expect(!cpuset_has(&s, 2) && cpuset_has(&s, 4095) && !cpuset_has(&s, 4096));
}

Test(cpuset, intersects_and_unites)
{
    struct cpuset x, y, z;
    cr_assert(cpuset_parse(DS_SPAN("0-7"), &x, NULL) == 0);
    cr_assert(cpuset_parse(DS_SPAN("4-11"), &y, NULL) == 0);
    cr_assert(cpuset_parse(DS_SPAN("4-7"), &z, NULL) == 0);
    struct cpuset both = x;
    cpuset_and(&both, &y);
    cr_expect(cpuset_eq(&both, &z) && cpuset_intersects(&x, &y));
    cpuset_or(&both, &y);
    cr_expect(cpuset_eq(&both, &y) && !cpuset_eq(&x, &y));
    cr_assert(cpuset_parse(DS_SPAN("100"), &z, NULL) == 0);
    cr_expect(!cpuset_intersects(&x, &z));
}
