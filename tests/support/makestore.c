/* SPDX-License-Identifier: GPL-3.0-or-later */
/* makestore - a finished sweep's store without a simulator, through the real writers
 *
 *   makestore STORE SWEEP CASES [options]
 *     --from PREFIX        values of PREFIX.SMSPEC and .UNSMRY, in each case scaled a little
 *     --vectors N          instead: TIME, FOPR, FOPT, FPR, then WOPR and WOPT of wells
 *     --steps N            report steps of 30 days of the latter (90)
 *     --file PATH          instead: this file as it is, in every case (may be repeated)
 *     --root NAME          name of the run, default SPE9, RUN or the first file's
 *     --bundle PATH        a file of the sweep's bundle (may be repeated)
 *     --failed N           of the cases the last N failed, their UNSMRY cut in half
 *     --missing N          before those N have not run
 *     --twins              case 1 and 2 have one id; case 3 has case 0's values
 *     --mixed-units        case 1 is METRIC
 *     --uneven             odd cases have one more vector and one more report step
 *     --odd                vectors with odd names: A/1 H, 100%, two of one name, an LGR's
 *     --idle               KX does nothing
 *     --shift              each case starts a day later than the one before
 *     --folders DIR        also DIR/case-N/ROOT.SMSPEC and .UNSMRY, as the simulator left them
 *     --first N            cases with a number below N are in the store already: not written
 *     --one-at-a-time      a design of that method, with SENSNAME and SENSCASE
 */
#include "archive/archive.h"
#include "base/fs_io.h"
#include "base/sha256.h"
#include "base/units.h"
#include "decksweep/plan.h"
#include "store/store.h"
#include "summary/ecl_record.h"
#include "summary/ecl_write.h"
#include "tests/support/makestore_options.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_MEMBERS (MAX_FILES + 4u)

struct member { /* of the case being made; case.json stands before them and names them */
    char name[256];
    struct ds_span data;
};

struct maker {
    struct options o;
    struct member members[MAX_MEMBERS];
    size_t n_members;
    struct store *store;
    int folder; /* of the sweep */
    struct archive_writer *archive;
    struct ds_arena *arena;        /* of the whole run */
    struct ds_span smspec, unsmry; /* --from */
    struct ds_span files[MAX_FILES];
    char plan_digest[PLAN_DIGEST_BYTES];
    char base_digest[SHA256_HEX_BYTES];
    char names[MAX_VECTORS][12];
};

static int to_buf(void *context, const void *data, size_t n, struct ds_err *err)
{
    struct ds_buf *b = context;
    return buf_put(b, data, n) < 0 ? ds_fail(err, DS_ETOOBIG, "archive too large") : 0;
}

static void put(struct maker *m, const char *key, struct ds_span text)
{
    struct ds_err err;
    char full[STORE_KEY_BYTES];
    (void)snprintf(full, sizeof full, "%s/%s", m->o.sweep, key);
    struct store_body body = {.data = text.ptr, .fd = -1, .len = text.len};
    must(store_put(m->store, full, body, &err), &err);
}

/* ---- values ---- */

static double poro_of(uint32_t i)
{
    return units_round(0.2 + 0.15 * ((double)(i * 2654435761u % 10007u) / 10007.0), -1);
}

static double kx_of(uint32_t i)
{
    return units_round(100.0 + (double)(i * 40503u % 997u), -1);
}

/* Copy a unified summary, every value but TIME and YEARS scaled by the case's own factor. */
static void scale_unsmry(struct maker *m, uint32_t i, struct ds_buf *out)
{
    struct ecl_reader r;
    struct ecl_record rec;
    struct ds_err err;
    struct ecl_writer w = {out, false};
    ecl_reader_init(&r, ds_bytes_of(m->unsmry), false);
    int32_t ministep = 0, seqhdr = 0;
    static float row[MAX_VECTORS];
    uint32_t x = i * 2654435761u + 12345u;
    float factor = (float)(0.5 + poro_of(i) + 0.001 * kx_of(i));
    while (ecl_next(&r, &rec, NULL) == 0) {
        if (ecl_is(&rec, "SEQHDR")) {
            must(ecl_read_i32(&r, &rec, 0, 1, &seqhdr, &err), &err);
            ecl_write_seqhdr(&w, seqhdr);
        } else if (ecl_is(&rec, "MINISTEP")) {
            must(ecl_read_i32(&r, &rec, 0, 1, &ministep, &err), &err);
        } else if (ecl_is(&rec, "PARAMS") && rec.count <= MAX_VECTORS) {
            must(ecl_read_f32(&r, &rec, 0, rec.count, row, &err), &err);
            for (size_t v = 2; v < rec.count; v++) {
                x = x * 1664525u + 1013904223u; /* a solver's noise in the last bits */
                row[v] *= factor * (1.0f + (float)(x >> 22) * 1e-6f);
            }
            ecl_write_ministep(&w, ministep, row, rec.count);
        }
    }
}

static void name_vectors(struct maker *m, struct ecl_write_vector *v, uint32_t n)
{
    static const struct ecl_write_vector FIRST[] = {{"TIME", NULL, "DAYS", 0},
                                                    {"FOPR", NULL, "STB/DAY", 0},
                                                    {"FOPT", NULL, "STB", 0},
                                                    {"FPR", NULL, "PSIA", 0}};
    static const struct ecl_write_vector ODD[] = {
        {"WBHP", "A/1 H", "PSIA", 0}, {"WBHP", "100%", "PSIA", 0},
        {"WBHP", "SAME", "PSIA", 0},  {"WBHP", "SAME", "PSIA", 0},
        {"LBPR", NULL, "PSIA", 7},    {"WBHP", "\xd8RN", "d\x01\xff", 0}};
    for (uint32_t i = 0; i < n; i++) {
        if (m->o.odd && i >= DS_COUNT(FIRST) && i < DS_COUNT(FIRST) + DS_COUNT(ODD)) {
            v[i] = ODD[i - DS_COUNT(FIRST)];
            continue;
        }
        if (i < DS_COUNT(FIRST)) {
            v[i] = FIRST[i];
            continue;
        }
        (void)snprintf(m->names[i], sizeof m->names[i], "W%u", i / 2);
        v[i] = i % 2 ? (struct ecl_write_vector){"WOPT", m->names[i], "STB", 0}
                     : (struct ecl_write_vector){"WOPR", m->names[i], "STB/DAY", 0};
    }
}

/* LGR1's cell 2,3,4 for the vector of an LGR. */
static void put_lgrs(const struct ecl_writer *w, uint32_t n)
{
    static const char *lgr[MAX_VECTORS];
    static int32_t cell[3][MAX_VECTORS];
    static const char *const KEYWORD[3] = {"NUMLX", "NUMLY", "NUMLZ"};
    for (uint32_t i = 0; i < n; i++) {
        lgr[i] = i == 8 ? "LGR1" : "";
        for (int32_t k = 0; k < 3; k++)
            cell[k][i] = i == 8 ? k + 2 : 0;
    }
    ecl_put_text(w, "LGRS", 8, lgr, n);
    for (size_t k = 0; k < 3; k++)
        ecl_put_i32(w, KEYWORD[k], cell[k], n);
}

static void make_synthetic(struct maker *m, uint32_t i, struct ds_buf *spec, struct ds_buf *data)
{
    static struct ecl_write_vector vectors[MAX_VECTORS];
    static float row[MAX_VECTORS];
    bool more = m->o.uneven && i % 2;
    uint32_t n = m->o.vectors + more, steps = m->o.steps + more;
    struct ecl_writer w = {spec, false};
    name_vectors(m, vectors, n);
    struct ecl_write_spec s = {.unit_system = m->o.mixed_units && i == 1 ? 1 : 2,
                               .nx = 10,
                               .ny = 10,
                               .nz = 3,
                               .start = {1 + (m->o.shift ? (int32_t)i : 0), 1, 2015, 0, 0, 0},
                               .vectors = vectors,
                               .n_vectors = n};
    ecl_write_smspec(&w, &s);
    if (m->o.odd)
        put_lgrs(&w, n);
    w.out = data;
    double total = 0;
    for (uint32_t step = 1; step <= steps; step++) {
        double rate = 20000.0 * poro_of(i) * exp(-0.01 * step) + (m->o.idle ? 0 : kx_of(i));
        total += 30.0 * rate;
        row[0] = (float)(30 * step);
        row[1] = (float)rate;
        row[2] = (float)total;
        row[3] = (float)(4800.0 - total / 5000.0);
        for (uint32_t v = 4; v < n; v++)
            row[v] = (float)((v % 2 ? total : rate) * (1.0 + (double)v * 1e-3));
        ecl_write_seqhdr(&w, (int32_t)step);
        ecl_write_ministep(&w, (int32_t)step - 1, row, n);
    }
}

/* ---- archives ---- */

static struct case_id id_of(const struct maker *m, uint32_t i)
{
    char text[128], hex[65];
    struct case_id id;
    if (m->o.twins && i == 2)
        i = 1;
    int n = snprintf(text, sizeof text, "%s %u", m->o.sweep, i);
    sha256_of(text, (size_t)n, hex);
    memcpy(id.hex, hex, CASE_ID_CHARS);
    return id;
}

static bool is_failed(const struct maker *m, uint32_t i)
{
    return i >= m->o.cases - m->o.failed;
}

static void put_record(struct maker *m, uint32_t i, struct ds_buf *out)
{
    struct ds_err err;
    static struct case_file files[MAX_MEMBERS];
    for (size_t f = 0; f < m->n_members; f++) {
        files[f].path = ds_span_of(m->members[f].name);
        files[f].size_bytes = m->members[f].data.len;
        sha256_of(m->members[f].data.ptr, m->members[f].data.len, files[f].sha256);
    }
    bool failed = is_failed(m, i);
    struct case_record r = {
        .number = i,
        .id = id_of(m, i),
        .sweep = ds_span_of(m->o.sweep),
        .plan_digest = ds_span_of(m->plan_digest),
        .base_digest = ds_span_of(m->base_digest),
        .root = ds_span_of(m->o.root),
        .dir = DS_SPAN(""),
        .verdict = failed ? VERDICT_NOT_CONVERGED : VERDICT_OK,
        .attempt = 1,
        .ended = failed ? DS_SPAN("error") : DS_SPAN("normal"),
        .reason = failed ? DS_SPAN("not converged: time step cut 10 times") : DS_SPAN(""),
        .started_utc = DS_SPAN("2026-11-21T09:10:11Z"),
        .run_ms = 1200 + i % 100,
        .wall_ms = 1300 + i % 100,
        .cpu_ms = 1250,
        .peak_mem_bytes = (int64_t)(100 + i % 7) << 20,
        .limit_mem_bytes = INT64_C(256) << 20,
        .last_report_step = m->o.steps,
        .n_report_steps = m->o.steps,
        .last_time_days = NAN,
        .end_time_days = NAN,
        .n_chops = i % 3,
        .node = i % 2 ? DS_SPAN("node-b") : DS_SPAN("node-a"),
        .cpuset = DS_SPAN("0"),
        .simulator = DS_SPAN("flow"),
        .simulator_version = DS_SPAN("2022.10"),
        .decksweep_version = DS_SPAN(DECKSWEEP_VERSION),
        .ranks = 1,
        .threads = 1,
        .files = files,
        .n_files = m->n_members,
    };
    must(case_record_encode(&r, out, &err), &err);
}

static void add(struct maker *m, const char *name, struct ds_span data)
{
    struct ds_err err;
    must(archive_add_bytes(m->archive, name, ds_bytes_of(data), NULL, &err), &err);
}

/* A member of the case; data stays until the case is written. */
static void note(struct maker *m, const char *name, struct ds_span data)
{
    struct member *one = &m->members[m->n_members++];
    (void)snprintf(one->name, sizeof one->name, "%s", name);
    one->data = data;
}

static void note_with(struct maker *m, const char *extension, struct ds_span data)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%s.%s", m->o.root, extension);
    note(m, name, data);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void put_folder(struct maker *m, uint32_t i, struct ds_span smspec, struct ds_span unsmry)
{
    struct ds_err err;
    char path[4096], file[4352];
    (void)snprintf(path, sizeof path, "%s/case-%u", m->o.folders, i);
    must(fs_make_dirs(path, &err), &err);
    (void)snprintf(file, sizeof file, "%s/%s.SMSPEC", path, m->o.root);
    must(fs_write_file_at(AT_FDCWD, file, smspec, &err), &err);
    (void)snprintf(file, sizeof file, "%s/%s.UNSMRY", path, m->o.root);
    must(fs_write_file_at(AT_FDCWD, file, unsmry, &err), &err);
}

static void note_summary(struct maker *m, uint32_t i, struct ds_buf *spec, struct ds_buf *data)
{
    uint32_t values = m->o.twins && i == 3 ? 0 : i;
    for (size_t f = 0; f < m->o.n_files; f++)
        note(m, base_name(m->o.files[f]), m->files[f]);
    if (m->o.n_files > 0)
        return;
    buf_reset(spec);
    buf_reset(data);
    if (m->o.from) {
        (void)buf_put_span(spec, m->smspec);
        scale_unsmry(m, values, data);
    } else {
        make_synthetic(m, values, spec, data);
    }
    struct ds_span unsmry = buf_span(data);
    if (is_failed(m, i))
        unsmry.len /= 2;
    note_with(m, "SMSPEC", buf_span(spec));
    note_with(m, "UNSMRY", unsmry);
    if (m->o.folders)
        put_folder(m, i, buf_span(spec), unsmry);
}

static void make_case(struct maker *m, uint32_t i, struct ds_buf *out, struct ds_buf *spec,
                      struct ds_buf *data)
{
    struct ds_err err;
    uint64_t total = 0;
    struct result_key key = {.kind = is_failed(m, i) ? KEY_FAILED : KEY_CASE,
                             .id = id_of(m, i),
                             .keep = "sl",
                             .attempt = 1,
                             .verdict = is_failed(m, i) ? VERDICT_NOT_CONVERGED : VERDICT_OK};
    char name[RESULT_KEY_BYTES];
    buf_reset(out);
    m->n_members = 0;
    note_summary(m, i, spec, data);
    note_with(m, "PRT", DS_SPAN("a log\n"));
    ds_auto_buf json;
    buf_init(&json, (size_t)8 << 20);
    put_record(m, i, &json);
    archive_writer_start(m->archive, to_buf, out);
    add(m, "case.json", buf_span(&json));
    for (size_t f = 0; f < m->n_members; f++)
        add(m, m->members[f].name, m->members[f].data);
    must(archive_writer_end(m->archive, &total, &err), &err);
    result_key_encode(&key, name);
    /* as the store would, but without an fsync each: these stores are for reading */
    must(fs_write_file_at(m->folder, name, buf_span(out), &err), &err);
}

static bool is_written(const struct maker *m, uint32_t i)
{
    uint32_t end = m->o.cases - m->o.failed;
    return i >= m->o.first && !(i >= end - m->o.missing && i < end) && !(m->o.twins && i == 2);
}

/* ---- plan ---- */

static void make_design(struct maker *m, struct ds_buf *out)
{
    (void)buf_put_text(out, m->o.one_at_a_time ? "case,id,SENSNAME,SENSCASE,GEO,KX,PORO\n"
                                               : "case,id,GEO,KX,PORO\n");
    for (uint32_t i = 0; i < m->o.cases; i++) {
        char poro[UNITS_NUMBER_BYTES], kx[UNITS_NUMBER_BYTES];
        struct case_id id = id_of(m, i);
        (void)units_format_number(poro_of(i), poro);
        (void)units_format_number(kx_of(i), kx);
        (void)buf_printf(out, "%u,%.16s,", i, id.hex);
        if (m->o.one_at_a_time)
            (void)buf_printf(out, "%s,%s,", i % 2 ? "PORO" : "KX", i % 4 < 2 ? "low" : "high");
        (void)buf_printf(out, "geo/real-%u,%s,%s\n", i % 3, kx, poro);
    }
}

static void make_bundle(struct maker *m, struct ds_buf *out)
{
    struct ds_err err;
    uint64_t total = 0;
    archive_writer_start(m->archive, to_buf, out);
    for (size_t i = 0; i < m->o.n_bundle; i++) {
        struct ds_span text;
        must(fs_read_file(m->o.bundle[i], (size_t)1 << 30, m->arena, &text, &err), &err);
        add(m, base_name(m->o.bundle[i]), text);
    }
    must(archive_writer_end(m->archive, &total, &err), &err);
}

static void put_plan(struct maker *m, const struct ds_buf *design, struct ds_span bundle_key)
{
    static const struct plan_param PARAMS[] = {
        {.name = {"GEO", 3}, .is_files = true, .in_id = true},
        {.name = {"KX", 2}, .is_number = true, .in_id = true},
        {.name = {"PORO", 4}, .is_number = true, .in_id = true},
    };
    struct ds_err err;
    char key[64];
    ds_auto_buf text;
    buf_init(&text, PLAN_MAX_BYTES);
    struct plan p = {.name = ds_span_of(m->o.sweep),
                     .deck_name = DS_SPAN("RUN.DATA"),
                     .deck_dir = DS_SPAN(""),
                     .case_root = ds_span_of(m->o.root),
                     .bundle_key = bundle_key,
                     .n_cases = m->o.cases,
                     .n_distinct = m->o.cases - m->o.twins,
                     .method = m->o.one_at_a_time ? DESIGN_ONE_AT_A_TIME : DESIGN_LATIN_HYPERCUBE,
                     .preset_flow = true,
                     .judge = JUDGE_FLOW,
                     .simulator = DS_SPAN("flow"),
                     .simulator_version = DS_SPAN("2022.10"),
                     .wall_ms = 3600000,
                     .ranks = 1,
                     .threads = 1,
                     .pilot = 4,
                     .keep = {.classes = CLASS_SUMMARY | CLASS_LOG},
                     .compression = 3,
                     .params = PARAMS,
                     .n_params = DS_COUNT(PARAMS)};
    memcpy(p.base_digest, m->base_digest, sizeof p.base_digest);
    sha256_of(design->data, design->len, p.design_sha256);
    (void)snprintf(key, sizeof key, "design.%.16s.csv", p.design_sha256);
    p.design_key = ds_span_of(key);
    p.features.end_time_days = NAN;
    must(plan_encode(&p, &text, &err), &err);
    plan_digest(buf_span(&text), m->plan_digest);
    put(m, key, buf_span(design));
    (void)snprintf(key, sizeof key, "plan.%s.json", m->plan_digest);
    put(m, key, buf_span(&text));
    put(m, "plan.json", buf_span(&text));
}

/* What `collect` takes its defaults from. */
static void put_sweep(struct maker *m)
{
    struct ds_span text = arena_format(m->arena,
                                       "apiVersion: decksweep.io/v1alpha1\n"
                                       "kind: Sweep\n"
                                       "metadata: {name: %s}\n"
                                       "spec:\n"
                                       "  deck: RUN.DATA\n"
                                       "  parameters:\n"
                                       "    GEO: {values: [geo/real-0, geo/real-1, geo/real-2]}\n"
                                       "    KX: {uniform: {min: 100, max: 1100}}\n"
                                       "    PORO: {uniform: {min: 0.2, max: 0.35}}\n"
                                       "  design: {method: latin-hypercube, samples: %u}\n"
                                       "  results: {store: %s}\n",
                                       m->o.sweep, m->o.cases, m->o.store);
    put(m, "sweep.yaml", text);
}

static void make_plan(struct maker *m)
{
    char key[128];
    ds_auto_buf design, bundle;
    buf_init(&design, DESIGN_MAX_BYTES);
    buf_init(&bundle, (size_t)1 << 30);
    sha256_of(m->o.sweep, strlen(m->o.sweep), m->base_digest);
    make_design(m, &design);
    make_bundle(m, &bundle);
    (void)snprintf(key, sizeof key, "bundle.%.16s.tar.zst", m->base_digest);
    put(m, key, buf_span(&bundle));
    put_plan(m, &design, ds_span_of(key));
}

static void read_inputs(struct maker *m)
{
    struct ds_err err;
    char path[4096];
    for (size_t i = 0; i < m->o.n_files; i++)
        must(fs_read_file(m->o.files[i], (size_t)1 << 30, m->arena, &m->files[i], &err), &err);
    if (!m->o.from)
        return;
    (void)snprintf(path, sizeof path, "%s.SMSPEC", m->o.from);
    must(fs_read_file(path, (size_t)1 << 30, m->arena, &m->smspec, &err), &err);
    (void)snprintf(path, sizeof path, "%s.UNSMRY", m->o.from);
    must(fs_read_file(path, (size_t)1 << 30, m->arena, &m->unsmry, &err), &err);
}

/* RUN, or the name of the first file without its extension. */
static const char *root_of(struct maker *m)
{
    if (m->o.root)
        return m->o.root;
    const char *from = m->o.from ? m->o.from : m->o.n_files ? m->o.files[0] : "RUN";
    struct ds_span name = ds_span_of(base_name(from));
    const char *dot = m->o.n_files ? strrchr(name.ptr, '.') : NULL;
    return arena_format(m->arena, "%.*s", dot ? (int)(dot - name.ptr) : (int)name.len, name.ptr)
        .ptr;
}

static void make_folders(struct maker *m)
{
    static const char *const FOLDERS[] = {"cases", "failed", "."};
    struct ds_err err;
    char path[4096];
    for (size_t i = 0; i < DS_COUNT(FOLDERS); i++) {
        (void)snprintf(path, sizeof path, "%s/%s/%s", m->o.store, m->o.sweep, FOLDERS[i]);
        must(fs_make_dirs(path, &err), &err);
    }
    m->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->folder < 0)
        must(ds_fail_errno(&err, DS_EIO, errno, "%s", path), &err);
}

int main(int argc, char **argv)
{
    struct ds_err err;
    struct maker *m = calloc(1, sizeof *m);
    ds_auto_buf out, spec, data;
    buf_init(&out, (size_t)1 << 30);
    buf_init(&spec, (size_t)1 << 28);
    buf_init(&data, (size_t)1 << 30);
    if (!m)
        abort();
    m->o = parse(argc, argv);
    m->arena = arena_create((size_t)4 << 30);
    m->archive = archive_writer_create(3, 0);
    m->o.root = root_of(m);
    must(store_open(m->o.store, STORE_WRITE, &m->store, &err), &err);
    read_inputs(m);
    make_plan(m);
    put_sweep(m);
    make_folders(m);
    for (uint32_t i = 0; i < m->o.cases; i++)
        if (is_written(m, i))
            make_case(m, i, &out, &spec, &data);
    (void)close(m->folder);
    store_close(m->store);
    archive_writer_destroy(m->archive);
    arena_destroy(m->arena);
    free(m);
    return 0;
}
