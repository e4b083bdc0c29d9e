/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_keys SWEEP STORE: publish the plan and pretend that every case is done: one empty object
 * a case, so that a census has real keys to read. For bench/plan.sh. */
#include "base/fs_io.h"
#include "scheduler/plan_io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void need(int rc, const struct ds_err *err)
{
    if (rc < 0) {
        (void)fprintf(stderr, "plan_keys: %s\n", err->text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct planned *p;
    struct plan_faults faults;
    struct store *s;
    struct ds_err err = {0};
    char prefix[64], path[4096];
    if (argc != 3)
        return 2;
    need(plan_load(argv[1], &p, &faults, &err), &err);
    const struct planned_view *v = planned_view(p);
    (void)snprintf(prefix, sizeof prefix, "%.*s/", DS_FMT(v->plan->name));
    need(store_open(argv[2], STORE_WRITE, &s, &err), &err);
    need(plan_publish(p, s, prefix, true, &err), &err);
    char keep[KEEP_WORD_BYTES], key[RESULT_KEY_BYTES];
    keep_word(&v->plan->keep, keep);
    (void)snprintf(path, sizeof path, "%s/%scases", argv[2], prefix);
    need(fs_make_dirs(path, &err), &err);
    for (uint32_t row = 0; row < v->design->n_rows; row++) {
        struct result_key k = {.kind = KEY_CASE, .id = v->design->id[row]};
        memcpy(k.keep, keep, sizeof k.keep);
        result_key_encode(&k, key);
        (void)snprintf(path, sizeof path, "%s/%s%s", argv[2], prefix, key);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return 1;
        (void)close(fd);
    }
    store_close(s);
    planned_destroy(p);
    return 0;
}
