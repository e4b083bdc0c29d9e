/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/attempt.h"
#include "agent/spool.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct attempt attempt(void)
{
    struct attempt t = {.item = {.attempt = 3}, .number = 17, .limit_bytes = UINT64_C(70) << 20};
    memcpy(t.id.hex, "0123456789abcdef", CASE_ID_CHARS);
    return t;
}

Test(attempt, is_committed_under_the_key_of_its_verdict)
{
    static const struct {
        enum verdict verdict;
        const char *key;
    } rows[] = {
        {VERDICT_OK, "cases/0123456789abcdef.sl.tar.zst"},
        {VERDICT_CRASHED, "failed/0123456789abcdef.3.crashed.tar.zst"},
        {VERDICT_OUT_OF_MEMORY, "failed/0123456789abcdef.3.out-of-memory-70.tar.zst"},
        {VERDICT_TIMEOUT, "failed/0123456789abcdef.3.timeout-2.tar.zst"},
        {VERDICT_DECK_ERROR, "failed/0123456789abcdef.3.deck-error.tar.zst"},
    };
    struct plan p = {.keep = {.classes = CLASS_SUMMARY | CLASS_LOG}, .wall_ms = 1001};
    struct attempt t = attempt();
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        char key[RESULT_KEY_BYTES];
        attempt_key(&t, &p, rows[i].verdict, key);
        cr_expect_str_eq(key, rows[i].key);
    }
}

Test(attempt, out_of_memory_without_a_limit_tells_what_it_had)
{
    struct plan p = {.keep = {.classes = CLASS_SUMMARY}};
    struct attempt t = attempt();
    char key[RESULT_KEY_BYTES];
    t.limit_bytes = 0;
    t.peak_mem_bytes = (UINT64_C(33) << 20) + 5;
    attempt_key(&t, &p, VERDICT_OUT_OF_MEMORY, key);
    cr_expect_str_eq(key, "failed/0123456789abcdef.3.out-of-memory-33.tar.zst");
    t.peak_mem_bytes = 0;
    attempt_key(&t, &p, VERDICT_OUT_OF_MEMORY, key);
    cr_expect_str_eq(key, "failed/0123456789abcdef.3.out-of-memory-1.tar.zst");
}

Test(spool, names_come_back_as_the_key_they_stand_for)
{
    static const char *const keys[] = {"cases/0123456789abcdef.sl.tar.zst",
                                       "failed/0123456789abcdef.3.timeout-2.tar.zst"};
    for (size_t i = 0; i < DS_COUNT(keys); i++) {
        char name[SPOOL_NAME_BYTES], key[RESULT_KEY_BYTES];
        spool_name_encode(keys[i], name);
        cr_expect_null(strchr(name, '/'));
        cr_assert(spool_name_decode(ds_span_of(name), key), "%s", name);
        cr_expect_str_eq(key, keys[i]);
    }
}

Test(spool, other_names_are_none)
{
    static const char *const names[] = {
        "",
        ".archive",
        "x.archive",
        "cases%0123456789abcdef.sl.tar.zst",
        "cases%0123456789abcdef.sl.tar.zst.archive.tmp",
        "cases%..%..%etc%passwd.archive",
        "failed%0123456789abcdef.1.granted.archive",
        "started%0123456789abcdef.1.archive",
        "cases%%0123456789abcdef.sl.tar.zst.archive",
    };
    for (size_t i = 0; i < DS_COUNT(names); i++) {
        char key[RESULT_KEY_BYTES];
        cr_expect_not(spool_name_decode(ds_span_of(names[i]), key), "%s", names[i]);
    }
}

Test(spool, a_scratch_folder_belongs_to_sweep_and_store)
{
    char tag[SCRATCH_NAME_BYTES], other[SCRATCH_NAME_BYTES], name[SCRATCH_NAME_BYTES + 16];
    scratch_tag(DS_SPAN("spe1"), DS_SPAN("/data/store"), tag);
    cr_assert_eq(strlen(tag), strlen("spe1-") + 8);
    scratch_tag(DS_SPAN("spe1"), DS_SPAN("/data/stor"), other);
    cr_expect_str_neq(tag, other);
    (void)snprintf(name, sizeof name, "%s-4711", tag);
    cr_expect(scratch_is_of_tag(ds_span_of(name), tag));
    (void)snprintf(name, sizeof name, "%s-4711.2", tag);
    cr_expect(scratch_is_of_tag(ds_span_of(name), tag));
    static const char *const not [] = {"%s", "%s-", "%s-x", "%s-1.x", "%s-1.", "kept-%s", "%sx-1"};
    for (size_t i = 0; i < DS_COUNT(not ); i++) {
        struct ds_span s;
        ds_auto_arena a = arena_create(4096);
        const char *mark = strstr(not [i], "%s");
        s = arena_format(a, "%.*s%s%s", (int)(mark - not [i]), not [i], tag, mark + 2);
        cr_expect_not(scratch_is_of_tag(s, tag), "%.*s", DS_FMT(s));
    }
}
