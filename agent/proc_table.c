/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_table.c - two sorted arrays; a listing merges the old into the new */
#include "agent/proc_table.h"

#define TABLE_CAP_BYTES (64u << 20)

void proc_table_init(struct proc_table *t)
{
    memset(t, 0, sizeof(*t));
    buf_init(&t->old, TABLE_CAP_BYTES);
    buf_init(&t->now, TABLE_CAP_BYTES);
}

void proc_table_clear(struct proc_table *t)
{
    buf_clear(&t->old);
    buf_clear(&t->now);
}

static struct proc_entry *entries(struct ds_buf *b, size_t *n)
{
    *n = b->len / sizeof(struct proc_entry);
    return (struct proc_entry *)(void *)b->data;
}

struct proc_entry *proc_table_entries(struct proc_table *t, size_t *n)
{
    return entries(&t->now, n);
}

struct proc_entry *proc_table_find(struct proc_table *t, pid_t pid)
{
    size_t n = 0;
    struct proc_entry *e = entries(&t->now, &n);
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (e[mid].pid < pid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && e[low].pid == pid ? &e[low] : NULL;
}

void proc_table_begin(struct proc_table *t)
{
    struct ds_buf swap = t->old;
    t->old = t->now;
    t->now = swap;
    buf_reset(&t->now);
    t->at = 0;
}

bool proc_table_add(struct proc_table *t, pid_t pid, uint64_t inode)
{
    size_t n_old = 0;
    size_t n_now = 0;
    const struct proc_entry *old = entries(&t->old, &n_old);
    const struct proc_entry *now = entries(&t->now, &n_now);
    struct proc_entry e = {.pid = pid, .inode = inode};
    if (n_now > 0 && now[n_now - 1].pid >= pid)
        return true; /* listed twice */
    while (t->at < n_old && old[t->at].pid < pid)
        t->at++;
    if (t->at < n_old && old[t->at].pid == pid && old[t->at].inode == inode)
        e = old[t->at];
    return buf_put(&t->now, &e, sizeof(e)) == 0;
}
