/* SPDX-License-Identifier: GPL-3.0-or-later */
/* features_summary.c - what the SUMMARY section asks for */
#include "deck/features.h"

#include <stdlib.h>

/* Keywords of SUMMARY that are settings, no vectors. */
static const char settings[] =
    "RUNSUM  SEPARATEEXCEL   NARROW  RPTONLY RPTONLYOLOTUS   SUMTHIN NOMONITOMONITOR INCLUDE "
    "RPTSMRY CARRY   NOSUM   SKIP    SKIP100 SKIP300 ENDSKIP ECHO    NOECHO  END     ENDINC  "
    "MESSAGESCOLUMNS FORMFEEDTITLE   SCHEDULEOPTIONS DEBUG   GDFILE  IMPORT  PATHS   RPTRST  ";

/* Always in the file. */
static const char always[] = "TIME    YEARS   ";

/* As Flow 2022.10 writes them; those with AQ only in a deck with aquifers. */
static const char all_of_all[] =
    "AAQR    AAQRG   AAQT    AAQTG   FAQR    FAQRG   FAQT    FAQTG   FGIP    FGIPG   FGIPL   "
    "FGIR    FGIT    FGOR    FGPR    FGPT    FOIP    FOIPG   FOIPL   FOIR    FOIT    FOPR    "
    "FOPT    FPR     FVIR    FVIT    FVPR    FVPT    FWCT    FWIP    FWIR    FWIT    FWPR    "
    "FWPT    GGIR    GGIT    GGOR    GGPR    GGPT    GOIR    GOIT    GOPR    GOPT    GVIR    "
    "GVIT    GVPR    GVPT    GWCT    GWIR    GWIT    GWPR    GWPT    WBHP    WGIR    WGIT    "
    "WGLIR   WGOR    WGPR    WGPT    WOIR    WOIT    WOPR    WOPT    WPI     WTHP    WVIR    "
    "WVIT    WVPR    WVPT    WWCT    WWIR    WWIT    WWPR    WWPT    ";
static const char all_of_performa[] =
    "ELAPSED MLINEARSMSUMLINSMSUMNEWTNEWTON  NLINEARSNLINSMINNLINSMAXSTEPTYPETCPU    TCPUDAY "
    "TCPUTS  TELAPLINTIMESTEP";
static const char all_of_fmwset[] = "FMWPR   FMWPA   FMWIN   FMWIA   ";
static const char all_of_gmwset[] = "GMWPR   GMWIN   ";
static const char all_of_date[] = "DAY     MONTH   YEAR    ";

static const struct {
    const char *name, *list;
    size_t bytes;
} families[] = {
    {"ALL", all_of_all, sizeof(all_of_all) - 1},
    {"PERFORMA", all_of_performa, sizeof(all_of_performa) - 1},
    {"FMWSET", all_of_fmwset, sizeof(all_of_fmwset) - 1},
    {"GMWSET", all_of_gmwset, sizeof(all_of_gmwset) - 1},
    {"DATE", all_of_date, sizeof(all_of_date) - 1},
};

static struct ds_span list_at(const char *list, size_t i)
{
    size_t n = 8;
    while (n > 0 && list[i * 8 + n - 1] == ' ')
        n--;
    return (struct ds_span){list + i * 8, n};
}

static bool list_has(const char *list, size_t bytes, struct ds_span name)
{
    for (size_t i = 0; i < bytes / 8; i++) {
        if (ds_span_eq(list_at(list, i), name))
            return true;
    }
    return false;
}

/* The family that a keyword stands for, or -1. */
static int family_of(struct ds_span name)
{
    for (size_t i = 0; i < DS_COUNT(families); i++) {
        if (ds_span_is(name, families[i].name))
            return (int)i;
    }
    return -1;
}

static bool is_vector_item(const struct closure_item *item)
{
    return item->section == DECK_SUMMARY
           && !list_has(settings, sizeof(settings) - 1, ds_span_of(item->keyword.name));
}

/* Does the vector part behind the ':' of the pattern fit an item that lists its wells? Only
 * names that are listed one by one can be told apart; anything else counts as fitting. */
static bool names_fit(const struct closure_item *item, struct ds_span names)
{
    char kind = item->keyword.name[0];
    bool listed = false;
    if (names.len == 0 || (kind != 'W' && kind != 'G'))
        return true;
    for (size_t k = 0; k < item->n_records; k++) {
        for (size_t i = 0; i < item->records[k].n_tokens; i++) {
            struct ds_span t = deck_unquote(item->records[k].tokens[i].text);
            if (t.len == 0 || memchr(t.ptr, '*', t.len) || memchr(t.ptr, '<', t.len)
                || memchr(t.ptr, '?', t.len))
                return true;
            listed = true;
            struct ds_span shown = {t.ptr, t.len > 8 ? 8 : t.len};
            if (ds_span_glob(names, shown) || ds_span_glob(names, t))
                return true;
        }
    }
    return !listed;
}

static bool item_produces(const struct closure_item *item, struct ds_span keyword,
                          struct ds_span names)
{
    struct ds_span name = ds_span_of(item->keyword.name);
    int family = family_of(name);
    if (family < 0)
        return ds_span_glob(keyword, name) && names_fit(item, names);
    for (size_t i = 0; i < families[family].bytes / 8; i++) {
        if (ds_span_glob(keyword, list_at(families[family].list, i)))
            return true;
    }
    return false;
}

bool features_summary_can(const struct closure *c, struct ds_span pattern)
{
    struct ds_span keyword;
    struct ds_span names = ds_span_cut(pattern, ':', &keyword);
    for (size_t i = 0; i < sizeof(always) / 8; i++) {
        if (ds_span_glob(keyword, list_at(always, i)))
            return true;
    }
    for (size_t i = 0; i < c->n_items; i++) {
        if (is_vector_item(&c->items[i]) && item_produces(&c->items[i], keyword, names))
            return true;
    }
    return false;
}

static int order_spans(const void *a, const void *b)
{
    const struct ds_span *x = a, *y = b;
    return ds_span_compare(*x, *y);
}

int features_summary_keywords(const struct closure *c, struct ds_arena *a, struct ds_span **out,
                              size_t *n, struct ds_err *err)
{
    size_t room = sizeof(always) / 8, made = 0;
    for (size_t i = 0; i < c->n_items; i++) {
        int family = family_of(ds_span_of(c->items[i].keyword.name));
        room += family >= 0 ? families[family].bytes / 8 : 1;
    }
    struct ds_span *list = ds_new(a, struct ds_span, room);
    if (!list)
        return ds_fail(err, DS_ETOOBIG, "the SUMMARY section is too large");
    for (size_t i = 0; i < sizeof(always) / 8; i++)
        list[made++] = list_at(always, i);
    for (size_t i = 0; i < c->n_items; i++) {
        struct ds_span name = ds_span_of(c->items[i].keyword.name);
        int family = family_of(name);
        if (!is_vector_item(&c->items[i]))
            continue;
        if (family < 0)
            list[made++] = name;
        for (size_t k = 0; family >= 0 && k < families[family].bytes / 8; k++)
            list[made++] = list_at(families[family].list, k);
    }
    qsort(list, made, sizeof(list[0]), order_spans);
    size_t kept = 0;
    for (size_t i = 0; i < made; i++) {
        if (kept == 0 || !ds_span_eq(list[kept - 1], list[i]))
            list[kept++] = list[i];
    }
    *out = list;
    *n = kept;
    return DS_OK;
}
