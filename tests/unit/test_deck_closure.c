/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../support/mem_files.h"
#include "deck/closure.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define HEAD "DIMENS\n 1 1 1 /\n"

struct world {
    struct ds_arena *arena;
    struct mem_files files;
    struct closure closure;
    struct deck_problems *problems;
    struct closure_request request;
    struct ds_err err;
};

static struct world *world_new(void)
{
    struct ds_arena *a = arena_create(512u << 20);
    struct world *w = ds_new(a, struct world, 1);
    w->arena = a;
    mem_init(&w->files, a);
    w->problems = ds_new(a, struct deck_problems, 1);
    w->request = (struct closure_request){.deck_path = DS_SPAN("/home/me/model/CASE.DATA"),
                                          .reader = &w->files.reader};
    return w;
}

static void add(struct world *w, const char *path, const char *text)
{
    mem_add(&w->files, ds_span_of(path), ds_span_of(text));
}

static int scan(struct world *w)
{
    *w->problems = (struct deck_problems){0};
    return closure_scan(&w->request, w->arena, &w->closure, w->problems, &w->err);
}

static const struct closure_file *file_at(const struct world *w, const char *bundle_path)
{
    const struct closure_file *f = closure_find(&w->closure, ds_span_of(bundle_path));
    cr_assert(f, "%s is not in the bundle", bundle_path);
    return f;
}

static bool has_problem(const struct world *w, const char *text)
{
    for (size_t i = 0; i < w->problems->n; i++) {
        if (strstr(w->problems->at[i].text, text))
            return true;
        fprintf(stderr, "problem: %s\n", w->problems->at[i].text);
    }
    return false;
}

Test(closure, a_single_file_lies_at_the_top_of_the_bundle)
{
    struct world *w = world_new();
    w->request.deck_path = DS_SPAN("/home/me/model/case one.v2.data");
    add(w, "/home/me/model/case one.v2.data", HEAD);
    cr_assert_eq(scan(w), 0, "%s", w->err.text);
    cr_expect(ds_span_is(w->closure.deck_name, "CASE ONE.V2.DATA"));
    cr_expect(ds_span_is(w->closure.case_root, "CASE ONE.V2"));
    cr_expect(ds_span_is(w->closure.deck_dir, ""));
    cr_expect_eq(w->closure.n_files, 1);
    cr_expect(ds_span_is(w->closure.files[0].bundle_path, "CASE ONE.V2.DATA"));
    arena_destroy(w->arena);
}

Test(closure, the_bundle_keeps_the_tree_from_the_common_ancestor)
{
    struct world *w = world_new();
    add(w, "/home/me/model/CASE.DATA",
        HEAD "INCLUDE\n '../common/a.inc' /\nINCLUDE\n 'inc/b.inc' /\n");
    add(w, "/home/me/common/a.inc", "INCLUDE\n'inc/c.inc' /\n");
    add(w, "/home/me/model/inc/b.inc", "-- b\n");
    add(w, "/home/me/model/inc/c.inc", "-- c\n");
    cr_assert_eq(scan(w), 0, "%s", w->err.text);
    cr_expect(ds_span_is(w->closure.deck_dir, "model/"));
    cr_expect(ds_span_is(file_at(w, "common/a.inc")->digest_path, "../common/a.inc"));
    cr_expect(ds_span_is(file_at(w, "model/inc/c.inc")->digest_path, "inc/c.inc"));
    cr_expect(ds_span_is(file_at(w, "model/CASE.DATA")->digest_path, "CASE.DATA"));
    cr_expect_eq(w->closure.n_files, 4);
    arena_destroy(w->arena);
}

/* Write the bundle into a world of its own and scan that. */
static struct world *world_of_bundle(const struct world *w)
{
    struct world *b = world_new();
    char *root = (char *)arena_format(b->arena, "/case/%.*s%.*s", DS_FMT(w->closure.deck_dir),
                                      DS_FMT(w->closure.deck_name))
                     .ptr;
    b->request.deck_path = ds_span_of(root);
    for (size_t i = 0; i < w->closure.n_files; i++) {
        const struct closure_file *f = &w->closure.files[i];
        struct ds_span path = arena_format(b->arena, "/case/%.*s", DS_FMT(f->bundle_path));
        struct ds_span text = f->content;
        int source = mem_find(&w->files, f->source);
        if (!text.ptr && source >= 0)
            text = w->files.text[source];
        mem_add(&b->files, path, text);
    }
    return b;
}

Test(closure, absolute_names_go_under_abs_and_planning_from_the_bundle_gives_the_same_digest)
{
    struct world *w = world_new();
    add(w, "/home/me/model/CASE.DATA",
        HEAD "INCLUDE\n '/data/x.inc' /\nPATHS\n'P' '/data/sub' /\n/\nINCLUDE\n'$P/y.inc' /\n"
             "INCLUDE\n 'no/such/../../z.inc' /\nINCLUDE\n '../up.inc' /\n");
    add(w, "/data/x.inc", "-- x\n");
    add(w, "/data/sub/y.inc", "-- y\n");
    add(w, "/home/me/model/z.inc", "-- z\n");
    add(w, "/home/me/up.inc", "-- up\n");
    cr_assert_eq(scan(w), 0, "%s", w->err.text);
    cr_assert_eq(w->closure.n_rewritten, 3);
    cr_expect(ds_span_is(w->closure.rewritten[0], "CASE.DATA:4: '/data/x.inc' -> 'abs/data/x.inc'"),
              "%.*s", DS_FMT(w->closure.rewritten[0]));
    file_at(w, "model/abs/data/x.inc");
    file_at(w, "model/abs/data/sub/y.inc");
    file_at(w, "model/z.inc");
    struct ds_span root = file_at(w, "model/CASE.DATA")->content;
    cr_expect(memmem(root.ptr, root.len, "'abs/data/sub' /", 16) != NULL);
    cr_expect(memmem(root.ptr, root.len, "'$P/y.inc'", 10) != NULL);
    cr_expect(memmem(root.ptr, root.len, " 'z.inc' /", 10) != NULL);

    struct world *b = world_of_bundle(w);
    cr_assert_eq(scan(b), 0, "%s", b->err.text);
    cr_expect_str_eq(b->closure.base_digest, w->closure.base_digest);
    cr_expect_eq(b->closure.n_rewritten, 0);
    cr_expect_eq(b->closure.n_files, w->closure.n_files);
    arena_destroy(b->arena);
    arena_destroy(w->arena);
}

Test(closure, the_digest_changes_with_a_byte_and_not_with_the_place_of_the_tree)
{
    struct world *a = world_new(), *b = world_new(), *c = world_new();
    add(a, "/home/me/model/CASE.DATA", HEAD "INCLUDE\n'x' /\n");
    add(a, "/home/me/model/x", "-- 1\n");
    b->request.deck_path = DS_SPAN("/elsewhere/CASE.DATA");
    add(b, "/elsewhere/x", "-- 1\n");
    add(b, "/elsewhere/CASE.DATA", HEAD "INCLUDE\n'x' /\n");
    add(c, "/home/me/model/CASE.DATA", HEAD "INCLUDE\n'x' /\n");
    add(c, "/home/me/model/x", "-- 2\n");
    cr_assert(scan(a) == 0 && scan(b) == 0 && scan(c) == 0);
    cr_expect_str_eq(a->closure.base_digest, b->closure.base_digest);
    cr_expect_str_neq(a->closure.base_digest, c->closure.base_digest);
    arena_destroy(a->arena);
    arena_destroy(b->arena);
    arena_destroy(c->arena);
}

static const struct ds_span geo_paths[] = {{"/home/me/geo/r0", 15}, {"/home/me/geo/r1", 15}};
static const struct ds_span flt_paths[] = {{"/home/me/flt0.inc", 17}, {"/home/me/flt1.inc", 17}};

static void geo_world(struct world *w, struct deck_files_param params[2], struct ds_span names[2])
{
    add(w, "/home/me/model/CASE.DATA", HEAD "INCLUDE\n '<GEO>/poro.inc' /\nINCLUDE\n '<FLT>' /\n");
    add(w, "/home/me/geo/r0/poro.inc", "INCLUDE\n '<GEO>/more/x.inc' /\n");
    add(w, "/home/me/geo/r0/more/x.inc", "PORO\n 1*0.1 /\n");
    add(w, "/home/me/geo/r1/poro.inc", "INCLUDE\n '<GEO>/y.inc' /\n");
    add(w, "/home/me/geo/r1/y.inc", "PORO\n 1*0.2 /\n");
    add(w, "/home/me/flt0.inc", "-- f0\nINCLUDE\n '../shared.inc' /\n");
    add(w, "/home/me/flt1.inc", "-- f1\n");
    add(w, "/home/me/shared.inc", "-- shared\n");
    params[0] = (struct deck_files_param){DS_SPAN("GEO"), geo_paths, 2, 0};
    params[1] = (struct deck_files_param){DS_SPAN("FLT"), flt_paths, 2, 0};
    names[0] = params[0].name;
    names[1] = params[1].name;
    w->request.params = params;
    w->request.n_params = 2;
    w->request.names = names;
    w->request.n_names = 2;
}

Test(closure, files_parameters_bring_case_files_that_are_not_in_the_base_digest)
{
    struct world *w = world_new();
    struct deck_files_param params[2];
    struct ds_span names[2];
    geo_world(w, params, names);
    cr_assert_eq(scan(w), 0, "%s", w->err.text);
    const struct closure_file *y = file_at(w, "geo/r1/y.inc");
    cr_expect(!y->is_common && y->is_text);
    cr_assert_eq(y->n_owners, 1);
    cr_expect_eq(y->owners[0].param, 0);
    cr_expect_eq(y->owners[0].value, 1);
    cr_expect(file_at(w, "shared.inc")->is_common);
    cr_expect(ds_span_is(w->closure.values[0][1].text, "../geo/r1"));
    cr_expect(w->closure.values[0][1].is_folder);
    cr_expect(ds_span_is(w->closure.values[1][0].text, "../flt0.inc"));
    cr_expect_str_eq(w->closure.values[1][0].sha256, file_at(w, "flt0.inc")->sha256);
    cr_expect_eq(strlen(w->closure.values[0][0].sha256), 64);
    cr_expect_str_neq(w->closure.values[0][0].sha256, w->closure.values[0][1].sha256);

    char before[65], value[65];
    memcpy(before, w->closure.base_digest, 65);
    memcpy(value, w->closure.values[0][1].sha256, 65);
    add(w, "/home/me/geo/r1/y.inc", "PORO\n 1*0.3 /\n");
    cr_assert_eq(scan(w), 0);
    cr_expect_str_eq(w->closure.base_digest, before);
    cr_expect_str_neq(w->closure.values[0][1].sha256, value);
    arena_destroy(w->arena);
}

/* Names that leave the value they begin with: what they reach counts for every case that has it. */
Test(closure, a_file_beside_a_value_that_the_deck_reaches_through_it_is_in_the_values_digest)
{
    static const struct {
        const char *name, *file;
        uint32_t param;
    } rows[] = {
        {"<GEO>/../both.inc", "/home/me/geo/both.inc", 0},
        {"<GEO>/../../x.inc", "/home/me/x.inc", 0},
        {"<FLT>.more", "/home/me/flt0.inc.more", 1},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world *w = world_new();
        struct deck_files_param params[2];
        struct ds_span names[2];
        geo_world(w, params, names);
        cr_assert_eq(scan(w), 0, "%s", w->err.text);
        char without[65], with[65], base[65];
        memcpy(without, w->closure.values[rows[i].param][0].sha256, 65);
        add(w, "/home/me/model/CASE.DATA",
            arena_format(w->arena,
                         HEAD
                         "INCLUDE\n '<GEO>/poro.inc' /\nINCLUDE\n '<FLT>' /\nINCLUDE\n '%s' /\n",
                         rows[i].name)
                .ptr);
        add(w, "/home/me/flt1.inc.more", "-- f1\n");
        add(w, rows[i].file, "-- old\n");
        cr_assert_eq(scan(w), 0, "%s", w->err.text);
        memcpy(with, w->closure.values[rows[i].param][0].sha256, 65);
        memcpy(base, w->closure.base_digest, 65);
        add(w, rows[i].file, "-- new\n");
        cr_assert_eq(scan(w), 0, "%s", w->err.text);
        cr_expect_str_eq(w->closure.base_digest, base);
        cr_expect_str_neq(with, without, "%s", rows[i].name);
        cr_expect_str_neq(w->closure.values[rows[i].param][0].sha256, with, "%s", rows[i].name);
        arena_destroy(w->arena);
    }
}

Test(closure, a_value_without_its_counterpart_in_the_parameter_it_moves_with_is_an_error)
{
    struct world *w = world_new();
    struct deck_files_param params[2];
    struct ds_span names[2];
    geo_world(w, params, names);
    params[1].n_paths = 1;
    add(w, "/home/me/geo/r1/poro.inc", "INCLUDE\n '<FLT>' /\n");
    cr_expect_eq(scan(w), DS_EINPUT);
    cr_expect_eq(w->problems->n_errors, 1);
    cr_expect(has_problem(w, "../geo/r1/poro.inc:2:2: INCLUDE: <FLT> has too few values (1): "
                             "the parameter that it moves with has more"));
    arena_destroy(w->arena);
}

Test(closure, a_file_missing_from_one_folder_of_a_parameter_is_found)
{
    struct world *w = world_new();
    struct deck_files_param params[2];
    struct ds_span names[2];
    geo_world(w, params, names);
    add(w, "/home/me/geo/r1/poro.inc", "INCLUDE\n '<GEO>/z.inc' /\n");
    cr_expect_eq(scan(w), DS_EINPUT);
    cr_expect(
        has_problem(w, "../geo/r1/poro.inc:2:2: INCLUDE: no such file: /home/me/geo/r1/z.inc"));
    cr_expect(has_problem(w, "in /home/me/geo/r1 there is y.inc"));
    arena_destroy(w->arena);
}

Test(closure, only_files_parameters_may_stand_in_names_and_only_in_front)
{
    static const struct {
        const char *name, *problem;
    } rows[] = {
        {"<NUM>.inc", "<NUM> is no parameter of kind `files`"},
        {"inc/<GEO>/x", "must start with it"},
        {"<GEO><GEO>/x", "must start with it"},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world *w = world_new();
        struct deck_files_param param = {DS_SPAN("GEO"), geo_paths, 1, 0};
        struct ds_span names[] = {DS_SPAN("GEO"), DS_SPAN("NUM")};
        struct ds_span text = arena_format(w->arena, HEAD "INCLUDE\n '%s' /\n", rows[i].name);
        add(w, "/home/me/model/CASE.DATA", text.ptr);
        add(w, "/home/me/geo/r0/x", "-- x\n");
        w->request.params = &param;
        w->request.n_params = 1;
        w->request.names = names;
        w->request.n_names = 2;
        cr_expect_eq(scan(w), DS_EINPUT);
        cr_expect(has_problem(w, rows[i].problem), "%s", rows[i].name);
        arena_destroy(w->arena);
    }
}

Test(closure, all_problems_are_said_not_only_the_first)
{
    struct world *w = world_new();
    add(w, "/home/me/model/CASE.DATA",
        HEAD "INCLUDE\n 'a.inc' /\nINCLUDE\n \"b.inc\" /\nINCLUDE\n 'c.inc' /\nGDFILE\n 'd' /\n");
    add(w, "/home/me/model/A.INC", "");
    cr_expect_eq(scan(w), DS_EINPUT);
    cr_expect_eq(w->problems->n_errors, 4);
    cr_expect(has_problem(w, "CASE.DATA:4:2: INCLUDE: no such file"));
    cr_expect(has_problem(w, "there is A.INC (upper and lower case count)"));
    cr_expect(strstr(w->err.text, "(and 3 more)"));
    arena_destroy(w->arena);
}

Test(closure, a_section_or_include_among_the_data_of_a_keyword_is_a_missing_slash)
{
    static const struct {
        const char *deck, *problem;
    } rows[] = {
        {"EQUALS\n PORO 1 /\nPROPS\n", "CASE.DATA:5:1: PROPS is read as data of EQUALS (line 3)"},
        {"EQUALS\n PORO 1 /\n include -- x\n 'x' /\n", "5:2: include is read as data of EQUALS"},
        {"BOX\nSUMMARY\n", "CASE.DATA:4:1: SUMMARY is read as data of BOX (line 3)"},
        {"EQUALS\n PORO\n\nPROPS\n", "PROPS is read as data of EQUALS, whose record (from line 4"},
        {"WELSPECS\n PROPS G 1 1 1* OIL /\n 'GRID'\n G 1 1 1* OIL /\n/\n", NULL},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world *w = world_new();
        add(w, "/home/me/model/CASE.DATA", arena_format(w->arena, HEAD "%s", rows[i].deck).ptr);
        add(w, "/home/me/model/x", "-- x\n");
        int rc = scan(w);
        if (rows[i].problem)
            cr_expect(rc == DS_EINPUT && has_problem(w, rows[i].problem), "row %zu", i);
        else
            cr_expect_eq(rc, 0, "row %zu: %s", i, w->err.text);
        arena_destroy(w->arena);
    }
}

Test(closure, many_problems_are_bounded_and_counted)
{
    struct world *w = world_new();
    ds_auto_buf b;
    buf_init(&b, 1u << 20);
    buf_put_text(&b, HEAD);
    for (int i = 0; i < 120; i++)
        buf_printf(&b, "INCLUDE\n 'missing%d.inc' /\n", i);
    mem_add(&w->files, DS_SPAN("/home/me/model/CASE.DATA"), buf_span(&b));
    cr_expect_eq(scan(w), DS_EINPUT);
    cr_expect_eq(w->problems->n, DECK_MAX_PROBLEMS);
    cr_expect_eq(w->problems->n_errors, 120);
    cr_expect_eq(w->problems->more, 120 - DECK_MAX_PROBLEMS);
    arena_destroy(w->arena);
}

Test(closure, nesting_and_repeated_inclusion_are_bounded)
{
    struct world *w = world_new();
    add(w, "/home/me/model/CASE.DATA", HEAD "INCLUDE\n 'i0' /\n");
    for (int i = 0; i < 60; i++) { /* each reads the next twice: 2^60 files without a bound */
        struct ds_span path = arena_format(w->arena, "/home/me/model/i%d", i);
        struct ds_span text =
            arena_format(w->arena, "INCLUDE\n'i%d' /\nINCLUDE\n'i%d' /\n", i + 1, i + 1);
        mem_add(&w->files, path, text);
    }
    add(w, "/home/me/model/i60", "-- the end\n");
    cr_expect_eq(scan(w), DS_ETOOBIG);
    cr_expect(strstr(w->err.text, "too much text"), "%s", w->err.text);
    arena_destroy(w->arena);
}

/* SEQNUM and DOUBHEAD of one step of a binary restart file. */
static void put_step(struct ds_buf *b, int step, double days)
{
    unsigned char eight[8];
    uint64_t bits;
    memcpy(&bits, &days, 8);
    for (int i = 0; i < 8; i++)
        eight[i] = (unsigned char)(bits >> (56 - 8 * i));
    buf_put(b, "\0\0\0\x10SEQNUM  \0\0\0\x01INTE\0\0\0\x10\0\0\0\x04\0\0\0", 31);
    buf_put_char(b, (char)step);
    buf_put(b, "\0\0\0\x04", 4);
    buf_put(b,
            "\0\0\0\x10"
            "DOUBHEAD\0\0\0\x01"
            "DOUB\0\0\0\x10\0\0\0\x08",
            28);
    buf_put(b, eight, 8);
    buf_put(b, "\0\0\0\x08", 4);
}

Test(closure, the_restart_step_must_be_in_the_base)
{
    static const struct {
        const char *step, *problem;
    } rows[] = {
        {"2", NULL},
        {"3",
         "report step 3 is not in /home/me/model/BASE.UNRST, which holds 2 steps from 1 to 2"}};
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world *w = world_new();
        ds_auto_buf b;
        buf_init(&b, 1u << 16);
        put_step(&b, 1, 31.0);
        put_step(&b, 2, 59.5);
        struct ds_span text =
            arena_format(w->arena, "UNIFIN\nSOLUTION\nRESTART\n BASE %s /\n", rows[i].step);
        add(w, "/home/me/model/CASE.DATA", text.ptr);
        mem_add(&w->files, DS_SPAN("/home/me/model/BASE.UNRST"), buf_span(&b));
        int rc = scan(w);
        if (rows[i].problem) {
            cr_expect_eq(rc, DS_EINPUT);
            cr_expect(has_problem(w, rows[i].problem));
        } else {
            cr_assert_eq(rc, 0, "%s", w->err.text);
            cr_expect(w->closure.restart.has_time);
            cr_expect_eq(w->closure.restart.time_days, 59.5);
            cr_expect(has_problem(w, "BASE has no SMSPEC and UNSMRY"));
            cr_expect(!file_at(w, "BASE.UNRST")->is_text);
            cr_expect(file_at(w, "BASE.UNRST")->content.ptr == NULL);
        }
        arena_destroy(w->arena);
    }
}

Test(closure, an_absolute_restart_root_is_rewritten_and_bounded)
{
    struct world *w = world_new();
    ds_auto_buf b;
    buf_init(&b, 1u << 16);
    put_step(&b, 2, 59.5);
    add(w, "/home/me/model/CASE.DATA", "UNIFIN\nSOLUTION\nRESTART\n '/runs/hist/BASE' 2 /\n");
    mem_add(&w->files, DS_SPAN("/runs/hist/BASE.UNRST"), buf_span(&b));
    add(w, "/runs/hist/BASE.SMSPEC", "spec");
    add(w, "/runs/hist/BASE.S0001", "one");
    add(w, "/runs/hist/BASE.S0002", "two");
    cr_assert_eq(scan(w), 0, "%s", w->err.text);
    cr_expect(ds_span_is(w->closure.restart.root, "abs/runs/hist/BASE"));
    cr_expect_eq(w->closure.n_files, 5);
    file_at(w, "abs/runs/hist/BASE.S0002");
    struct world *again = world_of_bundle(w);
    cr_assert_eq(scan(again), 0, "%s", again->err.text);
    cr_expect_str_eq(again->closure.base_digest, w->closure.base_digest);
    arena_destroy(again->arena);

    struct world *l = world_new();
    struct ds_span far =
        DS_SPAN("/a123456789/b123456789/c123456789/d123456789/e123456789/f123456789/BASE");
    struct ds_span deck =
        arena_format(l->arena, "UNIFIN\nSOLUTION\nRESTART\n '%.*s' 2 /\n", DS_FMT(far));
    add(l, "/home/me/model/CASE.DATA", deck.ptr);
    mem_add(&l->files, arena_format(l->arena, "%.*s.UNRST", DS_FMT(far)), buf_span(&b));
    cr_expect_eq(scan(l), DS_EINPUT);
    cr_expect(has_problem(l, "CASE.DATA:4:2: RESTART: the base's name is 74 characters long"));
    arena_destroy(l->arena);
    arena_destroy(w->arena);
}

Test(closure, arena_that_is_too_small_is_an_error_not_a_crash)
{
    char whole[65] = "";
    for (size_t cap = 600000; cap > 1000; cap -= 997) {
        struct world *w = world_new();
        struct ds_arena *small = arena_create(cap);
        add(w, "/home/me/model/CASE.DATA", HEAD "INCLUDE\n 'x' /\nTSTEP\n 1 2 3 /\nOIL\n");
        add(w, "/home/me/model/x", "WATER\n");
        struct closure c;
        int rc = closure_scan(&w->request, small, &c, w->problems, &w->err);
        cr_expect(rc == 0 || rc == DS_ETOOBIG, "%d %s", rc, w->err.text);
        if (cap == 600000)
            memcpy(whole, rc == 0 ? c.base_digest : "", rc == 0 ? 65 : 1);
        if (rc == 0) /* all of it or nothing */
            cr_expect_str_eq(c.base_digest, whole);
        arena_destroy(small);
        arena_destroy(w->arena);
    }
}
