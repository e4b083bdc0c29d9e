/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/problem.h"

#include <stdarg.h>
#include <stdio.h>

/* The slot for one more problem: a free one; for an error that of the last warning. */
static struct deck_problem *problem_slot(struct deck_problems *p, bool is_warning)
{
    if (p->n < DECK_MAX_PROBLEMS)
        return &p->at[p->n++];
    p->more++;
    if (is_warning)
        return NULL;
    for (size_t i = p->n; i > 0; i--) {
        if (!p->at[i - 1].is_warning)
            continue;
        memmove(&p->at[i - 1], &p->at[i], (p->n - i) * sizeof(p->at[0]));
        return &p->at[p->n - 1];
    }
    return NULL;
}

__attribute__((format(printf, 4, 0))) static void problem_fill(struct deck_problem *slot,
                                                               bool is_warning, struct deck_pos pos,
                                                               const char *format, va_list args)
{
    *slot = (struct deck_problem){.is_warning = is_warning, .pos = pos};
    int n = 0;
    int path_len = pos.path.len > 200 ? 200 : (int)pos.path.len;
    if (pos.line == 0)
        n = snprintf(slot->text, sizeof(slot->text), "%.*s: ", path_len, pos.path.ptr);
    else if (pos.column == 0)
        n = snprintf(slot->text, sizeof(slot->text), "%.*s:%u: ", path_len, pos.path.ptr, pos.line);
    else
        n = snprintf(slot->text, sizeof(slot->text), "%.*s:%u:%u: ", path_len, pos.path.ptr,
                     pos.line, pos.column);
    if (n < 0 || (size_t)n >= sizeof(slot->text))
        return;
    int m = vsnprintf(slot->text + n, sizeof(slot->text) - (size_t)n, format, args);
    if (m >= 0 && (size_t)m >= sizeof(slot->text) - (size_t)n)
        memcpy(slot->text + sizeof(slot->text) - 4, "...", 4);
}

/* The same sentence once: a file that is read again says the same again. */
static bool is_known_problem(const struct deck_problems *p, const struct deck_problem *problem)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->at[i].is_warning == problem->is_warning && strcmp(p->at[i].text, problem->text) == 0)
            return true;
    }
    return false;
}

static void problem_add(struct deck_problems *p, const struct deck_problem *problem)
{
    if (is_known_problem(p, problem))
        return;
    p->n_errors += problem->is_warning ? 0 : 1;
    struct deck_problem *slot = problem_slot(p, problem->is_warning);
    if (slot)
        *slot = *problem;
}

void deck_error(struct deck_problems *p, struct deck_pos pos, const char *format, ...)
{
    struct deck_problem problem;
    va_list args;
    va_start(args, format);
    problem_fill(&problem, false, pos, format, args);
    va_end(args);
    problem_add(p, &problem);
}

void deck_warn(struct deck_problems *p, struct deck_pos pos, const char *format, ...)
{
    struct deck_problem problem;
    va_list args;
    va_start(args, format);
    problem_fill(&problem, true, pos, format, args);
    va_end(args);
    problem_add(p, &problem);
}

int deck_problems_check(const struct deck_problems *p, struct ds_err *err)
{
    if (p->n_errors == 0)
        return DS_OK;
    for (size_t i = 0; i < p->n; i++) {
        if (p->at[i].is_warning)
            continue;
        if (p->n_errors == 1)
            return ds_fail(err, DS_EINPUT, "%s", p->at[i].text);
        return ds_fail(err, DS_EINPUT, "%s (and %zu more)", p->at[i].text, p->n_errors - 1);
    }
    return ds_fail(err, DS_EINPUT, "the deck has %zu errors", p->n_errors);
}
