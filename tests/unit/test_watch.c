/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/watch.h"
#include "decksweep/span.h"

#include <criterion/criterion.h>

TestSuite(watch, .timeout = 20);

#define MIB (UINT64_C(1) << 20)

Test(watch, decides_by_this_table)
{
    static const struct {
        const char *name;
        struct watch_view v;
        enum watch_action action;
        enum run_by by;
    } row[] = {
        {"all is well", {.now_ms = 500, .n_processes = 1}, WATCH_NONE, 0},
        {"ended, nothing left", {.leader_ended = true}, WATCH_END, 0},
        {"ended, leftovers", {.leader_ended = true, .n_processes = 2}, WATCH_KILL, RUN_BY_ITSELF},
        {"at the limit",
         {.mem_bytes = MIB, .mem_limit_bytes = MIB, .n_processes = 1},
         WATCH_NONE,
         0},
        {"a byte over it",
         {.mem_bytes = MIB + 1, .mem_limit_bytes = MIB, .n_processes = 1},
         WATCH_KILL,
         RUN_BY_MEM_LIMIT},
        {"no limit", {.mem_bytes = UINT64_MAX, .n_processes = 1}, WATCH_NONE, 0},
        {"just in time",
         {.start_ms = 100, .now_ms = 1099, .wall_limit_ms = 1000, .n_processes = 1},
         WATCH_NONE,
         0},
        {"time is up",
         {.start_ms = 100, .now_ms = 1100, .wall_limit_ms = 1000, .n_processes = 1},
         WATCH_TERM,
         RUN_BY_WALL_LIMIT},
        {"in grace",
         {.start_ms = 100,
          .now_ms = 1200,
          .wall_limit_ms = 1000,
          .term_ms = 1100,
          .grace_ms = 200,
          .n_processes = 1},
         WATCH_NONE,
         0},
        {"grace is over",
         {.start_ms = 100,
          .now_ms = 1300,
          .wall_limit_ms = 1000,
          .term_ms = 1100,
          .grace_ms = 200,
          .n_processes = 1},
         WATCH_KILL,
         RUN_BY_WALL_LIMIT},
        {"asked to stop",
         {.now_ms = 5, .stop_asked = true, .asked_by = RUN_BY_REQUEST, .n_processes = 1},
         WATCH_TERM,
         RUN_BY_REQUEST},
        {"stop and wall time together",
         {.now_ms = 5000,
          .wall_limit_ms = 10,
          .stop_asked = true,
          .asked_by = RUN_BY_REQUEST,
          .n_processes = 1},
         WATCH_TERM,
         RUN_BY_REQUEST},
        {"asked to be killed for disk",
         {.kill_asked = true, .asked_by = RUN_BY_DISK_LIMIT, .n_processes = 1},
         WATCH_KILL,
         RUN_BY_DISK_LIMIT},
        {"memory in grace",
         {.now_ms = 1200,
          .wall_limit_ms = 1000,
          .term_ms = 1100,
          .grace_ms = 999,
          .mem_bytes = 2 * MIB,
          .mem_limit_bytes = MIB,
          .n_processes = 1},
         WATCH_KILL,
         RUN_BY_MEM_LIMIT},
        {"a clock that went back",
         {.start_ms = 100, .now_ms = 50, .wall_limit_ms = 10, .n_processes = 1},
         WATCH_NONE,
         0},
    };
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct watch_decision d = watch_decide(&row[i].v);
        cr_expect(d.action == row[i].action && d.by == row[i].by, "%s: %d, %d", row[i].name,
                  d.action, d.by);
    }
}

Test(watch, reads_pss_only_when_it_matters_and_seldom)
{
    cr_expect(watch_wants_pss(MIB, 0, 0, 0, 0), "never read before");
    cr_expect(!watch_wants_pss(0, 0, 0, 0, 0), "nothing there");
    cr_expect(!watch_wants_pss(100 * MIB, 100 * MIB, 0, 1000000, 10), "not grown");
    cr_expect(watch_wants_pss(106 * MIB, 100 * MIB, 0, 1000000, 10), "grown by 6 %%");
    cr_expect(!watch_wants_pss(200 * MIB, 100 * MIB, 0, 1000, 100), "too soon for its cost");
    cr_expect(watch_wants_pss(101 * MIB, 100 * MIB, 100 * MIB, 100000, 100), "over the limit");
    cr_expect(watch_estimate_pss(200 * MIB, 100 * MIB, 75 * MIB) == 150 * MIB);
    cr_expect(watch_estimate_pss(200 * MIB, 0, 0) == 200 * MIB);
}
