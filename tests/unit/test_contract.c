/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts, result classes, keep words, store keys, case.json. */
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/result.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

TestSuite(contract, .timeout = 60);

Test(contract, every_verdict_has_a_name_that_reads_back)
{
    for (int v = VERDICT_OK; v < VERDICT_COUNT; v++)
        cr_assert_eq(verdict_from_name(ds_span_of(verdict_name((enum verdict)v))), v);
    cr_assert_str_eq(verdict_name(VERDICT_NONE), "none");
    cr_assert_eq(verdict_from_name(DS_SPAN("none")), VERDICT_NONE);
    cr_assert_eq(verdict_from_name(DS_SPAN("out-of")), VERDICT_NONE);
}

Test(contract, file_names_fall_into_their_class)
{
    static const struct {
        const char *name;
        unsigned class;
    } ROWS[] = {
        {"SPE1.SMSPEC", CLASS_SUMMARY},
        {"spe1.unsmry", CLASS_SUMMARY},
        {"SPE1.ESMRY", CLASS_SUMMARY},
        {"SPE1.S0001", CLASS_SUMMARY},
        {"SPE1.A0012", CLASS_SUMMARY},
        {"SPE1.FSMSPEC", CLASS_SUMMARY},
        {"SPE1.FUNSMRY", CLASS_SUMMARY},
        {"SPE1.RSM", CLASS_SUMMARY},
        {"SPE1.PRT", CLASS_LOG},
        {"SPE1.INFOSTEP", CLASS_LOG},
        {"SPE1.ECLEND", CLASS_LOG},
        {"SPE1.MSG", CLASS_LOG},
        {"stdout", CLASS_LOG},
        {"stderr", CLASS_LOG},
        {"SPE1.EGRID", CLASS_GRID},
        {"SPE1.FEGRID", CLASS_GRID},
        {"SPE1.GRID", CLASS_GRID},
        {"SPE1.INIT", CLASS_INIT},
        {"SPE1.FINIT", CLASS_INIT},
        {"SPE1.UNRST", CLASS_RESTART},
        {"SPE1.FUNRST", CLASS_RESTART},
        {"SPE1.X0010", CLASS_RESTART},
        {"SPE1.F0010", CLASS_RESTART},
        {"SPE1.RFT", CLASS_RFT},
        {"SPE1.FRFT", CLASS_RFT},
        {"SPE1.DBG", CLASS_DEBUG},
        {"model/SPE1.DBG", CLASS_DEBUG},
        {"SPE1.DATA", 0},
        {"SPE1.S001", 0},
        {"SPE1.S00001", 0},
        {"SPE1.S00A1", 0},
        {"SPE1.B0001", 0},
        {"stdout.txt", 0},
        {"UNSMRY", 0},
        {"", 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_assert_eq(result_class_of_file(ds_span_of(ROWS[i].name)), ROWS[i].class, "%s",
                     ROWS[i].name);
}

Test(contract, class_names_read_back_and_all_is_every_class)
{
    for (unsigned bit = 1; bit < CLASS_ALL; bit <<= 1)
        cr_assert_eq(result_class_from_name(ds_span_of(result_class_name((enum result_class)bit))),
                     bit);
    cr_assert_eq(result_class_from_name(DS_SPAN("all")), CLASS_ALL);
    cr_assert_eq(result_class_from_name(DS_SPAN("summaries")), 0);
}

Test(contract, globs_keep_files_that_no_class_asks_for)
{
    struct keep k = {
        .classes = CLASS_LOG, .globs = {DS_SPAN("*.csv"), DS_SPAN("out/*")}, .n_globs = 2};
    cr_assert(keep_wants(&k, DS_SPAN("SPE1.PRT")));
    cr_assert(keep_wants(&k, DS_SPAN("deep/table.csv")));
    cr_assert(keep_wants(&k, DS_SPAN("out/x")));
    cr_assert_not(keep_wants(&k, DS_SPAN("SPE1.UNRST")));
}

Test(contract, the_keep_word_lists_letters_in_order_and_digests_globs)
{
    char word[KEEP_WORD_BYTES];
    struct keep k = {.classes = CLASS_LOG | CLASS_SUMMARY};
    keep_word(&k, word);
    cr_assert_str_eq(word, "sl");
    k.classes = CLASS_ALL;
    keep_word(&k, word);
    cr_assert_str_eq(word, "slgirfd");
    k = (struct keep){.classes = CLASS_GRID, .globs = {DS_SPAN("*.a"), DS_SPAN("b")}, .n_globs = 2};
    keep_word(&k, word);
    cr_assert_str_eq(word, "gx84138ebb"); /* printf '*.a\nb\n' | sha256sum */
    k = (struct keep){0};
    keep_word(&k, word);
    cr_assert_str_eq(word, "n");
}

Test(contract, a_wider_keep_covers_a_narrower_one)
{
    static const struct {
        const char *have, *want;
        bool covers;
    } ROWS[] = {
        {"sl", "sl", true},
        {"slg", "sl", true},
        {"sl", "slg", false},
        {"slgirfd", "sd", true},
        {"sl", "n", true},
        {"n", "s", false},
        {"n", "n", true},
        {"slx01234567", "s", true},
        {"sl", "slx01234567", false},
        {"slx01234567", "slx01234567", true},
        {"slx01234567", "lx76543210", false},
        {"slgirfd", "x01234567", false},
        {"x01234567", "x01234567", true},
        {"ls", "s", false},
        {"", "s", false},
        {"sl", "", false},
        {"slx0123456", "s", false},
        {"ss", "s", false},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_assert_eq(keep_word_covers(ds_span_of(ROWS[i].have), ds_span_of(ROWS[i].want)),
                     ROWS[i].covers, "%s covers %s", ROWS[i].have, ROWS[i].want);
}

Test(contract, our_keys_decode_and_encode_to_themselves)
{
    static const struct {
        const char *key;
        enum key_kind kind;
        uint32_t attempt;
        enum verdict verdict;
        uint64_t limit;
    } ROWS[] = {
        {"cases/0123456789abcdef.sl.tar.zst", KEY_CASE, 0, VERDICT_OK, 0},
        {"cases/0123456789abcdef.n.tar.zst", KEY_CASE, 0, VERDICT_OK, 0},
        {"cases/0123456789abcdef.slgirfdx01234567.tar.zst", KEY_CASE, 0, VERDICT_OK, 0},
        {"failed/0123456789abcdef.1.deck-error.tar.zst", KEY_FAILED, 1, VERDICT_DECK_ERROR, 0},
        {"failed/0123456789abcdef.12.timeout-7200.tar.zst", KEY_FAILED, 12, VERDICT_TIMEOUT, 7200},
        {"failed/0123456789abcdef.2.out-of-memory-512.tar.zst", KEY_FAILED, 2,
         VERDICT_OUT_OF_MEMORY, 512},
        {"failed/0123456789abcdef.2.out-of-memory.tar.zst", KEY_FAILED, 2, VERDICT_OUT_OF_MEMORY,
         0},
        {"failed/0123456789abcdef.3.granted", KEY_GRANTED, 3, VERDICT_NONE, 0},
        {"started/0123456789abcdef.4294967295", KEY_STARTED, UINT32_MAX, VERDICT_NONE, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        char again[RESULT_KEY_BYTES];
        struct result_key k = result_key_decode(ds_span_of(ROWS[i].key));
        cr_assert_eq(k.kind, ROWS[i].kind, "%s", ROWS[i].key);
        cr_assert_eq(k.attempt, ROWS[i].attempt, "%s", ROWS[i].key);
        cr_assert_eq(k.verdict, ROWS[i].verdict, "%s", ROWS[i].key);
        cr_assert_eq(k.limit, ROWS[i].limit, "%s", ROWS[i].key);
        result_key_encode(&k, again);
        cr_assert_str_eq(again, ROWS[i].key);
    }
}

Test(contract, what_is_not_exactly_ours_is_foreign)
{
    static const char *const KEYS[] = {
        "",
        "cases/",
        "cases/0123456789abcdef",
        "cases/0123456789abcdef.tar.zst",
        "cases/0123456789abcdef..tar.zst",
        "cases/0123456789abcdeF.sl.tar.zst",
        "cases/0123456789abcde.sl.tar.zst",
        "cases/0123456789abcdef.ls.tar.zst",
        "cases/0123456789abcdef.sl.tar.zst~",
        "cases/x/0123456789abcdef.sl.tar.zst",
        "failed/0123456789abcdef.0.crashed.tar.zst",
        "failed/0123456789abcdef.01.crashed.tar.zst",
        "failed/0123456789abcdef.1.ok.tar.zst",
        "failed/0123456789abcdef.1.none.tar.zst",
        "failed/0123456789abcdef.1.crashed-3.tar.zst",
        "failed/0123456789abcdef.1.timeout-.tar.zst",
        "failed/0123456789abcdef.1.timeout-0.tar.zst",
        "failed/0123456789abcdef.1.timeout-07.tar.zst",
        "failed/0123456789abcdef.1.timeout--7.tar.zst",
        "failed/0123456789abcdef.1.timeout-99999999999999999999999.tar.zst",
        "failed/0123456789abcdef.4294967296.crashed.tar.zst",
        "failed/0123456789abcdef.1.granted.tar.zst",
        "failed/0123456789abcdef..granted",
        "started/0123456789abcdef.",
        "started/0123456789abcdef.1.tar.zst",
        "started/0123456789abcdef.+1",
        "plan.json",
        "sweep.yaml",
    };
    for (size_t i = 0; i < DS_COUNT(KEYS); i++)
        cr_assert_eq(result_key_decode(ds_span_of(KEYS[i])).kind, KEY_OTHER, "%s", KEYS[i]);
}

static struct case_record sample(void)
{
    static const struct ds_span ARGV[] = {DS_SPAN("flow"), DS_SPAN("--a=\"b\"")};
    static const struct case_param PARAMS[] = {{DS_SPAN("KX"), DS_SPAN("100")},
                                               {DS_SPAN("W"), DS_SPAN("a \\ b\t'")}};
    static struct case_file files[2] = {{DS_SPAN("SPE1.DATA"), 17, ""},
                                        {DS_SPAN("model/SPE1.UNSMRY"), UINT64_C(1) << 40, ""}};
    memset(files[0].sha256, 'a', 64);
    memset(files[1].sha256, '0', 64);
    return (struct case_record){
        .number = 17,
        .id = {"0123456789abcdef"},
        .sweep = DS_SPAN("spe1"),
        .plan_digest = DS_SPAN("p"),
        .base_digest = DS_SPAN("b"),
        .root = DS_SPAN("SPE1"),
        .dir = DS_SPAN("model/"),
        .verdict = VERDICT_TIMEOUT,
        .attempt = 3,
        .ended = DS_SPAN("killed"),
        .reason = DS_SPAN("ran 2 h"),
        .message = DS_SPAN("ä €"),
        .deck_file = DS_SPAN("SPE1.DATA"),
        .deck_line = 12,
        .exit_code = -1,
        .signal = 15,
        .altered_args = true,
        .membind = false,
        .cpubind = true,
        .trimmed = true,
        .started_utc = DS_SPAN("2026-11-21T09:10:11Z"),
        .stage_ms = 1,
        .run_ms = 2,
        .judge_ms = 3,
        .wall_ms = 4,
        .cpu_ms = 5,
        .peak_mem_bytes = INT64_C(1) << 52,
        .limit_mem_bytes = -1,
        .last_report_step = 7,
        .n_report_steps = 120,
        .last_time_days = 970.45,
        .end_time_days = (double)NAN,
        .n_chops = 0,
        .n_problems = 1,
        .n_warnings = 2,
        .n_errors = 3,
        .node = DS_SPAN("n1"),
        .cpuset = DS_SPAN("0-3"),
        .nodeset = DS_SPAN("0"),
        .simulator = DS_SPAN("flow"),
        .simulator_version = DS_SPAN("2022.10"),
        .decksweep_version = DS_SPAN("0.1"),
        .ranks = 2,
        .threads = 1,
        .argv = ARGV,
        .n_argv = 2,
        .params = PARAMS,
        .n_params = 2,
        .files = files,
        .n_files = 2,
    };
}

Test(contract, case_json_reads_back_as_it_was_written)
{
    ds_auto_buf text = {0}, again = {0};
    ds_auto_arena a = arena_create(1 << 20);
    struct ds_err err = {0};
    struct case_record in = sample(), out;
    buf_init(&text, 1 << 20);
    buf_init(&again, 1 << 20);
    cr_assert_eq(case_record_encode(&in, &text, &err), 0, "%s", err.text);
    cr_assert_eq(case_record_decode(buf_span(&text), a, &out, &err), 0, "%s", err.text);
    cr_assert_eq(case_record_encode(&out, &again, &err), 0, "%s", err.text);
    cr_assert_str_eq(again.data, text.data);
    cr_assert_eq(out.verdict, VERDICT_TIMEOUT);
    cr_assert(case_id_eq(out.id, in.id));
    cr_assert_eq(out.number, 17);
    cr_assert_eq(out.peak_mem_bytes, INT64_C(1) << 52);
    cr_assert_eq(out.last_time_days, 970.45);
    cr_assert(isnan(out.end_time_days));
    cr_assert_eq(out.signal, 15);
    cr_assert(out.altered_args && out.cpubind && out.trimmed && !out.membind);
    cr_assert(ds_span_is(out.params[1].text, "a \\ b\t'"));
    cr_assert(ds_span_is(out.files[1].path, "model/SPE1.UNSMRY"));
    cr_assert_eq(out.files[1].size_bytes, UINT64_C(1) << 40);
    cr_assert(ds_span_is(out.argv[1], "--a=\"b\""));
    cr_assert(ds_span_is(out.dir, "model/"));
    cr_assert(ds_span_is(out.message, "ä €"));
}

Test(contract, a_short_case_json_of_another_writer_is_understood)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct ds_err err = {0};
    struct case_record r;
    int rc = case_record_decode(DS_SPAN("{\"verdict\":\"ok\",\"future\":{\"a\":[1]},\"node\":null,"
                                        "\"id\":\"0123456789abcdef\",\"cpu_ms\":null}"),
                                a, &r, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert_eq(r.cpu_ms, -1);
    cr_assert_eq(r.peak_mem_bytes, -1);
    cr_assert_eq(r.exit_code, -1);
    cr_assert(isnan(r.last_time_days));
    cr_assert_eq(r.node.len, 0);
    cr_assert_not_null(r.node.ptr);
    cr_assert_eq(r.n_files + r.n_params + r.n_argv, 0);
}

Test(contract, case_json_that_contradicts_the_format_is_refused_with_the_key)
{
#define IDV "\"id\":\"0123456789abcdef\",\"verdict\":\"ok\","
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"", "case.json"},
        {"[]", "an object"},
        {"{}", "id"},
        {"{\"id\":\"0123456789abcdef\"}", "verdict"},
        {"{\"verdict\":\"ok\"}", "id"},
        {"{\"id\":\"0123456789ABCDEF\",\"verdict\":\"ok\"}", "id"},
        {"{\"id\":\"0123456789abcdef\",\"verdict\":\"fine\"}", "verdict"},
        {"{" IDV "\"case\":-1}", "case"},
        {"{" IDV "\"case\":4294967296}", "case"},
        {"{" IDV "\"cpu_ms\":1.5}", "cpu_ms"},
        {"{" IDV "\"cpu_ms\":\"1\"}", "cpu_ms"},
        {"{" IDV "\"node\":1}", "node"},
        {"{" IDV "\"membind\":1}", "membind"},
        {"{" IDV "\"last_time_days\":true}", "last_time_days"},
        {"{" IDV "\"argv\":{}}", "argv"},
        {"{" IDV "\"argv\":[1]}", "argv"},
        {"{" IDV "\"parameters\":[]}", "parameters"},
        {"{" IDV "\"parameters\":{\"A\":1}}", "parameters"},
        {"{" IDV "\"files\":[{}]}", "files"},
        {"{" IDV "\"files\":[{\"path\":\"../a\",\"size_bytes\":1,\"sha256\":\"\"}]}", "path"},
        {"{" IDV "\"files\":[{\"path\":\"a\",\"size_bytes\":-1,\"sha256\":\"\"}]}", "size_bytes"},
        {"{" IDV "\"files\":[{\"path\":\"a\",\"size_bytes\":1,\"sha256\":\"00\"}]}", "sha256"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct ds_err err = {0};
        struct case_record r;
        cr_assert_eq(case_record_decode(ds_span_of(ROWS[i].text), a, &r, &err), DS_EPARSE, "%s",
                     ROWS[i].text);
        cr_assert_not_null(strstr(err.text, ROWS[i].says), "%s: %s", ROWS[i].text, err.text);
    }
}

Test(contract, case_json_larger_than_its_bounds_is_refused)
{
    ds_auto_arena small = arena_create(4096);
    ds_auto_buf text = {0};
    struct ds_err err = {0};
    struct case_record r;
    buf_init(&text, 32u << 20);
    (void)buf_put_text(&text, "{\"node\":\"");
    for (int i = 0; i < 9000; i++)
        (void)buf_put_char(&text, 'a');
    (void)buf_put_text(&text, "\",\"id\":\"0123456789abcdef\",\"verdict\":\"ok\"}");
    cr_assert_eq(case_record_decode(buf_span(&text), small, &r, &err), DS_ETOOBIG);
    for (int i = 0; i < (9 << 20); i++)
        (void)buf_put_char(&text, ' ');
    cr_assert_eq(case_record_decode(buf_span(&text), small, &r, &err), DS_ETOOBIG);
}

Test(contract, hashes_of_ids_differ)
{
    struct case_id a, b;
    cr_assert(case_id_parse(DS_SPAN("0123456789abcdef"), &a));
    cr_assert(case_id_parse(DS_SPAN("0123456789abcdee"), &b));
    cr_assert_not(case_id_parse(DS_SPAN("0123456789abcdeg"), &b));
    cr_assert_not(case_id_parse(DS_SPAN("0123456789abcde"), &b));
    cr_assert_neq(case_id_hash(a), case_id_hash(b));
}
