/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything shared stands in struct publisher under one mutex: a list of attempts to pack, a
 * list of archives to commit, a list of notes for the loop. Threads hold it for list moves
 * only. An archive is owned by exactly one list or one thread. */
#include "agent/publish_io.h"

#include "agent/pack_io.h"
#include "archive/archive.h"
#include "base/clock_io.h"
#include "base/fs_io.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_ARCHIVERS   16u
#define MAX_BATCH       256u
#define MAX_READY_BYTES ((uint64_t)6 << 20) /* of archives in memory before archivers wait */
#define PACK_TRIES      10                  /* a full disk is waited for, once a second */
#define PACK_RETRY_MS   1000
#define INDEX_ARENA_CAP ((size_t)64 << 20)

struct waiting { /* an attempt to pack */
    struct waiting *next;
    struct attempt *attempt;
};

struct ready { /* an archive to commit */
    struct ready *next;
    struct attempt *attempt;
    enum verdict verdict;
    char key[RESULT_KEY_BYTES];
    struct packed archive;
    int64_t since_ms;
    bool is_stuck;   /* the loop has been told */
    bool is_spooled; /* a complete file of the spool; its folder is dropped */
};

struct note_link {
    struct note_link *next;
    struct publish_note note;
};

struct publisher {
    struct publish_setup setup;
    int event_fd;
    pthread_mutex_t lock;
    pthread_cond_t work; /* something to pack */
    pthread_cond_t room; /* archives have left memory */
    pthread_cond_t ripe; /* something to commit */
    struct waiting *first_waiting, **last_waiting;
    struct ready *first_ready, **last_ready;
    struct ready *stuck; /* refused; tried again at retry_ms */
    struct note_link *first_note, **last_note;
    size_t n_waiting, n_stuck, n_busy, n_ready;
    uint64_t ready_bytes;
    int64_t retry_ms;
    bool hurry, ending;
    pthread_t archivers[MAX_ARCHIVERS], committer;
    unsigned n_started;
    bool has_committer;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- notes ---- */

static struct note_link *note_of(const struct attempt *t, enum publish_note_kind kind,
                                 enum verdict verdict, int rc, const char *text)
{
    struct note_link *l = must(calloc(1, sizeof *l));
    l->note = (struct publish_note){.kind = kind,
                                    .item = t->item,
                                    .number = t->number,
                                    .id = t->id,
                                    .verdict = verdict,
                                    .limit_bytes = t->limit_bytes,
                                    .peak_mem_bytes = t->peak_mem_bytes,
                                    .run_ms = t->run_ms,
                                    .rc = rc};
    (void)snprintf(l->note.text, sizeof l->note.text, "%s", text);
    return l;
}

/* Under the lock. */
static void push_note(struct publisher *p, struct note_link *l)
{
    bool was_empty = p->first_note == NULL;
    *p->last_note = l;
    p->last_note = &l->next;
    if (was_empty) {
        uint64_t one = 1;
        ssize_t wrote = write(p->event_fd, &one, sizeof one);
        (void)wrote; /* a full counter is readable too */
    }
}

bool publisher_take(struct publisher *p, struct publish_note *out)
{
    (void)pthread_mutex_lock(&p->lock);
    struct note_link *l = p->first_note;
    if (l) {
        p->first_note = l->next;
        if (!p->first_note)
            p->last_note = &p->first_note;
    } else {
        uint64_t n;
        ssize_t got = read(p->event_fd, &n, sizeof n);
        (void)got; /* nothing to forget is as good */
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (!l)
        return false;
    *out = l->note;
    free(l);
    return true;
}

/* ---- ends ---- */

static void destroy_attempt(struct attempt *t)
{
    arena_destroy(t->arena);
    free(t);
}

/* The folder has done its work: away, or aside where the user wants to look at it. */
static void drop_folder(const struct publisher *p, const struct attempt *t, enum verdict verdict)
{
    bool failed = verdict != VERDICT_OK && verdict != VERDICT_CANCELLED;
    if (failed && t->keep_folder && p->setup.kept_fd >= 0
        && fs_remove_tree_at(p->setup.kept_fd, t->name, NULL) == 0 /* of an earlier run */
        && renameat(p->setup.cases_fd, t->name, p->setup.kept_fd, t->name) == 0)
        return;
    int rc = fs_remove_tree_at(p->setup.cases_fd, t->name, NULL);
    (void)rc; /* scratch goes as a whole later */
}

static void settle(struct publisher *p, struct note_link *note)
{
    (void)pthread_mutex_lock(&p->lock);
    p->n_busy--;
    push_note(p, note);
    (void)pthread_mutex_unlock(&p->lock);
}

/* ---- archivers ---- */

static struct waiting *take_waiting(struct publisher *p)
{
    (void)pthread_mutex_lock(&p->lock);
    while (!p->ending && (!p->first_waiting || p->ready_bytes > MAX_READY_BYTES))
        (void)pthread_cond_wait(p->first_waiting ? &p->room : &p->work, &p->lock);
    struct waiting *w = p->first_waiting;
    if (w) {
        p->first_waiting = w->next;
        p->n_waiting--;
        if (!p->first_waiting)
            p->last_waiting = &p->first_waiting;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return w;
}

static int pack_patiently(struct packer *packer, const struct attempt *t, const struct judgement *j,
                          const char *key, struct packed *out, struct ds_err *err)
{
    int rc = pack_archive(packer, t, j, key, out, err);
    for (int i = 1; rc == DS_ENOSPC && i < PACK_TRIES; i++) {
        struct timespec pause = {PACK_RETRY_MS / 1000, (PACK_RETRY_MS % 1000) * 1000000L};
        (void)nanosleep(&pause, NULL);
        rc = pack_archive(packer, t, j, key, out, err);
    }
    return rc;
}

static void push_ready(struct publisher *p, struct ready *r)
{
    (void)pthread_mutex_lock(&p->lock);
    *p->last_ready = r;
    p->last_ready = &r->next;
    p->n_ready++;
    if (r->archive.fd < 0)
        p->ready_bytes += r->archive.len;
    if (p->n_ready == 1 || p->n_ready >= MAX_BATCH || p->hurry)
        (void)pthread_cond_signal(&p->ripe);
    (void)pthread_mutex_unlock(&p->lock);
}

static void process(struct publisher *p, struct packer *packer, struct attempt *t)
{
    struct ds_err err = {0};
    struct judgement j;
    if (pack_judge(packer, t, &j, &err) < 0) {
        settle(p, note_of(t, NOTE_LOST, VERDICT_NONE, err.code, err.text));
        drop_folder(p, t, VERDICT_CANCELLED);
        destroy_attempt(t);
        return;
    }
    struct note_link *judged = note_of(t, NOTE_JUDGED, j.verdict, 0, j.reason);
    if (j.verdict == VERDICT_CANCELLED) {
        settle(p, judged);
        drop_folder(p, t, j.verdict);
        destroy_attempt(t);
        return;
    }
    (void)pthread_mutex_lock(&p->lock);
    push_note(p, judged);
    (void)pthread_mutex_unlock(&p->lock);
    struct ready *r = must(calloc(1, sizeof *r));
    attempt_key(t, p->setup.context->plan, j.verdict, r->key);
    if (pack_patiently(packer, t, &j, r->key, &r->archive, &err) < 0) {
        settle(p, note_of(t, NOTE_LOST, j.verdict, err.code, err.text));
        drop_folder(p, t, VERDICT_CANCELLED);
        destroy_attempt(t);
        free(r);
        return;
    }
    r->attempt = t;
    r->verdict = j.verdict;
    r->since_ms = clock_monotonic_ms();
    push_ready(p, r);
}

static void *archiver_main(void *context)
{
    struct publisher *p = context;
    const struct pack_setup setup = {.context = p->setup.context,
                                     .stage = p->setup.stage,
                                     .cases_fd = p->setup.cases_fd,
                                     .spool_fd = p->setup.spool_fd};
    struct packer *packer = packer_create(&setup);
    for (struct waiting *w = take_waiting(p); w; w = take_waiting(p)) {
        struct attempt *t = w->attempt;
        free(w);
        process(p, packer, t);
    }
    packer_destroy(packer);
    return NULL;
}

/* ---- the committer ---- */

static struct timespec at_ms(int64_t ms)
{
    return (struct timespec){ms / 1000, (ms % 1000) * 1000000};
}

/* When the committer has to act next, or 0 now, or -1 only when called. Under the lock. */
static int64_t due_ms(const struct publisher *p, int64_t now_ms)
{
    int64_t due = -1;
    if (p->first_ready) {
        bool full = p->n_ready >= MAX_BATCH || p->ready_bytes > MAX_READY_BYTES;
        due = p->first_ready->since_ms + PUBLISH_GROUP_MS;
        if (full || p->hurry || p->ending || due <= now_ms)
            return 0;
    }
    if (p->stuck) {
        if (p->retry_ms <= now_ms)
            return 0;
        if (due < 0 || p->retry_ms < due)
            due = p->retry_ms;
    }
    return due;
}

/* What is to be committed now, at most MAX_BATCH; NULL: the publisher ends. */
static struct ready *take_ready(struct publisher *p)
{
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        int64_t due = due_ms(p, clock_monotonic_ms());
        if (due == 0 || (p->ending && !p->first_ready && p->n_busy == p->n_stuck))
            break;
        if (due < 0) {
            (void)pthread_cond_wait(&p->ripe, &p->lock);
        } else {
            struct timespec until = at_ms(due);
            (void)pthread_cond_timedwait(&p->ripe, &p->lock, &until); /* monotonic */
        }
    }
    struct ready *batch = NULL, **last = &batch;
    size_t n = 0;
    if (p->stuck && (p->retry_ms <= clock_monotonic_ms())) {
        batch = p->stuck; /* all of them: what the store takes again, it takes at once */
        p->stuck = NULL;
        p->n_stuck = 0;
        for (; *last; last = &(*last)->next)
            n++;
    }
    for (; p->first_ready && n < MAX_BATCH; n++) {
        struct ready *r = p->first_ready;
        p->first_ready = r->next;
        p->n_ready--;
        if (r->archive.fd < 0)
            p->ready_bytes -= r->archive.len;
        r->next = NULL;
        *last = r;
        last = &r->next;
    }
    if (!p->first_ready)
        p->last_ready = &p->first_ready;
    (void)pthread_cond_broadcast(&p->room);
    (void)pthread_mutex_unlock(&p->lock);
    return batch;
}

static void note_committed(struct publisher *p, struct ready *r, bool existed)
{
    struct note_link *l = note_of(r->attempt, NOTE_COMMITTED, r->verdict, 0, "");
    l->note.existed = existed;
    l->note.archive_bytes = r->archive.len;
    settle(p, l);
    if (!r->is_spooled)
        drop_folder(p, r->attempt, r->verdict);
    packed_discard(&r->archive, p->setup.spool_fd);
    destroy_attempt(r->attempt);
    free(r);
}

/* Refused: safe in the spool if that can be had, and tried again. */
static void keep_stuck(struct publisher *p, struct ready *r, const struct ds_err *why)
{
    struct ds_err err = {0};
    if (!r->is_spooled && packed_spool(&r->archive, p->setup.spool_fd, r->key, &err) == 0) {
        r->is_spooled = true;
        drop_folder(p, r->attempt, r->verdict);
    }
    (void)pthread_mutex_lock(&p->lock);
    if (!r->is_stuck)
        push_note(p, note_of(r->attempt, NOTE_STUCK, r->verdict, why->code, why->text));
    r->is_stuck = true;
    r->next = p->stuck;
    p->stuck = r;
    p->n_stuck++;
    p->retry_ms = clock_monotonic_ms() + PUBLISH_RETRY_MS;
    (void)pthread_mutex_unlock(&p->lock);
}

static void commit_some(struct publisher *p, struct ready **batch, size_t n)
{
    struct store_put_item items[MAX_BATCH];
    char keys[MAX_BATCH][STORE_KEY_BYTES];
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%s%s", p->setup.prefix, batch[i]->key);
        items[i] = (struct store_put_item){.key = keys[i], .body = packed_body(&batch[i]->archive)};
    }
    int rc = store_put_many_if_absent(p->setup.store, items, n);
    (void)rc; /* every item has its own */
    for (size_t i = 0; i < n; i++) {
        if (items[i].rc == 0)
            note_committed(p, batch[i], items[i].existed);
        else
            keep_stuck(p, batch[i], &items[i].err);
    }
}

static void *committer_main(void *context)
{
    struct publisher *p = context;
    for (struct ready *batch = take_ready(p); batch; batch = take_ready(p)) {
        struct ready *some[MAX_BATCH];
        while (batch) {
            size_t n = 0;
            for (; batch && n < MAX_BATCH; batch = batch->next)
                some[n++] = batch;
            commit_some(p, some, n);
        }
    }
    return NULL;
}

/* ---- the loop's side ---- */

static int start_threads(struct publisher *p, struct ds_err *err)
{
    sigset_t all, old; /* signals are the loop's */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int sys = 0;
    for (; p->n_started < p->setup.n_archivers && sys == 0; p->n_started += sys == 0)
        sys = pthread_create(&p->archivers[p->n_started], NULL, archiver_main, p);
    if (sys == 0)
        sys = pthread_create(&p->committer, NULL, committer_main, p);
    p->has_committer = sys == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return sys == 0 ? 0 : ds_fail_errno(err, DS_EIO, sys, "start a thread");
}

int publisher_create(const struct publish_setup *setup, struct publisher **out, struct ds_err *err)
{
    assert(setup->n_archivers >= 1 && setup->n_archivers <= MAX_ARCHIVERS);
    struct publisher *p = must(calloc(1, sizeof *p));
    p->setup = *setup;
    p->last_waiting = &p->first_waiting;
    p->last_ready = &p->first_ready;
    p->last_note = &p->first_note;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->room, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->ripe, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = p->event_fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "eventfd") : start_threads(p, err);
    if (rc < 0) {
        publisher_destroy(p);
        return rc;
    }
    *out = p;
    return 0;
}

void publisher_destroy(struct publisher *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->ending = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_cond_broadcast(&p->room);
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_started; i++)
        (void)pthread_join(p->archivers[i], NULL);
    (void)pthread_mutex_lock(&p->lock);
    (void)pthread_cond_broadcast(&p->ripe);
    (void)pthread_mutex_unlock(&p->lock);
    if (p->has_committer)
        (void)pthread_join(p->committer, NULL);
    for (struct ready *r = p->stuck, *next; r; r = next) {
        next = r->next; /* its file stays in the spool */
        buf_clear(&r->archive.memory);
        fs_close_at(&r->archive.fd);
        destroy_attempt(r->attempt);
        free(r);
    }
    for (struct note_link *l = p->first_note, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    fs_close_at(&p->event_fd);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_cond_destroy(&p->room);
    (void)pthread_cond_destroy(&p->ripe);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

int publisher_fd(const struct publisher *p)
{
    return p->event_fd;
}

void publisher_submit(struct publisher *p, struct attempt *t)
{
    struct waiting *w = must(calloc(1, sizeof *w));
    w->attempt = t;
    (void)pthread_mutex_lock(&p->lock);
    *p->last_waiting = w;
    p->last_waiting = &w->next;
    p->n_waiting++;
    p->n_busy++;
    p->hurry = false;
    (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

void publisher_hurry(struct publisher *p)
{
    (void)pthread_mutex_lock(&p->lock);
    if (!p->hurry) {
        p->hurry = true;
        (void)pthread_cond_signal(&p->ripe);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

struct publish_state publisher_look(struct publisher *p)
{
    (void)pthread_mutex_lock(&p->lock);
    struct publish_state s = {p->n_waiting, p->n_stuck, p->n_busy};
    (void)pthread_mutex_unlock(&p->lock);
    return s;
}

/* ---- what another worker left ---- */

static int commit_file(struct store *store, const char *prefix, int spool_fd, const char *name,
                       bool *done, struct ds_err *err)
{
    char key[RESULT_KEY_BYTES], full[STORE_KEY_BYTES];
    *done = false;
    if (!spool_name_decode(ds_span_of(name), key))
        return 0;
    ds_auto_fd fd = openat(spool_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (bytes <= 0)
        return 0;
    ds_auto_arena a = arena_create(INDEX_ARENA_CAP);
    struct archive_index index;
    bool existed;
    if (archive_read_index(archive_read_from_fd, &fd, (uint64_t)bytes, a, &index, NULL) < 0)
        return 0; /* not complete: the case will run again */
    struct store_body body = {.data = NULL, .fd = fd, .len = (uint64_t)bytes};
    (void)snprintf(full, sizeof full, "%s%s", prefix, key);
    int rc = store_put_if_absent(store, full, body, &existed, err);
    if (rc < 0)
        return rc;
    (void)unlinkat(spool_fd, name, 0);
    *done = true;
    return 0;
}

int publish_spooled(struct store *store, const char *prefix, int spool_fd, unsigned *n,
                    struct ds_err *err)
{
    int fd = openat(spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    *n = 0;
    if (!dir) {
        fs_close_at(&fd);
        return ds_fail_errno(err, DS_EIO, errno, "scratch: spool");
    }
    const struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL) { // NOLINT(concurrency-mt-unsafe)
        bool done;
        rc = commit_file(store, prefix, spool_fd, e->d_name, &done, err);
        *n += rc == 0 && done;
    }
    (void)closedir(dir);
    return rc;
}
