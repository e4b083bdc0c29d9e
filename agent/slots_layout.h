/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots_layout.h - the inner half of slots.c: which cores make a place, and in which order
 *
 * Nobody else includes it. Pure. */
#ifndef DECKSWEEP_AGENT_SLOTS_LAYOUT_H
#define DECKSWEEP_AGENT_SLOTS_LAYOUT_H

#include "base/arena.h"
#include "decksweep/topology.h"

enum level { LEVEL_L3, LEVEL_NUMA, LEVEL_PACKAGE, LEVEL_MACHINE };

struct unit { /* a core, or one hardware thread of it */
    const struct topo_core *core;
    unsigned thread; /* ALL_THREADS: the whole core */
    unsigned taken;  /* already in a place */
};
#define ALL_THREADS 0xffffffffu
#define POOLED      0xfffffffeu

struct place { /* a slot before it is written out */
    const struct unit *const *units;
    unsigned thread, kind;
    unsigned package, l3; /* of its first unit */
    unsigned rank_l3, rank_home, rank_package;
    unsigned serial; /* keeps the order total */
};

struct plan_work {
    const struct topology *topo;
    struct ds_arena *a;
    uint32_t cores;
    enum level level; /* of the groups that places are cut from */
    struct place *places;
    size_t n_places, room;
    unsigned idle; /* units left over in groups too small or not divisible */
};

/* Fill places, best first, and idle. topo, a and cores are set before. Whole cores are taken when
 * they give `target` places, else (use_smt) hardware threads. DS_ETOOBIG: arena. */
int slots_lay_out(struct plan_work *w, bool use_smt, size_t target, struct ds_err *err) DS_CHECKED;

#endif
