/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decksweep/sweep.h"

#include <stdarg.h>
#include <stdio.h>

void sweep_problem_format(struct ds_span path, const struct sweep_problem *p,
                          char out[SWEEP_PROBLEM_BYTES])
{
    struct ds_span file = p->file.len > 0 ? p->file : path;
    if (file.len > 500)
        file = (struct ds_span){file.ptr + file.len - 500, 500};
    if (p->pos.line == 0)
        (void)snprintf(out, SWEEP_PROBLEM_BYTES, "%.*s: %s", DS_FMT(file), p->text);
    else
        (void)snprintf(out, SWEEP_PROBLEM_BYTES, "%.*s:%u:%u: %s", DS_FMT(file), p->pos.line,
                       p->pos.column, p->text);
}

/* The sweep file before others, then by place. */
static bool stands_before(const struct sweep_problem *a, const struct sweep_problem *b)
{
    if ((a->file.len > 0) != (b->file.len > 0))
        return a->file.len == 0;
    if (a->pos.line != b->pos.line)
        return a->pos.line < b->pos.line;
    return a->pos.column < b->pos.column;
}

static void sanitise(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

void sweep_problem_add(struct sweep_problems *all, struct ds_span file, struct sweep_pos pos,
                       const char *format, ...)
{
    struct sweep_problem p = {.file = file, .pos = pos};
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p.text, sizeof p.text, format, args);
    va_end(args);
    if (n >= (int)sizeof p.text)
        memcpy(p.text + sizeof p.text - 4, "...", 4);
    sanitise(p.text);
    size_t at = all->n;
    while (at > 0 && stands_before(&p, &all->at[at - 1]))
        at--;
    if (all->n == SWEEP_MAX_ERRORS) {
        all->more++;
        if (at == all->n)
            return;
        all->n--;
    }
    memmove(&all->at[at + 1], &all->at[at], (all->n - at) * sizeof p);
    all->at[at] = p;
    all->n++;
}
