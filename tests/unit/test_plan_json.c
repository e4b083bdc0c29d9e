/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/plan.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static const struct ds_span COMMAND[] = {{"/opt/sim", 8}, {"{deck}", 6}},
                            ARGS[] = {{"--x=\"1\"", 7}};
static const struct ds_span TEMPLATES[] = {{"D.DATA", 6}, {"i/caf\xe9.inc", 10}};
static const struct trim_edit TRIMS[] = {
    {{"D.DATA", 6}, 12, {"RPTRST -- \xe9", 11}, {"-- \xe9", 4}}};
static const struct plan_param PARAMS[] = {{.name = {"A", 1}, .is_number = true, .in_id = true},
                                           {.name = {"B", 1}, .is_files = true, .in_id = true}};

static struct plan standard(void)
{
    struct plan p = {
        .name = DS_SPAN("spe1"),
        .deck_name = DS_SPAN("D.DATA"),
        .deck_dir = DS_SPAN("model/"),
        .case_root = DS_SPAN("D"),
        .bundle_key = DS_SPAN("bundle.01.tar.zst"),
        .design_key = DS_SPAN("design.02.csv"),
        .n_cases = 3,
        .n_distinct = 2,
        .method = DESIGN_SOBOL,
        .command = COMMAND,
        .n_command = 2,
        .args = ARGS,
        .n_args = 1,
        .judge = JUDGE_FILES,
        .simulator = DS_SPAN("/opt/sim"),
        .simulator_version = DS_SPAN(""),
        .wall_ms = 7200000,
        .memory_bytes = 1ull << 31,
        .ranks = 2,
        .threads = 3,
        .pilot = 4,
        .keep = {.classes = CLASS_SUMMARY | CLASS_RFT, .globs = {{"*.Z", 3}}, .n_globs = 1},
        .compression = 3,
        .trim = true,
        .trims = TRIMS,
        .n_trims = 1,
        .uses_case_number = true,
        .params = PARAMS,
        .n_params = 2,
        .templates = TEMPLATES,
        .n_templates = 2,
        .features = {.nx = 10,
                     .ny = 11,
                     .nz = 12,
                     .active_cells = 300,
                     .n_phases = 3,
                     .end_time_days = NAN,
                     .start_unix_s = -5,
                     .unified = true,
                     .estimated_output_bytes = UINT64_MAX},
    };
    memset(p.base_digest, 'a', 64);
    memset(p.design_sha256, 'b', 64);
    p.retries[VERDICT_LOST] = 3;
    p.retries[VERDICT_OUT_OF_MEMORY] = 2;
    return p;
}

Test(plan_json, what_is_encoded_is_decoded)
{
    ds_auto_arena a = arena_create(1 << 20);
    ds_auto_buf one, two;
    struct ds_err err;
    struct plan p = standard(), q;
    buf_init(&one, PLAN_MAX_BYTES);
    buf_init(&two, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &one, &err), 0);
    cr_assert_eq(plan_decode(buf_span(&one), a, &q, &err), 0, "%s\n%s", err.text, one.data);
    cr_assert_eq(plan_encode(&q, &two, &err), 0);
    cr_expect_str_eq(one.data, two.data);
    cr_expect(ds_span_is(q.deck_dir, "model/") && q.method == DESIGN_SOBOL
              && q.judge == JUDGE_FILES);
    cr_expect(q.n_command == 2 && ds_span_is(q.command[1], "{deck}")
              && ds_span_is(q.args[0], "--x=\"1\""));
    cr_expect(q.keep.classes == (CLASS_SUMMARY | CLASS_RFT) && q.keep.n_globs == 1);
    cr_expect(q.retries[VERDICT_LOST] == 3 && q.retries[VERDICT_OUT_OF_MEMORY] == 2
              && q.retries[VERDICT_CRASHED] == 0);
    cr_expect(q.params[1].is_files && !q.params[1].is_number && ds_span_is(q.params[0].name, "A"));
    cr_expect(isnan(q.features.end_time_days) && q.features.start_unix_s == -5
              && q.features.nz == 12);
    cr_expect(q.wall_ms == 7200000 && q.memory_bytes == 1ull << 31 && q.trim && q.uses_case_number);
}

Test(plan_json, lines_that_are_no_utf8_come_back_byte_for_byte)
{
    ds_auto_arena a = arena_create(1 << 20);
    ds_auto_buf one;
    struct ds_err err;
    struct plan p = standard(), q;
    buf_init(&one, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &one, &err), 0);
    cr_assert_eq(plan_decode(buf_span(&one), a, &q, &err), 0);
    cr_expect(ds_span_is(q.trims[0].was, "RPTRST -- \xe9")
              && ds_span_is(q.trims[0].now, "-- \xe9"));
    cr_expect_eq(q.trims[0].line, 12);
    cr_expect(ds_span_is(q.templates[1], "i/caf\xe9.inc"));
}

Test(plan_json, keys_are_sorted_and_equal_plans_are_equal_bytes)
{
    ds_auto_buf one, two;
    struct ds_err err;
    struct plan p = standard(), q = standard();
    char last[64] = "", key[64];
    buf_init(&one, PLAN_MAX_BYTES);
    buf_init(&two, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &one, &err), 0);
    cr_assert_eq(plan_encode(&q, &two, &err), 0);
    cr_assert_str_eq(one.data, two.data);
    int depth = 0;
    for (const char *c = one.data; *c; c++) {
        depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
        if (*c != '"')
            continue;
        const char *end = c + 1;
        while (*end != '"')
            end += *end == '\\' ? 2 : 1;
        if (depth == 1 && end[1] == ':') {
            (void)snprintf(key, sizeof key, "%.*s", (int)(end - c - 1), c + 1);
            cr_expect(strcmp(last, key) < 0, "%s %s", last, key);
            memcpy(last, key, sizeof last);
        }
        c = end;
    }
    cr_expect_str_eq(last, "wall_ms");
}

Test(plan_json, common_files_stand_only_where_there_are_any_so_that_older_plans_keep_their_digest)
{
    static const struct ds_span COMMON[] = {{"flt/a.inc", 9}, {"flt/b.inc", 9}};
    ds_auto_arena a = arena_create(1 << 20);
    ds_auto_buf without, with;
    struct ds_err err;
    struct plan p = standard(), q;
    buf_init(&without, PLAN_MAX_BYTES);
    buf_init(&with, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &without, &err), 0);
    cr_expect_null(strstr(without.data, "common_files"));
    cr_assert_eq(plan_decode(buf_span(&without), a, &q, &err), 0, "%s", err.text);
    cr_expect_eq(q.n_common_files, 0);
    p.common_files = COMMON;
    p.n_common_files = 2;
    cr_assert_eq(plan_encode(&p, &with, &err), 0);
    cr_expect_not_null(
        strstr(with.data, "],\"common_files\":[\"flt/a.inc\",\"flt/b.inc\"],\"compression\":"),
        "%s", with.data);
    cr_assert_eq(plan_decode(buf_span(&with), a, &q, &err), 0, "%s", err.text);
    cr_expect(q.n_common_files == 2 && ds_span_is(q.common_files[1], "flt/b.inc"));
}

Test(plan_json, the_digest_is_the_head_of_the_sha256)
{
    char digest[PLAN_DIGEST_BYTES];
    plan_digest(DS_SPAN("abc"), digest);
    cr_expect_str_eq(digest, "ba7816bf8f01cfea");
}

/* One value of an encoded plan exchanged. */
static int decode_with(const char *was, const char *now, struct ds_err *err)
{
    ds_auto_arena a = arena_create(1 << 20);
    ds_auto_buf one, two;
    struct plan p = standard(), q;
    buf_init(&one, PLAN_MAX_BYTES);
    buf_init(&two, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &one, err), 0);
    const char *at = strstr(one.data, was);
    cr_assert_not_null(at, "%s in %s", was, one.data);
    (void)buf_put(&two, one.data, (size_t)(at - one.data));
    (void)buf_put_text(&two, now);
    (void)buf_put_text(&two, at + strlen(was));
    return plan_decode(buf_span(&two), a, &q, err);
}

Test(plan_json, hostile_plans_are_refused_with_their_key)
{
    static const struct {
        const char *was, *now, *says;
    } ROWS[] = {
        {"\"format\":1", "\"format\":2", "plan: format 2; this program reads 1"},
        {"\"format\":1,", "", "plan: format: missing"},
        {"\"name\":\"spe1\"", "\"name\":\"../x\"", "plan: name: not possible"},
        {"\"name\":\"spe1\"", "\"name\":\"\"", "plan: name: not possible"},
        {"\"name\":\"spe1\"", "\"name\":5", "plan: name: a text is expected"},
        {"\"deck_name\":\"D.DATA\"", "\"deck_name\":\"../D\"", "plan: deck_name: not possible"},
        {"\"deck_name\":\"D.DATA\"", "\"deck_name\":\"/etc/x\"", "plan: deck_name: not possible"},
        {"\"deck_dir\":\"model/\"", "\"deck_dir\":\"../\"", "plan: deck_dir: not possible"},
        {"\"deck_dir\":\"model/\"", "\"deck_dir\":\"model\"", "plan: deck_dir: not possible"},
        {"\"deck_dir\":\"model/\"", "\"deck_dir\":\"/\"", "plan: deck_dir: not possible"},
        {"\"case_root\":\"D\"", "\"case_root\":\"a/b\"", "plan: case_root: not possible"},
        {"bundle.01.tar.zst", ".hidden", "plan: bundle_key: not possible"},
        {"design.02.csv", "a/b", "plan: design_key: not possible"},
        {"\"n_cases\":3", "\"n_cases\":0", "plan: n_cases: a larger number"},
        {"\"n_cases\":3", "\"n_cases\":1e99", "plan: n_cases: a whole number in range"},
        {"\"n_cases\":3", "\"n_cases\":1.5", "plan: n_cases: a whole number in range"},
        {"\"n_distinct\":2", "\"n_distinct\":4", "plan: n_distinct: not possible"},
        {"\"ranks\":2", "\"ranks\":0", "plan: ranks: a larger number"},
        {"\"ranks\":2", "\"ranks\":99999", "plan: ranks: a whole number"},
        {"\"method\":\"sobol\"", "\"method\":\"x\"", "plan: method: unknown"},
        {"\"judge\":\"files\"", "\"judge\":7", "plan: judge: unknown"},
        {"\"args\":[", "\"args\":[1,", "plan: args: a text is expected"},
        {"\"command\":[", "\"command\":{\"x\":[", "plan"},
        {"\"base_digest\":\"a", "\"base_digest\":\"g", "plan: base_digest: 64 hex digits"},
        {"\"base_digest\":\"a", "\"base_digest\":\"", "plan: base_digest: 64 hex digits"},
        {"\"compression\"", "\"common_files\":\"x\",\"compression\"",
         "plan: common_files: a list is expected"},
        {"\"classes\":[", "\"classes\":[\"x\",", "plan: keep: unknown class"},
        {"\"globs\":[", "\"globs\":[\"~\",", "plan: keep: globs are not in order"},
        {"\"retries\":[", "\"retries\":[[\"x\",1],", "plan: retries: pairs"},
        {"\"retries\":[", "\"retries\":[5,", "plan: retries: pairs"},
        {"\"retries\":[", "\"retries\":[[\"lost\"],", "plan: retries: pairs"},
        {"\"name\":\"B\"", "\"name\":\"A\"", "plan: params: names are not in order"},
        {"\"name\":\"B\"", "\"nam\":\"B\"", "plan: params: a text is expected"},
        {"\"line\":12", "\"line\":0", "plan: trims: a line number"},
        {"\"path\":\"D.DATA\"", "\"path\":\"../../x\"", "plan: trims: a line number and a path"},
        {"\"templates\":[", "\"templates\":[\"/etc/passwd\",", "plan: templates: a path leaves"},
        {"\"hex\":\"", "\"hex\":\"0", "plan: t"},
        {"\"hex\":\"", "\"hex\":\"zz", "plan: t"},
        {"\"trim\":true", "\"trim\":1", "plan: trim: true or false"},
        {"_end_time_days\":null", "_end_time_days\":\"5\"",
         "plan: feature_end_time_days: a number is expected"},
        {"{\"args\"", "[{\"args\"", "plan"},
        {"\"preset_flow\":false", "\"preset_flow\":null", "plan: preset_flow: true or false"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_err err = {0};
        cr_expect_lt(decode_with(ROWS[i].was, ROWS[i].now, &err), 0, "%s", ROWS[i].now);
        cr_expect(strncmp(err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0, "%s: %s", ROWS[i].now,
                  err.text);
    }
}

Test(plan_json, unknown_keys_of_a_newer_writer_are_passed_over)
{
    struct ds_err err = {0};
    cr_expect_eq(decode_with("{\"args\"", "{\"aaa\":{\"b\":[1]},\"args\"", &err), 0, "%s",
                 err.text);
}

Test(plan_json, a_full_arena_is_an_error)
{
    ds_auto_buf one;
    struct ds_err err;
    struct plan p = standard(), q;
    static struct ds_span many[2000];
    for (size_t i = 0; i < DS_COUNT(many); i++)
        many[i] = DS_SPAN("path/of/a/file.inc");
    p.templates = many;
    p.n_templates = DS_COUNT(many);
    buf_init(&one, PLAN_MAX_BYTES);
    cr_assert_eq(plan_encode(&p, &one, &err), 0);
    for (size_t cap = 4096; cap < 60000; cap += 5000) {
        ds_auto_arena a = arena_create(cap);
        cr_expect_eq(plan_decode(buf_span(&one), a, &q, &err), DS_ETOOBIG);
    }
    ds_auto_buf small;
    buf_init(&small, 100);
    cr_expect_eq(plan_encode(&p, &small, &err), DS_ETOOBIG);
}
