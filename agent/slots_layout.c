/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots_layout.c - cutting places out of cores
 *
 * Cores are sorted so that neighbours share most: package, NUMA node, L3, kind. A place is
 * cut out of a group of cores. The groups are those of the smallest level in which one case
 * fits: an L3 inside a NUMA node, a NUMA node, a package, the machine. Nothing is ever put
 * together across groups, so a case that fits an L3 never straddles one; cores left over
 * in a group stay idle, and `why` says how many.
 *
 * With hardware threads the whole layout is made again for the second thread of each core,
 * then the third: thread t only of cores that have one. The places of later threads come
 * last in the order.
 *
 * The order of places spreads: a place's rank inside its L3 counts before its L3's rank
 * inside the node, before the node's inside the package, before the package. */
#include "agent/slots_layout.h"

#include <assert.h>
#include <stdlib.h>

static int compare_unit(const void *x, const void *y)
{
    const struct unit *a = x;
    const struct unit *b = y;
    const struct topo_core *p = a->core;
    const struct topo_core *q = b->core;
    if (p->package != q->package)
        return p->package < q->package ? -1 : 1;
    if (p->numa != q->numa)
        return p->numa < q->numa ? -1 : 1;
    if (p->l3 != q->l3)
        return p->l3 < q->l3 ? -1 : 1;
    if (p->kind != q->kind)
        return p->kind < q->kind ? -1 : 1;
    return p < q ? -1 : p > q;
}

static bool same_group(const struct topo_core *p, const struct topo_core *q, enum level level)
{
    switch (level) {
    case LEVEL_L3:
        return p->l3 == q->l3 && p->numa == q->numa && p->package == q->package;
    case LEVEL_NUMA:
        return p->numa == q->numa;
    case LEVEL_PACKAGE:
        return p->package == q->package;
    default:
        return true;
    }
}

/* A NUMA node may span packages and a package several nodes: for the NUMA level the sort by
 * package would tear a node apart, so that level sorts by node first. */
static int compare_unit_numa(const void *x, const void *y)
{
    const struct unit *a = x;
    const struct unit *b = y;
    if (a->core->numa != b->core->numa)
        return a->core->numa < b->core->numa ? -1 : 1;
    return compare_unit(x, y);
}

static size_t group_end(const struct unit *u, size_t n, size_t from, enum level level)
{
    size_t end = from + 1;
    while (end < n && same_group(u[from].core, u[end].core, level))
        end++;
    return end;
}

static void sort_units(struct unit *u, size_t n, enum level level)
{
    qsort(u, n, sizeof(*u), level == LEVEL_NUMA ? compare_unit_numa : compare_unit);
}

static size_t largest_group(struct unit *u, size_t n, enum level level)
{
    size_t best = 0;
    sort_units(u, n, level);
    for (size_t i = 0; i < n;) {
        size_t end = group_end(u, n, i, level);
        if (end - i > best)
            best = end - i;
        i = end;
    }
    return best;
}

static void add_place(struct plan_work *w, const struct unit *const *units)
{
    assert(w->n_places < w->room);
    struct place *p = &w->places[w->n_places];
    *p = (struct place){.units = units,
                        .thread = units[0]->thread,
                        .package = units[0]->core->package,
                        .l3 = units[0]->core->l3,
                        .serial = (unsigned)w->n_places};
    for (uint32_t i = 0; i < w->cores; i++) {
        if (units[i]->core->kind > p->kind)
            p->kind = units[i]->core->kind;
    }
    w->n_places++;
}

/* Cut places out of one group. Places of one kind of core first; what is left of each kind
 * then makes mixed ones, so that no core that could work stays idle. */
static int cut_group(struct plan_work *w, struct unit *u, size_t n, struct ds_err *err)
{
    size_t n_whole = n / w->cores;
    const struct unit **picked = ds_new(w->a, const struct unit *, n);
    if (!picked)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    size_t n_picked = 0;
    unsigned max_kind = 0;
    for (size_t i = 0; i < n; i++)
        max_kind = u[i].core->kind > max_kind ? u[i].core->kind : max_kind;
    for (unsigned kind = 0; kind <= max_kind; kind++) {
        size_t of_kind = 0;
        for (size_t i = 0; i < n; i++)
            of_kind += u[i].core->kind == kind;
        size_t use = of_kind - of_kind % w->cores;
        for (size_t i = 0; i < n && use > 0; i++) {
            if (u[i].core->kind == kind) {
                picked[n_picked++] = &u[i];
                u[i].taken = 1;
                use--;
            }
        }
    }
    for (unsigned kind = 0; kind <= max_kind; kind++) {
        for (size_t i = 0; i < n; i++) {
            if (!u[i].taken && u[i].core->kind == kind)
                picked[n_picked++] = &u[i];
        }
    }
    for (size_t k = 0; k < n_whole; k++)
        add_place(w, picked + k * w->cores);
    w->idle += (unsigned)(n - n_whole * w->cores);
    return 0;
}

/* Units of one thread of every core that has it; ALL_THREADS: whole cores; POOLED: all
 * hardware threads of all cores. */
static struct unit *units_of_thread(const struct plan_work *w, unsigned thread, size_t *n)
{
    struct unit *u = ds_new(w->a, struct unit, w->room);
    *n = 0;
    for (size_t i = 0; u && i < w->topo->n_cores; i++) {
        const struct topo_core *c = &w->topo->cores[i];
        for (unsigned k = 0; thread == POOLED && k < c->n_pus; k++)
            u[(*n)++] = (struct unit){.core = c, .thread = k};
        if (thread == ALL_THREADS || thread < c->n_pus)
            u[(*n)++] = (struct unit){.core = c, .thread = thread};
    }
    return u;
}

static enum level level_for(struct unit *u, size_t n, uint32_t cores)
{
    for (enum level level = LEVEL_L3; level < LEVEL_MACHINE; level++) {
        if (largest_group(u, n, level) >= cores)
            return level;
    }
    return LEVEL_MACHINE;
}

/* Lay out all units of one thread number. Whole cores and the pool say at which level. */
static int lay_thread(struct plan_work *w, unsigned thread, struct ds_err *err)
{
    size_t n = 0;
    struct unit *u = units_of_thread(w, thread, &n);
    if (!u)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    if (thread == ALL_THREADS || thread == POOLED)
        w->level = level_for(u, n, w->cores);
    sort_units(u, n, w->level);
    for (size_t i = 0; i < n;) {
        size_t end = group_end(u, n, i, w->level);
        int rc = cut_group(w, u + i, end - i, err);
        if (rc < 0)
            return rc;
        i = end;
    }
    return 0;
}

/* Ranks: how many earlier places share this one's L3, how many earlier L3s its home, and
 * homes its package. A home is a NUMA node as far as it lies in one package. */
struct rank_tables {
    size_t n_l3;
    unsigned *home_of_core;    /* by core */
    unsigned *in_l3;           /* by l3: places of this tier so far */
    unsigned *l3_rank;         /* by l3: 1 + its rank at home, 0 not seen */
    unsigned *l3_in_home;      /* by home */
    unsigned *home_rank;       /* by home: 1 + its rank in the package */
    unsigned *home_in_package; /* by package */
};

static int make_tables(const struct plan_work *w, struct rank_tables *t)
{
    const struct topo_core *cores = w->topo->cores;
    size_t n = w->topo->n_cores;
    size_t n_packages = 1;
    unsigned home = 0;
    t->n_l3 = 1;
    t->home_of_core = ds_new(w->a, unsigned, n);
    for (size_t i = 0; t->home_of_core && i < n; i++) {
        t->n_l3 = cores[i].l3 + 1 > t->n_l3 ? cores[i].l3 + 1 : t->n_l3;
        n_packages = cores[i].package + 1 > n_packages ? cores[i].package + 1 : n_packages;
        home += i > 0
                && (cores[i].package != cores[i - 1].package || cores[i].numa != cores[i - 1].numa);
        t->home_of_core[i] = home;
    }
    t->in_l3 = ds_new(w->a, unsigned, t->n_l3);
    t->l3_rank = ds_new(w->a, unsigned, t->n_l3);
    t->l3_in_home = ds_new(w->a, unsigned, (size_t)home + 1);
    t->home_rank = ds_new(w->a, unsigned, (size_t)home + 1);
    t->home_in_package = ds_new(w->a, unsigned, n_packages);
    return t->home_of_core && t->in_l3 && t->l3_rank && t->l3_in_home && t->home_rank
                   && t->home_in_package
               ? 0
               : -1;
}

static int compare_tier(const struct place *a, const struct place *b)
{
    unsigned ta = a->thread == ALL_THREADS ? 0 : a->thread;
    unsigned tb = b->thread == ALL_THREADS ? 0 : b->thread;
    if (ta != tb)
        return ta < tb ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return 0;
}

static int compare_tier_serial(const void *x, const void *y)
{
    const struct place *a = x;
    const struct place *b = y;
    int c = compare_tier(a, b);
    return c ? c : (a->serial < b->serial ? -1 : a->serial > b->serial);
}

static int compare_place(const void *x, const void *y)
{
    const struct place *a = x;
    const struct place *b = y;
    int c = compare_tier(a, b);
    if (c)
        return c;
    if (a->rank_l3 != b->rank_l3)
        return a->rank_l3 < b->rank_l3 ? -1 : 1;
    if (a->rank_home != b->rank_home)
        return a->rank_home < b->rank_home ? -1 : 1;
    if (a->rank_package != b->rank_package)
        return a->rank_package < b->rank_package ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static int order_places(struct plan_work *w, struct ds_err *err)
{
    struct rank_tables t;
    if (make_tables(w, &t) < 0)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    if (w->n_places == 0)
        return 0;
    qsort(w->places, w->n_places, sizeof(*w->places), compare_tier_serial);
    for (size_t i = 0; i < w->n_places; i++) {
        struct place *p = &w->places[i];
        unsigned home = t.home_of_core[p->units[0]->core - w->topo->cores];
        if (i > 0 && compare_tier(p - 1, p) != 0)
            memset(t.in_l3, 0, t.n_l3 * sizeof(*t.in_l3));
        if (t.home_rank[home] == 0)
            t.home_rank[home] = ++t.home_in_package[p->package];
        if (t.l3_rank[p->l3] == 0)
            t.l3_rank[p->l3] = ++t.l3_in_home[home];
        p->rank_l3 = t.in_l3[p->l3]++;
        p->rank_home = t.l3_rank[p->l3];
        p->rank_package = t.home_rank[home];
    }
    qsort(w->places, w->n_places, sizeof(*w->places), compare_place);
    return 0;
}

int slots_lay_out(struct plan_work *w, bool use_smt, size_t target, struct ds_err *err)
{
    unsigned max_pus = 1;
    w->room = w->topo->n_pus > w->topo->n_cores ? w->topo->n_pus : w->topo->n_cores;
    w->places = ds_new(w->a, struct place, w->room);
    if (!w->places)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    int rc = lay_thread(w, ALL_THREADS, err);
    if (rc < 0 || !use_smt || w->n_places >= target)
        return rc < 0 ? rc : order_places(w, err);
    for (size_t i = 0; i < w->topo->n_cores; i++)
        max_pus = w->topo->cores[i].n_pus > max_pus ? w->topo->cores[i].n_pus : max_pus;
    w->n_places = 0;
    w->idle = 0;
    for (unsigned t = 0; t < max_pus && rc == 0; t++)
        rc = lay_thread(w, t, err);
    if (rc == 0 && w->n_places == 0) { /* a case of more cores than there are: mixed threads */
        w->idle = 0;
        rc = lay_thread(w, POOLED, err);
    }
    return rc < 0 ? rc : order_places(w, err);
}
