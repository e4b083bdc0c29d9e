/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep file as the object of an API server. */
#include "base/json.h"
#include "cli/sweep_object.h"
#include "decksweep/sweep.h"

#include <criterion/criterion.h>

static struct ds_arena *arena;

static void set_up(void)
{
    arena = arena_create(16 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

TestSuite(sweep_object, .init = set_up, .fini = tear_down);

static const struct yaml_node *parse(const char *text)
{
    struct yaml_node *root = NULL;
    struct ds_err err = {0};
    cr_assert_eq(yaml_parse(ds_span_of(text), 1 << 20, arena, &root, NULL, &err), 0, "%s: %s", text,
                 err.text);
    return root;
}

/* spec of "spec: <text>" with the edit. */
static const char *spec_of(const char *text, struct sweep_edit e)
{
    struct ds_err err = {0};
    ds_auto_buf out;
    buf_init(&out, 1 << 20);
    cr_assert_eq(
        sweep_object_put_spec(parse(arena_format(arena, "spec: %s", text).ptr), &e, &out, &err), 0,
        "%s", err.text);
    return arena_cstr(arena, buf_span(&out));
}

Test(sweep_object, numbers_keep_their_value_and_become_json)
{
    static const struct {
        const char *yaml, *json;
    } ROWS[] = {
        {"0", "0"},
        {"-0", "0"},
        {"+5", "5"},
        {"007", "7"},
        {"50e3", "50000"},
        {"1E5", "100000"},
        {"5.", "5"},
        {"5.000", "5"},
        {".5", "0.5"},
        {"-.5", "-0.5"},
        {"+00.25", "0.25"},
        {"0.10", "0.10"},
        {"1e-7", "1e-7"},
        {"1.e-7", "1e-7"},
        {"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
        {"9007199254740991", "9007199254740991"},
        {"-9007199254740991", "-9007199254740991"},
        {"9007199254740993", "9007199254740993"},
        {"1e300", "1e300"},
        {"1e+300", "1e+300"},
        {"x", NULL},
        {"0x10", NULL},
        {"1_000", NULL},
        {"1e400", NULL},
        {".", NULL},
        {"-", NULL},
        {"", NULL},
        {"inf", NULL},
        {"1 2", NULL},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_buf out;
        buf_init(&out, 256);
        bool is_number = sweep_object_put_number(ds_span_of(ROWS[i].yaml), &out);
        cr_assert_eq(is_number, ROWS[i].json != NULL, "%s", ROWS[i].yaml);
        if (ROWS[i].json)
            cr_assert_str_eq(out.data, ROWS[i].json);
        else
            cr_assert_eq(out.len, 0);
    }
}

Test(sweep_object, the_place_decides_between_text_and_number)
{
    static const struct {
        const char *yaml, *json;
    } ROWS[] = {
        {"{simulator: {version: 2022.10}}", "{\"simulator\":{\"version\":\"2022.10\"}}"},
        {"{simulator: {args: [1, \"2\"]}}", "{\"simulator\":{\"args\":[\"1\",\"2\"]}}"},
        {"{simulator: {wallTime: 3600}}", "{\"simulator\":{\"wallTime\":3600}}"},
        {"{simulator: {wallTime: 1.5}}", "{\"simulator\":{\"wallTime\":\"1.5\"}}"},
        {"{simulator: {wallTime: 2h}}", "{\"simulator\":{\"wallTime\":\"2h\"}}"},
        {"{resources: {memory: 2GiB, ranks: 4}}",
         "{\"resources\":{\"memory\":\"2GiB\",\"ranks\":4}}"},
        {"{failure: {maxFailed: 10%}}", "{\"failure\":{\"maxFailed\":\"10%\"}}"},
        {"{failure: {maxFailed: 10, retries: {lost: 3}}}",
         "{\"failure\":{\"maxFailed\":10,\"retries\":{\"lost\":3}}}"},
        {"{results: {trim: off, compression: 3}}",
         "{\"results\":{\"trim\":\"off\",\"compression\":3}}"},
        {"{parameters: {A: {values: [1, \"1\", 0.10, x, yes, 2020-01-01]}}}",
         "{\"parameters\":{\"A\":{\"values\":[1,\"1\",0.10,\"x\",\"yes\",\"2020-01-01\"]}}}"},
        {"{parameters: {A: {expression: 5}, B: {files: 7, with: 9}}}",
         "{\"parameters\":{\"A\":{\"expression\":\"5\"},\"B\":{\"files\":\"7\",\"with\":\"9\"}}}"},
        {"{parameters: {A: {uniform: {min: .2, max: 50e3}, decimals: 2}}}",
         "{\"parameters\":{\"A\":{\"uniform\":{\"min\":0.2,\"max\":50000},\"decimals\":2}}}"},
        {"{parameters: {A: {discrete: {values: [a, 2], weights: [.5, 0.5]}}}}",
         "{\"parameters\":{\"A\":{\"discrete\":{\"values\":[\"a\",2],\"weights\":[0.5,0.5]}}}}"},
        {"{cluster: {labels: {cost: 12}, maxWorkers: 5, securityContext: {runAsUser: 7}, "
         "tolerations: [{key: 1, tolerationSeconds: 60}]}}",
         "{\"cluster\":{\"labels\":{\"cost\":\"12\"},\"maxWorkers\":5,\"securityContext\":"
         "{\"runAsUser\":7},\"tolerations\":[{\"key\":\"1\",\"tolerationSeconds\":60}]}}"},
        {"{collect: {times: {dates: [2020-01-01]}, vectors: [\"F*\"]}}",
         "{\"collect\":{\"times\":{\"dates\":[\"2020-01-01\"]},\"vectors\":[\"F*\"]}}"},
        {"{deck: 12, design: {samples: 1e2, seed: 42}}",
         "{\"deck\":\"12\",\"design\":{\"samples\":100,\"seed\":42}}"},
        {"{deck: a, run: ~, cluster: null, design: }", "{\"deck\":\"a\"}"},
        {"{deck: \"\", cluster: {}, parameters: {A: {values: []}}}",
         "{\"deck\":\"\",\"cluster\":{},\"parameters\":{\"A\":{\"values\":[]}}}"},
        {"{deck: \"a\\\"b\\\\c\\td\\u00e4\"}", "{\"deck\":\"a\\\"b\\\\c\\td\xc3\xa4\"}"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_assert_str_eq(spec_of(ROWS[i].yaml, (struct sweep_edit){0}), ROWS[i].json);
}

Test(sweep_object, comments_and_styles_make_no_difference)
{
    const char *block = "\n  # why\n  deck: 'A.DATA' # the deck\n  parameters:\n    P:\n"
                        "      values:\n      - 1\n      - \"2\"\n";
    cr_assert_str_eq(
        spec_of(block, (struct sweep_edit){0}),
        spec_of("{deck: A.DATA, parameters: {P: {values: [1, '2']}}}", (struct sweep_edit){0}));
}

Test(sweep_object, edits_stand_in_the_files_stead)
{
    static const struct {
        const char *yaml;
        struct sweep_edit edit;
        const char *json;
    } ROWS[] = {
        {"{deck: a}", {.image = "i:1"}, "{\"deck\":\"a\",\"simulator\":{\"image\":\"i:1\"}}"},
        {"{simulator: {image: old, args: [x]}}",
         {.image = "new"},
         "{\"simulator\":{\"args\":[\"x\"],\"image\":\"new\"}}"},
        {"{simulator: ~}", {.image = "new"}, "{\"simulator\":{\"image\":\"new\"}}"},
        {"{deck: a, deckFrom: {store: x}}",
         {.config_map = "s-0123"},
         "{\"deck\":\"a\",\"deckFrom\":{\"configMap\":\"s-0123\"}}"},
        {"{deck: a}",
         {.store_key = "deck.1"},
         "{\"deck\":\"a\",\"deckFrom\":{\"store\":\"deck.1\"}}"},
        {"{run: Active}", {.run = "Suspended"}, "{\"run\":\"Suspended\"}"},
        {"{once: {token: a}}", {0}, "{}"},
        {"{once: {token: a}}", {.keep_once = true}, "{\"once\":{\"token\":\"a\"}}"},
        {"{once: {token: a}}",
         {.once_token = "t", .once_do = {"refill", "replace"}},
         "{\"once\":{\"token\":\"t\",\"do\":[\"refill\",\"replace\"]}}"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_assert_str_eq(spec_of(ROWS[i].yaml, ROWS[i].edit), ROWS[i].json);
}

static const char FILE_TEXT[] =
    "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata:\n  name: s\n  namespace: here\n"
    "  labels: {team: north, a/b~c: 5}\nspec: {deck: A.DATA}\n";

Test(sweep_object, an_object_has_name_namespace_and_labels)
{
    struct ds_err err = {0};
    struct sweep_edit e = {0};
    ds_auto_buf out;
    buf_init(&out, 4096);
    cr_assert_eq(sweep_object_put(parse(FILE_TEXT), &e, "there", &out, &err), 0);
    cr_assert_str_eq(out.data, "{\"apiVersion\":\"decksweep.io/v1alpha1\",\"kind\":\"Sweep\","
                               "\"metadata\":{\"name\":\"s\",\"labels\":{\"team\":\"north\","
                               "\"a/b~c\":\"5\"},\"namespace\":\"there\"},\"spec\":{\"deck\":"
                               "\"A.DATA\"}}");
}

Test(sweep_object, a_patch_replaces_spec_and_adds_labels)
{
    struct ds_err err = {0};
    struct sweep_edit e = {0};
    ds_auto_buf out;
    buf_init(&out, 4096);
    cr_assert_eq(sweep_object_put_patch(parse(FILE_TEXT), &e, "12", true, false, &out, &err), 0);
    cr_assert_str_eq(
        out.data, "[{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":\"12\"},"
                  "{\"op\":\"add\",\"path\":\"/metadata/labels/team\",\"value\":\"north\"},"
                  "{\"op\":\"add\",\"path\":\"/metadata/labels/a~1b~0c\",\"value\":\"5\"},"
                  "{\"op\":\"replace\",\"path\":\"/spec\",\"value\":{\"deck\":\"A.DATA\"}}]");
    buf_reset(&out);
    cr_assert_eq(sweep_object_put_patch(parse(FILE_TEXT), &e, "12", false, false, &out, &err), 0);
    cr_assert_not_null(strstr(out.data, "{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":"
                                        "{\"team\":\"north\",\"a/b~c\":\"5\"}}"));
}

Test(sweep_object, hostile_files_give_json_or_an_error)
{
    static const char *const TEXTS[] = {"spec: 5",
                                        "spec: []",
                                        "x: 1",
                                        "spec:",
                                        "[]",
                                        "5",
                                        "spec: {a: [[[[[[[[[[[[[1]]]]]]]]]]]]]}",
                                        "spec: {\"\": {\"\": \"\"}}",
                                        "spec: {a: \"\\u202e\\x01\"}",
                                        "spec: {a: 1, a: 2}"};
    for (size_t i = 0; i < DS_COUNT(TEXTS); i++) {
        struct ds_err err = {0};
        struct sweep_edit e = {.image = "i", .config_map = "c", .run = "Active"};
        ds_auto_buf out;
        ds_auto_json j = NULL;
        buf_init(&out, 4096);
        if (sweep_object_put(parse(TEXTS[i]), &e, "n", &out, &err) == 0)
            cr_assert_eq(json_parse(buf_span(&out), 4096, &j, &err), 0, "%s: %s", TEXTS[i],
                         err.text);
        else
            cr_assert_eq(err.code, DS_EINPUT);
    }
}

/* The object read back as a sweep file says the same: compare what the parser makes of both. */
Test(sweep_object, the_object_is_the_same_sweep)
{
    static const char TEXT[] =
        "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: spe1}\nspec:\n"
        "  deck: SPE1.DATA\n  parameters:\n    PORO: {uniform: {min: .20, max: 0.35}}\n"
        "    KX: {values: [100, 2.50e2, \"500\"]}\n"
        "    G: {linspace: {from: 50e3, to: 150e3, count: 5}, decimals: 0}\n"
        "  design: {method: monte-carlo, samples: 1e1}\n  simulator: {version: 2022.10, wallTime: "
        "90}\n"
        "  resources: {memory: 2GiB}\n  results: {store: \"pvc://c/x\", trim: off}\n"
        "  failure: {maxFailed: 5}\n";
    struct ds_err err = {0};
    struct sweep_edit e = {.keep_once = true};
    ds_auto_buf out;
    struct sweep_problems *problems = ds_new(arena, struct sweep_problems, 1);
    struct sweep before, after;
    buf_init(&out, 1 << 16);
    struct ds_span all = ds_span_of(TEXT);
    cr_assert_eq(sweep_parse(DS_SPAN("a.yaml"), all, arena, &before, problems, &err), 0, "%s",
                 err.text);
    cr_assert_eq(sweep_object_put(parse(all.ptr), &e, "n", &out, &err), 0);
    cr_assert_eq(sweep_parse(DS_SPAN("a.yaml"), buf_span(&out), arena, &after, problems, &err), 0,
                 "%s in %s", err.text, out.data);
    cr_assert_eq(before.n_params, after.n_params);
    for (size_t i = 0; i < before.n_params; i++) {
        const struct sweep_param *x = &before.params[i], *y = &after.params[i];
        cr_assert(ds_span_eq(x->name, y->name));
        cr_assert_eq(x->kind, y->kind);
        cr_assert(x->min == y->min && x->max == y->max && x->from == y->from && x->to == y->to);
        cr_assert_eq(x->n_values, y->n_values);
        for (size_t k = 0; k < x->n_values; k++) {
            cr_assert_eq(x->values[k].is_text, y->values[k].is_text);
            cr_assert(ds_span_eq(x->values[k].text, y->values[k].text));
        }
    }
    cr_assert(ds_span_eq(before.version_pin, after.version_pin));
    cr_assert_eq(before.wall_ms, after.wall_ms);
    cr_assert_eq(before.memory_bytes, after.memory_bytes);
    cr_assert_eq(before.samples, after.samples);
    cr_assert_eq(before.trim, after.trim);
    cr_assert_eq(before.max_failed_cases, after.max_failed_cases);
}
