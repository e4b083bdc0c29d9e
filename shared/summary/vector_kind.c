/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/smspec.h"

/* A summary keyword says by its letters what it is; docs/formats.md has the rules with their
 * sources. The first letter (two for LGRs) is the class, the rest here the quantity. */

static bool in_list(struct ds_span word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_is(word, list[i]))
            return true;
    return false;
}

static bool starts_with_one(struct ds_span word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_starts(word, list[i]))
            return true;
    return false;
}

static char letter(struct ds_span s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\0';
}

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

const char *vector_class_name(enum vector_class c)
{
    static const char *const NAMES[VECTOR_CLASS_COUNT] = {
        "run",        "field",      "well",       "group",       "network node",
        "connection", "completion", "block",      "region",      "regions",
        "segment",    "aquifer",    "local well", "local block", "local connection"};
    return c < VECTOR_CLASS_COUNT ? NAMES[c] : "";
}

/* ---- class ---- */

/* Keywords about the run whose first letter looks like a class. */
static bool is_misc(struct ds_span keyword)
{
    static const char *const MISC[] = {"NAIMFRAC", "NBAKFL",   "NBYTOT",   "NCPRLINS", "NEWTFL",
                                       "NEWTON",   "NLINEARP", "NLINEARS", "NLINSMAX", "NLINSMIN",
                                       "NLRESMAX", "NLRESSUM", "NMESSAGE", "NNUMFL",   "NNUMST",
                                       "NTS",      "NTSECL",   "NTSMCL",   "NTSPCL",   "STEPTYPE",
                                       "SEPARATE", "SUMTHIN",  "WNEWTON"};
    return in_list(keyword, MISC, DS_COUNT(MISC));
}

/* R*FT*, R**FT*, R*FR*, R**FR*, RxF and RNLF flow between two regions; RORFR does not. */
static bool is_region_pair(struct ds_span k)
{
    if (ds_span_is(k, "RORFR"))
        return false;
    if (ds_span_is(k, "RNLF") || (k.len == 3 && k.ptr[2] == 'F'))
        return true;
    for (size_t i = 2; i <= 3; i++)
        if (letter(k, i) == 'F' && one_of(letter(k, i + 1), "TR"))
            return true;
    return false;
}

/* WOPRL, WOPRL__1, WOPRL123: a completion, which is a lump of connections. */
static bool is_well_completion(struct ds_span k)
{
    bool stem = k.len >= 5 && k.ptr[0] == 'W' && one_of(k.ptr[1], "OGWLV")
                && one_of(k.ptr[2], "PIGOLCF") && one_of(k.ptr[3], "RT") && k.ptr[4] == 'L';
    if (!stem || k.len == 5)
        return stem;
    return k.len == 8 && one_of(k.ptr[5], "_0123456789") && one_of(k.ptr[6], "_0123456789")
           && one_of(k.ptr[7], "0123456789");
}

static bool is_connection_completion(struct ds_span k)
{
    return k.len == 5 && k.ptr[0] == 'C' && one_of(k.ptr[1], "OGW") && one_of(k.ptr[2], "IP")
           && one_of(k.ptr[3], "RT") && k.ptr[4] == 'L';
}

static bool is_node(struct ds_span k)
{
    static const char *const NODE[] = {"GPR", "GPRG", "GPRL", "GPRW", "GNETPR"};
    return in_list(k, NODE, DS_COUNT(NODE));
}

static enum vector_class class_of_local(struct ds_span k)
{
    switch (letter(k, 1)) {
    case 'B':
        return VECTOR_LOCAL_BLOCK;
    case 'C':
        return VECTOR_LOCAL_CONNECTION;
    case 'W':
        return VECTOR_LOCAL_WELL;
    default:
        return VECTOR_MISC; /* LLINEAR */
    }
}

enum vector_class vector_class_of(struct ds_span k)
{
    if (k.len == 0 || is_misc(k))
        return VECTOR_MISC;
    switch (k.ptr[0]) {
    case 'A':
        return VECTOR_AQUIFER;
    case 'B':
        return VECTOR_BLOCK;
    case 'C':
        return is_connection_completion(k) ? VECTOR_COMPLETION : VECTOR_CONNECTION;
    case 'F':
        return VECTOR_FIELD;
    case 'G':
        return is_node(k) ? VECTOR_NODE : VECTOR_GROUP;
    case 'L':
        return class_of_local(k);
    case 'N':
        return VECTOR_NODE;
    case 'R':
        return is_region_pair(k) ? VECTOR_REGION_PAIR : VECTOR_REGION;
    case 'S':
        return VECTOR_SEGMENT;
    case 'W':
        return is_well_completion(k) ? VECTOR_COMPLETION : VECTOR_WELL;
    default:
        return VECTOR_MISC;
    }
}

/* ---- kind ---- */

static bool is_local(enum vector_class c)
{
    return c == VECTOR_LOCAL_WELL || c == VECTOR_LOCAL_BLOCK || c == VECTOR_LOCAL_CONNECTION;
}

static struct ds_span quantity_of(struct ds_span keyword, enum vector_class c)
{
    size_t n = is_local(c) ? 2 : 1;
    return keyword.len > n ? (struct ds_span){keyword.ptr + n, keyword.len - n}
                           : (struct ds_span){"", 0};
}

/* User-defined quantities (UDQ): any meaning. */
static bool is_user_defined(struct ds_span keyword, enum vector_class c)
{
    return c != VECTOR_MISC && letter(quantity_of(keyword, c), 0) == 'U';
}

static bool flows(enum vector_class c)
{
    return c == VECTOR_FIELD || c == VECTOR_WELL || c == VECTOR_GROUP || c == VECTOR_REGION
           || c == VECTOR_CONNECTION || c == VECTOR_COMPLETION || c == VECTOR_LOCAL_WELL
           || c == VECTOR_LOCAL_CONNECTION;
}

static bool pair_flow(struct ds_span k, char kind) /* ROFR+, RNLFT: F and kind at 2 or 3 */
{
    return (letter(k, 2) == 'F' && letter(k, 3) == kind)
           || (letter(k, 3) == 'F' && letter(k, 4) == kind);
}

bool vector_is_rate(struct ds_span keyword)
{
    static const char *const RATES[] = {
        "OPR",  "OIR", "OVPR", "OVIR", "OFR", "OPP",  "OPI",  "OMR",  "GPR",  "GIR", "GVPR", "GVIR",
        "GFR",  "GPP", "GPI",  "GMR",  "WPR", "WIR",  "WVPR", "WVIR", "WFR",  "WPP", "WPI",  "WMR",
        "LPR",  "LFR", "VPR",  "VIR",  "VFR", "GLIR", "RGR",  "EGR",  "EXGR", "SGR", "GSR",  "FGR",
        "GIMR", "GCR", "NPR",  "NIR",  "CPR", "CIR",  "SIR",  "SPR",  "TIR",  "TPR", "WGPR", "WGIR",
        "GOR",  "WCT", "OGR",  "WGR",  "GLR", "AQR",  "NQR",  "AAQR"};
    static const char *const SEGMENT[] = {"OFR",  "GFR", "WFR", "CFR", "SFR", "TFR",
                                          "CVPR", "WCT", "GOR", "OGR", "WGR"};
    static const char *const AQUIFER[] = {"AQR", "NQR", "LQR"};
    enum vector_class c = vector_class_of(keyword);
    struct ds_span q = quantity_of(keyword, c);
    if (is_user_defined(keyword, c))
        return false;
    if (c == VECTOR_REGION_PAIR)
        return pair_flow(keyword, 'R');
    if (c == VECTOR_SEGMENT)
        return starts_with_one(q, SEGMENT, DS_COUNT(SEGMENT));
    if (c == VECTOR_AQUIFER)
        return starts_with_one(q, AQUIFER, DS_COUNT(AQUIFER));
    return flows(c) && starts_with_one(q, RATES, DS_COUNT(RATES));
}

bool vector_is_total(struct ds_span keyword)
{
    static const char *const TOTALS[] = {
        "OPT", "OIT", "OVPT", "OVIT", "OMT", "OFT", "GPT",  "GIT",  "GVPT", "GVIT", "GMT", "GFT",
        "WPT", "WIT", "WVPT", "WVIT", "WMT", "WFT", "WGPT", "WGIT", "LPT",  "LFT",  "VPT", "VIT",
        "VFT", "RGT", "EGT",  "EXGT", "SGT", "GST", "FGT",  "GIMT", "GMIT", "GCT",  "NPT", "NIT",
        "CPT", "CIT", "SIT",  "SPT",  "TIT", "TPT", "AQT",  "NQT",  "AAQT", "GLIT"};
    static const char *const SEGMENT[] = {"OFT", "GFT", "WFT", "CFT", "SFT", "TFT"};
    static const char *const AQUIFER[] = {"AQT", "NQT", "LQT"};
    enum vector_class c = vector_class_of(keyword);
    struct ds_span q = quantity_of(keyword, c);
    if (is_user_defined(keyword, c))
        return false;
    if (c == VECTOR_REGION_PAIR)
        return pair_flow(keyword, 'T');
    if (c == VECTOR_SEGMENT)
        return starts_with_one(q, SEGMENT, DS_COUNT(SEGMENT));
    if (c == VECTOR_AQUIFER)
        return starts_with_one(q, AQUIFER, DS_COUNT(AQUIFER)) && !ds_span_starts(q, "AQTD");
    return flows(c) && starts_with_one(q, TOTALS, DS_COUNT(TOTALS));
}

bool vector_is_history(struct ds_span keyword)
{
    enum vector_class c = vector_class_of(keyword);
    struct ds_span q = quantity_of(keyword, c);
    bool who = c == VECTOR_FIELD || c == VECTOR_WELL || c == VECTOR_GROUP || c == VECTOR_LOCAL_WELL;
    return who && q.len >= 3 && ds_span_ends(q, "H") && !is_user_defined(keyword, c)
           && !ds_span_is(q, "PRH"); /* FPRH: pressure weighted by hydrocarbon volume */
}

bool vector_is_state(struct ds_span keyword)
{
    static const char *const AVERAGE[] = {"PR",  "PRH", "PRP",  "PRGZ", "PPO",
                                          "PPW", "PPG", "OSAT", "WSAT", "GSAT"};
    static const char *const BLOCK[] = {"PR",   "PRES", "PRESSUR", "WPR",  "GPR",  "OPR",
                                        "PPO",  "PPW",  "PPG",     "OSAT", "WSAT", "GSAT",
                                        "SWAT", "SGAS", "SOIL",    "NSAT"};
    static const char *const AQUIFER[] = {"AQP", "AQPD", "NQP", "LQP"};
    enum vector_class c = vector_class_of(keyword);
    struct ds_span q = quantity_of(keyword, c);
    if (c == VECTOR_BLOCK || c == VECTOR_LOCAL_BLOCK)
        return in_list(q, BLOCK, DS_COUNT(BLOCK));
    if (c == VECTOR_AQUIFER)
        return in_list(q, AQUIFER, DS_COUNT(AQUIFER));
    if (c == VECTOR_REGION) /* RPR__ABC: regions of FIPABC */
        (void)ds_span_cut(q, '_', &q);
    return (c == VECTOR_FIELD || c == VECTOR_REGION) && in_list(q, AVERAGE, DS_COUNT(AVERAGE));
}

bool vector_is_run_time(struct ds_span keyword)
{
    static const char *const RUN[] = {
        "ELAPSED",  "NEWTON",   "NLINEARS", "NLINEARP", "NLINSMIN", "NLINSMAX", "MLINEARP",
        "MLINEARS", "MSUMLINP", "MSUMLINS", "MSUMNEWT", "TIMESTEP", "MAXDPR",   "MAXDSO",
        "MAXDSG",   "MAXDSW",   "STEPTYPE", "NAIMFRAC", "NBAKFL",   "NBYTOT",   "MSUMBUG",
        "MSUMCOMM", "MSUMERR",  "MSUMMESS", "MSUMPROB", "MSUMWARN", "MEMGB",    "MAXMEMGB",
        "ZIPEFF",   "ZIPEFFC",  "NEWTFL",   "NLRESMAX", "NLRESSUM", "NNUMFL",   "NNUMST",
        "NTS",      "NTSECL",   "NTSMCL",   "NTSPCL",   "WNEWTON",  "LINEARS",  "LLINEAR",
        "NCPRLINS", "NMESSAGE", "TELAPLIN", "TELAPDAY", "TELAPTS",  "HLINEARS", "HSUMLINS",
        "HSUMNEWT"};
    return ds_span_starts(keyword, "TCPU") || in_list(keyword, RUN, DS_COUNT(RUN));
}
