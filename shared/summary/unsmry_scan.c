/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/big_endian.h"
#include "summary/ecl_text.h"
#include "summary/unsmry.h"

#define HEADER_BYTES 24u
#define X231_UNIT    (UINT64_C(1) << 31)

enum phase { PHASE_HEADER = 0, PHASE_BLOCK_HEAD, PHASE_PAYLOAD, PHASE_BLOCK_TAIL };
enum kind { KIND_OTHER = 0, KIND_SEQHDR, KIND_PARAMS };

void unsmry_scan_init(struct unsmry_scan *s, uint32_t time_place)
{
    *s = (struct unsmry_scan){.time_place = time_place, .time = __builtin_nanf("")};
}

static void end_record(struct unsmry_scan *s)
{
    s->record_bytes = s->fed_bytes;
    if (s->kind == KIND_SEQHDR) {
        s->n_seqhdr++;
        s->seqhdr = (int32_t)be32_at(s->value);
        s->report_open = true;
    } else if (s->kind == KIND_PARAMS) {
        s->n_steps++;
        s->time = s->next_time;
        s->step_bytes = s->fed_bytes;
        if (s->report_open)
            s->n_reports++;
        s->report_open = false;
    }
    s->phase = PHASE_HEADER;
    s->count_high = 0;
}

static bool take_header(struct unsmry_scan *s)
{
    const unsigned char *h = s->carry;
    enum ecl_type type;
    uint32_t size;
    int32_t count = (int32_t)be32_at(h + 12);
    if (be32_at(h) != 16 || be32_at(h + 20) != 16)
        return false;
    if (memcmp(h + 16, "X231", 4) == 0) {
        if (count >= 0 || (uint64_t) - (int64_t)count > ECL_MAX_COUNT / X231_UNIT || s->count_high)
            return false;
        s->count_high = (uint64_t) - (int64_t)count * X231_UNIT;
        return true;
    }
    if (count < 0 || !ecl_type_from_name((const char *)h + 16, &type, &size))
        return false;
    s->kind = KIND_OTHER;
    if (memcmp(h + 4, "SEQHDR  ", 8) == 0 && type == ECL_INTE && count > 0)
        s->kind = KIND_SEQHDR;
    if (memcmp(h + 4, "PARAMS  ", 8) == 0 && type == ECL_REAL)
        s->kind = KIND_PARAMS;
    s->size = size;
    s->left_bytes = type == ECL_MESS ? 0 : (s->count_high + (uint64_t)count) * size;
    s->done_bytes = 0;
    s->next_time = __builtin_nanf("");
    s->phase = PHASE_BLOCK_HEAD;
    if (s->left_bytes == 0)
        end_record(s);
    return true;
}

/* Keep the 4 bytes that matter: the value of SEQHDR, TIME of PARAMS. */
static void capture(struct unsmry_scan *s, const unsigned char *bytes, size_t n)
{
    uint64_t want = s->kind == KIND_PARAMS ? (uint64_t)s->time_place * 4 : 0;
    if (s->kind == KIND_OTHER || want + 4 <= s->done_bytes || want >= s->done_bytes + n)
        return;
    for (uint64_t i = 0; i < 4; i++)
        if (want + i >= s->done_bytes && want + i < s->done_bytes + n)
            s->value[i] = bytes[want + i - s->done_bytes];
    if (s->kind == KIND_PARAMS && want + 4 <= s->done_bytes + n)
        s->next_time = be_float_at(s->value);
}

static size_t take_payload(struct unsmry_scan *s, const unsigned char *bytes, size_t n)
{
    if (n > s->block_left)
        n = s->block_left;
    capture(s, bytes, n);
    s->done_bytes += n;
    s->block_left -= (uint32_t)n;
    if (s->block_left == 0)
        s->phase = PHASE_BLOCK_TAIL;
    return n;
}

/* A header, or the length word before or behind a block, is complete in carry. */
static bool take_carry(struct unsmry_scan *s)
{
    if (s->phase == PHASE_HEADER)
        return take_header(s);
    uint32_t n = be32_at(s->carry);
    if (s->phase == PHASE_BLOCK_HEAD) {
        if (n == 0 || n > s->left_bytes || n % s->size != 0)
            return false;
        s->block_bytes = s->block_left = n;
        s->phase = PHASE_PAYLOAD;
        return true;
    }
    if (n != s->block_bytes)
        return false;
    s->left_bytes -= n;
    s->phase = PHASE_BLOCK_HEAD;
    if (s->left_bytes == 0)
        end_record(s);
    return true;
}

void unsmry_scan_feed(struct unsmry_scan *s, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    while (n > 0 && s->state != UNSMRY_CORRUPT) {
        size_t took;
        if (s->phase == PHASE_PAYLOAD) {
            took = take_payload(s, p, n);
            s->fed_bytes += took;
        } else {
            size_t need = (s->phase == PHASE_HEADER ? HEADER_BYTES : 4) - s->n_carry;
            took = n < need ? n : need;
            memcpy(s->carry + s->n_carry, p, took);
            s->n_carry += (uint32_t)took;
            s->fed_bytes += took;
            if (took == need) {
                s->n_carry = 0;
                if (!take_carry(s))
                    s->state = UNSMRY_CORRUPT;
            }
        }
        p += took;
        n -= took;
    }
    s->fed_bytes += n;
    if (s->state != UNSMRY_CORRUPT)
        s->state = s->fed_bytes == s->record_bytes ? UNSMRY_WHOLE : UNSMRY_CUT;
}
