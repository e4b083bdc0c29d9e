/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of a watch through the reflector: a byte in front of each says what else happens. Whatever
 * comes, it wishes for something in the end, asks for a version only after a list, and waits no
 * longer than it may. */
#include "kube/kube_reflect.h"

#include <stdint.h>
#include <stdlib.h>

static void feed(struct kube_reflector *r, unsigned char what, struct ds_span line, int64_t now)
{
    struct kube_event e;
    struct ds_err err;
    struct kube_status s;
    struct ds_span more;
    if (what % 8 == 0) {
        struct ds_span rest = ds_span_cut(line, ' ', &more);
        if (kube_reflector_page(r, more, rest, now) && r->next != KUBE_WISH_WATCH)
            abort();
        return;
    }
    if (what % 8 == 1) {
        (void)kube_reflector_ended(r, now);
        return;
    }
    if (what % 8 == 2) {
        kube_status_read(line, &s);
        kube_reflector_failed(r, kube_failure_of(what < 128 ? 0 : 300 + what, &s), s.retry_after_ms,
                              now);
        return;
    }
    if (kube_event_read(line, &e, &err) < 0) {
        kube_reflector_failed(r, KUBE_ODD, -1, now);
        return;
    }
    if (e.type == KUBE_ERROR) {
        kube_status_of(e.object, &s);
        kube_reflector_failed(r, kube_failure_of(s.code, &s), s.retry_after_ms, now);
    } else {
        if (e.version.len == 0 || e.version.len >= KUBE_VERSION_BYTES)
            abort();
        kube_reflector_event(r, e.version);
    }
    kube_event_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kube_reflector r;
    struct ds_span rest = {(const char *)data, size}, line;
    int64_t now = 1000;
    bool listed = false;
    kube_reflector_init(&r, size);
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        if (line.len == 0)
            continue;
        if (!r.asked) {
            ds_auto_buf path;
            buf_init(&path, 64u << 10);
            int64_t due = kube_reflector_due_ms(&r);
            if (due > now + 86400000)
                abort();
            now = due > now ? due : now;
            enum kube_wish wish = kube_reflector_wish(&r, now);
            if (wish == KUBE_WISH_NOTHING || (wish == KUBE_WISH_WATCH && !listed)
                || (wish == KUBE_WISH_WATCH && r.version[0] == '\0')
                || kube_reflector_ask(&r, now, &path) < 0)
                abort();
        }
        unsigned char what = (unsigned char)line.ptr[0];
        if (r.next == KUBE_WISH_LIST && what % 8 != 2) /* only a page can answer a list */
            what = 0;
        else if (r.next == KUBE_WISH_WATCH && what % 8 == 0)
            what = 3;
        line.ptr++, line.len--;
        now += what;
        feed(&r, what, line, now);
        listed |= r.next == KUBE_WISH_WATCH;
    }
    return 0;
}
