/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/command.h"

#include "base/buf.h"

#define WORD_MAX_BYTES (1u << 20)

struct words {
    struct ds_arena *a;
    const char **at;
    size_t n;
    bool full;
};

static void add(struct words *w, struct ds_span word)
{
    char *copy = w->n < COMMAND_MAX_WORDS ? arena_cstr(w->a, word) : NULL;
    if (!copy)
        w->full = true;
    else
        w->at[w->n++] = copy;
}

static void add_number(struct words *w, const char *before, uint32_t value)
{
    add(w, arena_format(w->a, "%s%u", before, value));
}

/* Replace the four placeholders in one word. */
static void add_filled(struct words *w, struct ds_span word, const struct plan *p,
                       const struct command_case *c)
{
    ds_auto_buf out;
    buf_init(&out, WORD_MAX_BYTES);
    for (size_t i = 0; i < word.len;) {
        struct ds_span rest = {word.ptr + i, word.len - i};
        if (ds_span_starts(rest, "{deck}")) {
            buf_put_span(&out, c->deck);
            i += sizeof("{deck}") - 1;
        } else if (ds_span_starts(rest, "{output}")) {
            buf_put_span(&out, c->output);
            i += sizeof("{output}") - 1;
        } else if (ds_span_starts(rest, "{ranks}")) {
            buf_printf(&out, "%u", p->ranks);
            i += sizeof("{ranks}") - 1;
        } else if (ds_span_starts(rest, "{threads}")) {
            buf_printf(&out, "%u", p->threads);
            i += sizeof("{threads}") - 1;
        } else {
            buf_put_char(&out, word.ptr[i++]);
        }
    }
    if (out.failed)
        w->full = true;
    else
        add(w, buf_span(&out));
}

/* --host names the slots, so that mpirun neither counts cores itself (and refuses when the
 * slot has fewer than it likes) nor thinks it is oversubscribed and yields. */
static void add_mpirun(struct words *w, const struct plan *p, const struct command_case *c)
{
    add(w, DS_SPAN("mpirun"));
    add(w, DS_SPAN("--bind-to"));
    add(w, DS_SPAN("none"));
    add(w, DS_SPAN("-np"));
    add_number(w, "", p->ranks);
    add(w, DS_SPAN("--host"));
    add_number(w, "localhost:", p->ranks);
    if (c->as_root)
        add(w, DS_SPAN("--allow-run-as-root"));
}

static bool has_ranks_word(const struct plan *p)
{
    for (size_t i = 0; i < p->n_command + p->n_args; i++) {
        struct ds_span word = i < p->n_command ? p->command[i] : p->args[i - p->n_command];
        if (word.len > 0 && memmem(word.ptr, word.len, "{ranks}", sizeof("{ranks}") - 1))
            return true;
    }
    return false;
}

static int add_program(struct words *w, const struct plan *p, const struct command_case *c,
                       struct ds_err *err)
{
    if (!p->preset_flow) {
        if (p->ranks > 1 && !has_ranks_word(p))
            return ds_fail(err, DS_EINPUT,
                           "spec.resources.ranks is %u, but spec.simulator.command has no {ranks}: "
                           "a command starts its own ranks",
                           p->ranks);
        for (size_t i = 0; i < p->n_command; i++)
            add_filled(w, p->command[i], p, c);
        return 0;
    }
    if (p->ranks > 1)
        add_mpirun(w, p, c);
    add(w, c->flow.len > 0 ? c->flow : DS_SPAN("flow"));
    add(w, c->deck);
    add(w, arena_format(w->a, "--output-dir=%.*s", DS_FMT(c->output)));
    add_number(w, "--threads-per-process=", p->threads);
    return 0;
}

int command_build(const struct plan *p, const struct command_case *c, struct ds_arena *a,
                  const char *const **argv, size_t *n, struct ds_err *err)
{
    struct words w = {.a = a, .at = ds_new(a, const char *, COMMAND_MAX_WORDS + 1)};
    if (!w.at)
        return ds_fail(err, DS_ETOOBIG, "simulator command");
    int rc = add_program(&w, p, c, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < p->n_args; i++)
        add_filled(&w, p->args[i], p, c);
    for (size_t i = 0; c->altered_args && i < p->n_not_converged_args; i++)
        add_filled(&w, p->not_converged_args[i], p, c);
    if (w.full)
        return ds_fail(err, DS_ETOOBIG,
                       "the simulator's command has more than %u words or is too long",
                       COMMAND_MAX_WORDS);
    if (w.n == 0)
        return ds_fail(err, DS_EINPUT, "the simulator's command is empty");
    w.at[w.n] = NULL;
    *argv = w.at;
    *n = w.n;
    return 0;
}

/* ---- environment ---- */

/* An MPI job around us (a batch system's own start) would make a simulator join it. */
static bool is_of_another_job(const char *word)
{
    static const char *const PREFIX[] = {
        "OMPI_COMM_WORLD_", "OMPI_UNIVERSE_", "PMIX_",       "PMI_",
        "OMPI_MCA_ess",     "OMPI_MCA_orte_", "OMPI_APP_CTX"};
    for (size_t i = 0; i < DS_COUNT(PREFIX); i++) {
        if (strncmp(word, PREFIX[i], strlen(PREFIX[i])) == 0)
            return true;
    }
    return false;
}

static bool same_name(const char *word, const char *other)
{
    const char *end = strchr(other, '=');
    return end && strncmp(word, other, (size_t)(end - other) + 1) == 0;
}

/* Later words of a name win: take earlier ones out. */
static void set(const char **env, size_t *n, const char *word)
{
    size_t keep = 0;
    for (size_t i = 0; i < *n; i++) {
        if (!same_name(env[i], word))
            env[keep++] = env[i];
    }
    env[keep++] = word;
    *n = keep;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

int command_environment(const char *const *inherited, const struct plan *p,
                        const char *const *extra, struct ds_arena *a, const char *const **env,
                        struct ds_err *err)
{
    size_t n = 0;
    const char **out = ds_new(a, const char *, count(inherited) + count(extra) + 3);
    struct ds_span threads = arena_format(a, "OMP_NUM_THREADS=%u", p->threads);
    if (!out || !threads.ptr)
        return ds_fail(err, DS_ETOOBIG, "the environment is too large");
    for (size_t i = 0; inherited && inherited[i]; i++) {
        if (!is_of_another_job(inherited[i]))
            out[n++] = inherited[i];
    }
    set(out, &n, threads.ptr);
    if (p->preset_flow && p->ranks == 1)
        set(out, &n, "OMPI_MCA_ess_singleton_isolated=1");
    for (size_t i = 0; extra && extra[i]; i++)
        set(out, &n, extra[i]);
    out[n] = NULL;
    *env = out;
    return 0;
}

int command_version_environment(const char *const *inherited, const struct plan *p,
                                struct ds_arena *a, const char *const **env, struct ds_err *err)
{
    struct plan alone = *p;
    alone.ranks = 1;
    return command_environment(inherited, &alone, NULL, a, env, err);
}

const char *const *command_mpi_words(const struct plan *p, struct ds_span dir, struct ds_arena *a)
{
    static const char *const NAME[] = {"OMPI_MCA_orte_tmpdir_base",
                                       "OMPI_MCA_btl_vader_backing_directory"};
    const char **out = ds_new(a, const char *, DS_COUNT(NAME) + 2);
    size_t n = 0;
    if (!out || p->ranks <= 1)
        return out;
    for (; n < DS_COUNT(NAME); n++) {
        out[n] = arena_format(a, "%s=%.*s", NAME[n], DS_FMT(dir)).ptr;
        if (!out[n])
            return NULL;
    }
    if (p->preset_flow) /* our own mpirun: this machine only */
        out[n] = "OMPI_MCA_plm=isolated";
    return out;
}
