/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures: facts measured with OPM Flow 2022.10, told in docs/machines.md. */
#include "scheduler/size.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define SIBLING_FACTOR   1.15
#define DRY_RUN_FACTOR   1.5
#define MIN_SLOT_BYTES   (UINT64_C(32) << 20)
#define SCRATCH_BASE     (UINT64_C(8) << 20)
#define STARTUP_MS       450.0
#define STARTUP_US_CELL  37.0
#define SOLVE_US_CELL    10.0 /* a Newton iteration */
#define NEWTON_PER_STEP  3.0
#define STEP_OVERHEAD_MS 2.0
#define CELLS_A_RANK     20000u
#define DRY_RUN_CELLS    20000u

static uint64_t at_least(uint64_t bytes)
{
    return bytes < MIN_SLOT_BYTES ? MIN_SLOT_BYTES : bytes;
}

static void say(struct sizing *s, const char *what, uint64_t from)
{
    char have[UNITS_TEXT_BYTES], got[UNITS_TEXT_BYTES];
    units_format_size(from, have);
    units_format_size(s->mem_bytes, got);
    (void)snprintf(s->why, sizeof s->why, "%s %s: %s a case", what, have, got);
}

static void size_memory(const struct plan *p, const struct size_evidence *e, struct sizing *s)
{
    if (p->memory_bytes > 0) {
        s->mem_bytes = p->memory_bytes;
        s->source = SIZE_USER;
        say(s, "resources.memory says", p->memory_bytes);
    } else if (e->sibling_peak_bytes > 0) {
        s->mem_bytes = at_least((uint64_t)((double)e->sibling_peak_bytes * SIBLING_FACTOR));
        /* What has run here runs here again: the margin alone makes no case too large. */
        if (e->sibling_peak_bytes <= e->machine_mem_bytes && s->mem_bytes > e->machine_mem_bytes)
            s->mem_bytes = e->machine_mem_bytes;
        s->source = SIZE_SIBLINGS;
        say(s, "1.15 x the largest peak of finished cases,", e->sibling_peak_bytes);
    } else if (e->dry_run_peak_bytes > 0) {
        s->mem_bytes = at_least((uint64_t)((double)e->dry_run_peak_bytes * DRY_RUN_FACTOR));
        s->source = SIZE_DRY_RUN;
        say(s, "1.5 x the peak of a dry run,", e->dry_run_peak_bytes);
    } else if (e->model_mem_bytes > 0) {
        char got[UNITS_TEXT_BYTES];
        s->mem_bytes = at_least(e->model_mem_bytes);
        s->source = SIZE_MODEL;
        units_format_size(s->mem_bytes, got);
        (void)snprintf(
            s->why, sizeof s->why,
            "model of the deck (%llu active cells, %u phases%s, %llu connections): %s a case",
            (unsigned long long)p->features.active_cells, p->features.n_phases,
            p->features.heavy ? ", end points, hysteresis or tracers" : "",
            (unsigned long long)p->features.connections, got);
    } else {
        s->source = SIZE_UNKNOWN;
        (void)snprintf(s->why, sizeof s->why,
                       "nothing is known of this simulator's memory: the first case runs alone and "
                       "teaches it");
    }
}

static void size_time(const struct plan *p, const struct size_evidence *e, struct sizing *s)
{
    if (e->sibling_ms_q50 > 0) {
        s->case_ms = e->sibling_ms_q50;
        (void)snprintf(s->why_time, sizeof s->why_time, "median of finished cases");
    } else if (p->preset_flow && p->features.active_cells > 0) {
        double cells = (double)p->features.active_cells, steps = p->features.n_report_steps;
        double ms = STARTUP_MS + cells * STARTUP_US_CELL / 1000
                    + steps * (STEP_OVERHEAD_MS + cells * NEWTON_PER_STEP * SOLVE_US_CELL / 1000);
        s->case_ms = (uint64_t)ms;
        (void)snprintf(s->why_time, sizeof s->why_time,
                       "guess from %llu cells and %u report steps; may be wrong by 3x",
                       (unsigned long long)p->features.active_cells, p->features.n_report_steps);
    }
}

/* Logs shrink 30 times and are most of what is written; arrays of restart, grid and INIT files
 * shrink 3 to 6 times. */
static uint64_t guess_archive_bytes(const struct plan *p)
{
    unsigned arrays = CLASS_RESTART | CLASS_GRID | CLASS_INIT;
    return p->features.estimated_output_bytes / (p->keep.classes & arrays ? 5 : 100);
}

void size_case(const struct plan *p, const struct size_evidence *e, struct sizing *out)
{
    struct sizing s = {0};
    size_memory(p, e, &s);
    size_time(p, e, &s);
    s.scratch_bytes = SCRATCH_BASE + p->features.estimated_output_bytes;
    s.store_bytes = e->sibling_archive_bytes ? e->sibling_archive_bytes : guess_archive_bytes(p);
    *out = s;
}

bool size_dry_run_pays(const struct plan *p, const struct size_evidence *e, uint32_t machine_cores,
                       uint64_t machine_mem_bytes)
{
    if (!p->preset_flow || p->memory_bytes > 0 || e->sibling_peak_bytes > 0
        || e->dry_run_peak_bytes > 0 || e->model_mem_bytes == 0 || machine_mem_bytes == 0)
        return false;
    uint32_t cores_a_case = p->ranks * p->threads;
    uint64_t slots = cores_a_case ? machine_cores / cores_a_case : 0;
    bool idles = e->model_mem_bytes > machine_mem_bytes / (slots ? slots : 1);
    return idles && p->features.active_cells >= DRY_RUN_CELLS;
}

uint64_t size_sweep_ms(const struct sizing *s, uint64_t n_cases, uint32_t slots)
{
    if (s->case_ms == 0 || slots == 0)
        return 0;
    return s->case_ms * ((n_cases + slots - 1) / slots);
}

static double speed_up(uint32_t ranks, uint64_t cells)
{
    if (ranks <= 1 || cells / ranks < CELLS_A_RANK)
        return 1.0;
    if (ranks < 4)
        return 1.5;
    return ranks < 8 ? 2.6 : 3.5;
}

uint32_t size_best_ranks(const struct plan *p, uint64_t n_cases, uint32_t cores)
{
    static const uint32_t CHOICES[] = {1, 2, 4, 8};
    uint32_t best = 1;
    double best_time = INFINITY;
    for (size_t i = 0; i < DS_COUNT(CHOICES); i++) {
        uint32_t slots = cores / (CHOICES[i] * (p->threads ? p->threads : 1));
        if (slots == 0)
            break;
        double waves = ceil((double)n_cases / slots);
        double time = waves / speed_up(CHOICES[i], p->features.active_cells);
        if (time < best_time * 0.95) { /* a gain worth changing results for */
            best_time = time;
            best = CHOICES[i];
        }
    }
    return best;
}
