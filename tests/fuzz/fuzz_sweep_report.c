/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Sweep as an API server may give it, told in every way; and the same bytes as a worker's log and as
 * a list of pods. Nothing that is told may hold a byte that moves a terminal's cursor. */
#include "cli/pod_log.h"
#include "cli/pod_seen.h"
#include "cli/sweep_report.h"
#include "cli/text.h"

#include <stdlib.h>

#define NOW INT64_C(1795264811)

static void check_clean(const struct ds_buf *out)
{
    for (size_t i = 0; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 && out->data[i] != '\n')
            abort();
}

static void tell(const struct sweep_report *r)
{
    static const unsigned WIDTHS[] = {0, 1, 21, 80};
    const struct sweep_report *list[] = {r, r};
    struct display_counts counts;
    char note[EVENT_TEXT_BYTES];
    for (size_t i = 0; i < DS_COUNT(WIDTHS); i++) {
        ds_auto_buf out, table;
        ds_auto_arena a = arena_create(1u << 20);
        buf_init(&out, 1u << 20);
        buf_init(&table, 1u << 20);
        sweep_report_put_text(r, NOW, WIDTHS[i], &out);
        check_clean(&out);
        sweep_report_put_list(list, 2, i & 1, NOW, WIDTHS[i], a, &table);
        check_clean(&table);
    }
    for (unsigned wish = RUN_ACTIVE; wish <= RUN_CANCELLED; wish++) {
        ds_auto_buf out;
        buf_init(&out, 1u << 16);
        (void)sweep_report_plan_wish(r, (enum run_wish)wish, &out);
        (void)sweep_report_obeys(r, (enum run_wish)wish);
    }
    sweep_report_counts(r, note, &counts);
    if (counts.n_done > counts.n_total || sweep_report_exit(r) > 3)
        abort();
    ds_auto_buf out;
    ds_auto_json back = NULL;
    buf_init(&out, 1u << 20);
    sweep_report_put_json(r, NOW, &out);
    if (json_parse(buf_span(&out), 1u << 20, &back, NULL) < 0)
        abort();
}

static void read_log(struct ds_span bytes)
{
    struct pod_log whole, pieces;
    ds_auto_buf a, b;
    buf_init(&a, 1u << 20);
    buf_init(&b, 1u << 20);
    if (pod_log_init(&whole, DS_SPAN("3"), false, NULL) < 0
        || pod_log_init(&pieces, DS_SPAN("3"), false, NULL) < 0)
        abort();
    pod_log_feed(&whole, bytes, &a);
    for (size_t at = 0; at < bytes.len; at += 7)
        pod_log_feed(&pieces,
                     (struct ds_span){bytes.ptr + at, bytes.len - at < 7 ? bytes.len - at : 7}, &b);
    if (!ds_span_eq(buf_span(&a), buf_span(&b)) || whole.state != pieces.state)
        abort(); /* how the bytes come must not matter */
    size_t half = bytes.len / 2;
    struct ds_span now = {bytes.ptr + half, bytes.len - half};
    struct ds_span part = pod_log_new_part((struct ds_span){bytes.ptr, half}, now);
    if (part.len > now.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    struct json *j = NULL;
    struct sweep_report *r = malloc(sizeof *r);
    if (!r)
        abort();
    read_log(text);
    if (json_parse(text, 1u << 20, &j, NULL) == 0) {
        ds_auto_arena a = arena_create(1u << 20);
        struct pod_seen *pods;
        size_t n;
        if (sweep_report_read(j, "prod", r, NULL) == 0)
            tell(r);
        if (pod_seen_list(j, a, &pods, &n, NULL) == 0)
            (void)pod_seen_newest(pods, n);
        json_destroy(j);
    }
    free(r);
    return 0;
}
