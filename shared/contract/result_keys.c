/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store's keys say what became of every case; docs/store.md shows the layout. Decoding
 * is strict: encode(decode(key)) == key for every key that is ours, so that no two keys
 * mean the same attempt. */
#include "base/path.h"
#include "base/sha256.h"
#include "base/units.h"
#include "decksweep/result.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

static const char *const VERDICTS[VERDICT_COUNT] = {
    [VERDICT_NONE] = "none",
    [VERDICT_OK] = "ok",
    [VERDICT_DECK_ERROR] = "deck-error",
    [VERDICT_NOT_CONVERGED] = "not-converged",
    [VERDICT_OUT_OF_MEMORY] = "out-of-memory",
    [VERDICT_OUT_OF_DISK] = "out-of-disk",
    [VERDICT_TIMEOUT] = "timeout",
    [VERDICT_CRASHED] = "crashed",
    [VERDICT_INCOMPLETE] = "incomplete",
    [VERDICT_LOST] = "lost",
    [VERDICT_CANCELLED] = "cancelled",
};

const char *verdict_name(enum verdict v)
{
    assert((unsigned)v < VERDICT_COUNT);
    return VERDICTS[v];
}

enum verdict verdict_from_name(struct ds_span name)
{
    for (int v = VERDICT_OK; v < VERDICT_COUNT; v++)
        if (ds_span_is(name, VERDICTS[v]))
            return (enum verdict)v;
    return VERDICT_NONE;
}

bool verdict_counts(enum verdict v, uint64_t limit, uint64_t wall_ms, uint64_t memory_bytes)
{
    if (v == VERDICT_TIMEOUT)
        return limit >= wall_ms / 1000 + (wall_ms % 1000 != 0);
    if (v == VERDICT_OUT_OF_MEMORY && memory_bytes > 0)
        return limit >= memory_bytes >> 20;
    return true;
}

/* Order is the order of the letters in keys. */
static const struct {
    enum result_class bit;
    char letter;
    const char *name;
} CLASSES[] = {
    {CLASS_SUMMARY, 's', "summary"}, {CLASS_LOG, 'l', "log"},         {CLASS_GRID, 'g', "grid"},
    {CLASS_INIT, 'i', "init"},       {CLASS_RESTART, 'r', "restart"}, {CLASS_RFT, 'f', "rft"},
    {CLASS_DEBUG, 'd', "debug"},
};

#define NOTHING_LETTER 'n' /* the word of a keep that asks for nothing */
#define GLOB_LETTER    'x'
#define GLOB_DIGITS    8u

const char *result_class_name(enum result_class one)
{
    for (size_t i = 0; i < DS_COUNT(CLASSES); i++)
        if (CLASSES[i].bit == one)
            return CLASSES[i].name;
    assert(false); /* not one bit of enum result_class */
    return "";
}

unsigned result_class_from_name(struct ds_span name)
{
    if (ds_span_is(name, "all"))
        return CLASS_ALL;
    for (size_t i = 0; i < DS_COUNT(CLASSES); i++)
        if (ds_span_is(name, CLASSES[i].name))
            return CLASSES[i].bit;
    return 0;
}

static unsigned class_of_step_file(struct ds_span ext)
{
    if (ext.len != 5)
        return 0;
    for (size_t i = 1; i < 5; i++)
        if (ext.ptr[i] < '0' || ext.ptr[i] > '9')
            return 0;
    switch (toupper((unsigned char)ext.ptr[0])) {
    case 'S':
    case 'A':
        return CLASS_SUMMARY;
    case 'X':
    case 'F':
        return CLASS_RESTART;
    default:
        return 0;
    }
}

unsigned result_class_of_file(struct ds_span file_name)
{
    static const struct {
        const char *extension;
        unsigned bit;
    } EXTENSIONS[] = {
        {"SMSPEC", CLASS_SUMMARY}, {"UNSMRY", CLASS_SUMMARY},  {"ESMRY", CLASS_SUMMARY},
        {"RSM", CLASS_SUMMARY},    {"FSMSPEC", CLASS_SUMMARY}, {"FUNSMRY", CLASS_SUMMARY},
        {"PRT", CLASS_LOG},        {"INFOSTEP", CLASS_LOG},    {"ECLEND", CLASS_LOG},
        {"MSG", CLASS_LOG},        {"EGRID", CLASS_GRID},      {"GRID", CLASS_GRID},
        {"FEGRID", CLASS_GRID},    {"FGRID", CLASS_GRID},      {"INIT", CLASS_INIT},
        {"FINIT", CLASS_INIT},     {"UNRST", CLASS_RESTART},   {"FUNRST", CLASS_RESTART},
        {"RFT", CLASS_RFT},        {"FRFT", CLASS_RFT},        {"DBG", CLASS_DEBUG},
        {"INFOITER", CLASS_DEBUG},
    };
    struct ds_span base = path_base(file_name);
    if (ds_span_is(base, "stdout") || ds_span_is(base, "stderr"))
        return CLASS_LOG;
    struct ds_span ext = path_extension(base);
    for (size_t i = 0; i < DS_COUNT(EXTENSIONS); i++)
        if (ds_span_eq_nocase(ext, ds_span_of(EXTENSIONS[i].extension)))
            return EXTENSIONS[i].bit;
    return class_of_step_file(ext);
}

bool keep_wants(const struct keep *keep, struct ds_span file_name)
{
    if (result_class_of_file(file_name) & keep->classes)
        return true;
    struct ds_span base = path_base(file_name);
    for (size_t i = 0; i < keep->n_globs; i++)
        if (ds_span_glob(keep->globs[i], base) || ds_span_glob(keep->globs[i], file_name))
            return true;
    return false;
}

static void digest_globs(const struct keep *keep, char hex[65])
{
    struct sha256 *h = sha256_create();
    for (size_t i = 0; i < keep->n_globs; i++) {
        sha256_add(h, keep->globs[i].ptr, keep->globs[i].len);
        sha256_add(h, "\n", 1);
    }
    sha256_end(h, hex);
    sha256_destroy(h);
}

void keep_word(const struct keep *keep, char out[KEEP_WORD_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < DS_COUNT(CLASSES); i++)
        if (keep->classes & (unsigned)CLASSES[i].bit)
            out[n++] = CLASSES[i].letter;
    if (keep->n_globs > 0) {
        char hex[65];
        digest_globs(keep, hex);
        out[n++] = GLOB_LETTER;
        memcpy(out + n, hex, GLOB_DIGITS);
        n += GLOB_DIGITS;
    }
    if (n == 0)
        out[n++] = NOTHING_LETTER;
    out[n] = '\0';
}

/* A word taken apart: class bits and the eight digits of the globs. */
struct word {
    unsigned classes;
    struct ds_span globs; /* "" if none */
};

static bool is_lower_hex(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return true;
}

static bool word_parse(struct ds_span text, struct word *out)
{
    *out = (struct word){0, {"", 0}};
    if (text.len == 1 && text.ptr[0] == NOTHING_LETTER)
        return true;
    size_t at = 0;
    for (size_t i = 0; i < DS_COUNT(CLASSES); i++)
        if (at < text.len && text.ptr[at] == CLASSES[i].letter) {
            out->classes |= (unsigned)CLASSES[i].bit;
            at++;
        }
    if (at < text.len && text.ptr[at] == GLOB_LETTER) {
        out->globs = (struct ds_span){text.ptr + at + 1, text.len - at - 1};
        return out->globs.len == GLOB_DIGITS && is_lower_hex(out->globs);
    }
    return at == text.len && at > 0;
}

bool keep_word_covers(struct ds_span have, struct ds_span want)
{
    struct word h, w;
    if (!word_parse(have, &h) || !word_parse(want, &w))
        return false;
    return (w.classes & ~h.classes) == 0 && (w.globs.len == 0 || ds_span_eq(w.globs, h.globs));
}

bool case_id_parse(struct ds_span text, struct case_id *out)
{
    if (text.len != CASE_ID_CHARS || !is_lower_hex(text))
        return false;
    memcpy(out->hex, text.ptr, CASE_ID_CHARS);
    return true;
}

uint64_t case_id_hash(struct case_id id)
{
    uint64_t lo, hi;
    memcpy(&lo, id.hex, 8);
    memcpy(&hi, id.hex + 8, 8);
    uint64_t x = lo ^ (hi * UINT64_C(0x9e3779b97f4a7c15));
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

/* ---- keys ---- */

static bool has_limit(enum verdict v)
{
    return v == VERDICT_TIMEOUT || v == VERDICT_OUT_OF_MEMORY;
}

static void encode_failed(const struct result_key *key, char out[RESULT_KEY_BYTES])
{
    char limit[24] = "";
    assert(key->verdict > VERDICT_OK && key->verdict < VERDICT_COUNT);
    assert(key->limit == 0 || has_limit(key->verdict));
    if (key->limit > 0)
        (void)snprintf(limit, sizeof limit, "-%llu", (unsigned long long)key->limit);
    (void)snprintf(out, RESULT_KEY_BYTES, "failed/%.16s.%u.%s%s.tar.zst", key->id.hex, key->attempt,
                   verdict_name(key->verdict), limit);
}

void result_key_encode(const struct result_key *key, char out[RESULT_KEY_BYTES])
{
    struct word w;
    assert(key->kind == KEY_CASE || key->attempt > 0);
    switch (key->kind) {
    case KEY_CASE:
        assert(word_parse(ds_span_of(key->keep), &w));
        (void)w;
        (void)snprintf(out, RESULT_KEY_BYTES, "cases/%.16s.%s.tar.zst", key->id.hex, key->keep);
        break;
    case KEY_FAILED:
        encode_failed(key, out);
        break;
    case KEY_GRANTED:
        (void)snprintf(out, RESULT_KEY_BYTES, "failed/%.16s.%u.granted", key->id.hex, key->attempt);
        break;
    case KEY_STARTED:
        (void)snprintf(out, RESULT_KEY_BYTES, "started/%.16s.%u", key->id.hex, key->attempt);
        break;
    case KEY_OTHER:
        assert(false);
        out[0] = '\0';
        break;
    }
}

static bool take_prefix(struct ds_span *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (!ds_span_starts(*s, prefix))
        return false;
    *s = (struct ds_span){s->ptr + n, s->len - n};
    return true;
}

static bool take_suffix(struct ds_span *s, const char *suffix)
{
    if (!ds_span_ends(*s, suffix))
        return false;
    s->len -= strlen(suffix);
    return true;
}

/* 1 .. max in plain digits, as snprintf writes them. */
static bool parse_count(struct ds_span text, uint64_t max, uint64_t *out)
{
    return text.len > 0 && text.ptr[0] != '0' && units_parse_u64(text, max, out, NULL) == 0;
}

static bool parse_verdict(struct ds_span text, struct result_key *key)
{
    key->verdict = verdict_from_name(text);
    if (key->verdict > VERDICT_OK)
        return true;
    for (int v = VERDICT_OK + 1; v < VERDICT_COUNT; v++) {
        struct ds_span rest = text;
        if (has_limit((enum verdict)v) && take_prefix(&rest, VERDICTS[v]) && take_prefix(&rest, "-")
            && parse_count(rest, INT64_MAX, &key->limit)) {
            key->verdict = (enum verdict)v;
            return true;
        }
    }
    return false;
}

static bool decode_case(struct ds_span rest, struct result_key *key)
{
    struct word w;
    if (!take_suffix(&rest, ".tar.zst") || rest.len >= KEEP_WORD_BYTES || !word_parse(rest, &w))
        return false;
    memcpy(key->keep, rest.ptr, rest.len);
    key->keep[rest.len] = '\0';
    key->kind = KEY_CASE;
    key->verdict = VERDICT_OK;
    return true;
}

static bool take_attempt(struct ds_span *rest, struct result_key *key)
{
    struct ds_span digits;
    uint64_t n;
    *rest = ds_span_cut(*rest, '.', &digits);
    if (!parse_count(digits, UINT32_MAX, &n))
        return false;
    key->attempt = (uint32_t)n;
    return true;
}

static bool decode_failed(struct ds_span rest, struct result_key *key)
{
    if (!take_attempt(&rest, key))
        return false;
    if (ds_span_is(rest, "granted")) {
        key->kind = KEY_GRANTED;
        return true;
    }
    key->kind = KEY_FAILED;
    return take_suffix(&rest, ".tar.zst") && parse_verdict(rest, key);
}

static bool decode_started(struct ds_span rest, struct result_key *key)
{
    uint64_t n;
    if (!parse_count(rest, UINT32_MAX, &n))
        return false;
    key->attempt = (uint32_t)n;
    key->kind = KEY_STARTED;
    return true;
}

static bool take_id(struct ds_span *s, struct case_id *id)
{
    if (s->len < CASE_ID_CHARS + 1 || s->ptr[CASE_ID_CHARS] != '.'
        || !case_id_parse((struct ds_span){s->ptr, CASE_ID_CHARS}, id))
        return false;
    *s = (struct ds_span){s->ptr + CASE_ID_CHARS + 1, s->len - CASE_ID_CHARS - 1};
    return true;
}

struct result_key result_key_decode(struct ds_span key)
{
    struct result_key out = {.kind = KEY_OTHER};
    struct ds_span rest = key;
    bool ours = false;
    if (key.len >= RESULT_KEY_BYTES)
        return out;
    if (take_prefix(&rest, "cases/"))
        ours = take_id(&rest, &out.id) && decode_case(rest, &out);
    else if (take_prefix(&rest, "failed/"))
        ours = take_id(&rest, &out.id) && decode_failed(rest, &out);
    else if (take_prefix(&rest, "started/"))
        ours = take_id(&rest, &out.id) && decode_started(rest, &out);
    return ours ? out : (struct result_key){.kind = KEY_OTHER};
}
