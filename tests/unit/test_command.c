/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/command.h"
#include "base/buf.h"

#include <criterion/criterion.h>

static struct ds_arena *a;

static void set_up(void)
{
    a = arena_create(64u << 20);
}
static void tear_down(void)
{
    arena_destroy(a);
}

TestSuite(command, .init = set_up, .fini = tear_down, .timeout = 20);

static const struct ds_span ARGS[] = {DS_SPAN("--solver-max-restarts=20"), DS_SPAN("--x={deck}")};
static const struct ds_span MORE[] = {DS_SPAN("--newton-max-iterations=40")};
static const struct ds_span OWN[] = {DS_SPAN("/opt/sim"), DS_SPAN("-i{deck}"),
                                     DS_SPAN("{output}/out {ranks}x{threads} {other} {"),
                                     DS_SPAN("")};
static const struct ds_span SERIAL[] = {DS_SPAN("sim"), DS_SPAN("{deck}")};

static void check(const struct plan *p, const struct command_case *c, const char *want)
{
    const char *const *argv = NULL;
    size_t n = 0;
    struct ds_err err;
    ds_auto_buf got;
    buf_init(&got, 65536);
    cr_assert(command_build(p, c, a, &argv, &n, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < n; i++)
        buf_printf(&got, "[%s]", argv[i]);
    cr_expect(argv[n] == NULL);
    cr_expect(strcmp(got.data, want) == 0, "%s", got.data);
}

Test(command, of_the_flow_preset)
{
    struct plan p = {.preset_flow = true,
                     .ranks = 1,
                     .threads = 2,
                     .args = ARGS,
                     .n_args = 2,
                     .not_converged_args = MORE,
                     .n_not_converged_args = 1};
    struct command_case c = {.deck = DS_SPAN("CASE.DATA"), .output = DS_SPAN(".")};
    check(&p, &c,
          "[flow][CASE.DATA][--output-dir=.][--threads-per-process=2]"
          "[--solver-max-restarts=20][--x=CASE.DATA]");
    c.altered_args = true;
    c.flow = DS_SPAN("/usr/bin/flow");
    check(&p, &c,
          "[/usr/bin/flow][CASE.DATA][--output-dir=.][--threads-per-process=2]"
          "[--solver-max-restarts=20][--x=CASE.DATA][--newton-max-iterations=40]");
    p.n_args = 0;
    c.altered_args = false;
    c.as_root = true;
    c.flow = (struct ds_span){0};
    p.ranks = 4;
    p.threads = 1;
    check(&p, &c,
          "[mpirun][--bind-to][none][-np][4][--host][localhost:4][--allow-run-as-root]"
          "[flow][CASE.DATA][--output-dir=.][--threads-per-process=1]");
}

Test(command, of_the_user_has_its_placeholders_filled)
{
    struct plan p = {.command = OWN, .n_command = 4, .ranks = 3, .threads = 2};
    struct command_case c = {.deck = DS_SPAN("A B.DATA"), .output = DS_SPAN(".")};
    check(&p, &c, "[/opt/sim][-iA B.DATA][./out 3x2 {other} {][]");
}

Test(command, that_cannot_start_ranks_is_refused)
{
    struct plan p = {.command = SERIAL, .n_command = 2, .ranks = 2, .threads = 1};
    struct command_case c = {.deck = DS_SPAN("A.DATA"), .output = DS_SPAN(".")};
    const char *const *argv = NULL;
    size_t n = 0;
    struct ds_err err;
    cr_expect(command_build(&p, &c, a, &argv, &n, &err) == DS_EINPUT);
    cr_expect(strstr(err.text, "{ranks}") != NULL, "%s", err.text);
    p.ranks = 1;
    check(&p, &c, "[sim][A.DATA]");
}

Test(command, of_too_many_words_is_refused)
{
    static struct ds_span many[COMMAND_MAX_WORDS];
    for (size_t i = 0; i < COMMAND_MAX_WORDS; i++)
        many[i] = DS_SPAN("x");
    struct plan p = {
        .preset_flow = true, .ranks = 1, .threads = 1, .args = many, .n_args = COMMAND_MAX_WORDS};
    struct command_case c = {.deck = DS_SPAN("A.DATA"), .output = DS_SPAN(".")};
    const char *const *argv = NULL;
    size_t n = 0;
    cr_expect(command_build(&p, &c, a, &argv, &n, NULL) == DS_ETOOBIG);
}

static const char *value(const char *const *env, const char *name, unsigned *times)
{
    const char *found = NULL;
    *times = 0;
    for (; *env; env++) {
        if (strncmp(*env, name, strlen(name)) == 0 && (*env)[strlen(name)] == '=') {
            found = *env + strlen(name) + 1;
            (*times)++;
        }
    }
    return found;
}

Test(command, environment_fits_the_ranks_and_hides_an_outer_mpi_job)
{
    static const char *const INHERITED[] = {"PATH=/bin",
                                            "OMP_NUM_THREADS=64",
                                            "PMIX_RANK=3",
                                            "OMPI_COMM_WORLD_SIZE=8",
                                            "A=1",
                                            "ODD",
                                            "OMPI_MCA_ess_singleton_isolated=1",
                                            "OMPI_MCA_btl=self",
                                            NULL};
    static const char *const EXTRA[] = {"A=2", "B=3", NULL};
    unsigned n = 0;
    for (uint32_t ranks = 1; ranks <= 2; ranks++) {
        const char *const *env = NULL;
        struct plan p = {.preset_flow = true, .ranks = ranks, .threads = 2};
        cr_assert(command_environment(INHERITED, &p, EXTRA, a, &env, NULL) == 0);
        cr_expect(strcmp(value(env, "OMP_NUM_THREADS", &n), "2") == 0 && n == 1);
        cr_expect(strcmp(value(env, "A", &n), "2") == 0 && n == 1);
        cr_expect(strcmp(value(env, "PATH", &n), "/bin") == 0 && n == 1);
        cr_expect(value(env, "OMPI_MCA_btl", &n) && value(env, "B", &n));
        cr_expect(!value(env, "PMIX_RANK", &n) && !value(env, "OMPI_COMM_WORLD_SIZE", &n));
        cr_expect((value(env, "OMPI_MCA_ess_singleton_isolated", &n) != NULL) == (ranks == 1));
        /* `flow --version` is always a lone process, also where cases have several ranks. */
        cr_assert(command_version_environment(INHERITED, &p, a, &env, NULL) == 0);
        cr_expect(value(env, "OMPI_MCA_ess_singleton_isolated", &n) && n == 1);
        cr_expect(!value(env, "PMIX_RANK", &n) && strcmp(value(env, "PATH", &n), "/bin") == 0);
    }
    struct plan own = {.ranks = 1, .threads = 1};
    const char *const *env = NULL;
    cr_assert(command_environment(NULL, &own, NULL, a, &env, NULL) == 0);
    cr_expect(!value(env, "OMPI_MCA_ess_singleton_isolated", &n));
    cr_expect(strcmp(value(env, "OMP_NUM_THREADS", &n), "1") == 0);
}

Test(command, keeps_what_mpi_leaves_in_a_folder_of_ours)
{
    struct plan p = {.preset_flow = true, .ranks = 2, .threads = 1};
    const char *const *extra = command_mpi_words(&p, DS_SPAN("/scratch/mpi"), a);
    const char *const *env = NULL;
    unsigned n = 0;
    cr_assert(command_environment(NULL, &p, extra, a, &env, NULL) == 0);
    cr_expect(strcmp(value(env, "OMPI_MCA_orte_tmpdir_base", &n), "/scratch/mpi") == 0);
    cr_expect(strcmp(value(env, "OMPI_MCA_btl_vader_backing_directory", &n), "/scratch/mpi") == 0);
    const char *starter = value(env, "OMPI_MCA_plm", &n);
    cr_expect(starter && strcmp(starter, "isolated") == 0, "mpirun would want ssh");
    p.ranks = 1;
    cr_expect(command_mpi_words(&p, DS_SPAN("/scratch/mpi"), a)[0] == NULL);
}
