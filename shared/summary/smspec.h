/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smspec.h - what the columns of a summary are: SMSPEC or FSMSPEC
 *
 * Names are bytes as stored, trimmed of blanks; nothing promises UTF-8 (well names come in any
 * code page). Hostile input. Pure, reentrant. Rules and public sources: docs/formats.md. */
#ifndef DS_SUMMARY_SMSPEC_H
#define DS_SUMMARY_SMSPEC_H

#include "summary/ecl_record.h"

#define SMSPEC_MAX_VECTORS 1000000u /* columns of PARAMS */
#define SMSPEC_NONE        UINT32_MAX

enum vector_class {
    VECTOR_MISC = 0,         /* TIME, NEWTON, TCPU: key is the keyword */
    VECTOR_FIELD,            /* FOPR */
    VECTOR_WELL,             /* WOPR:PROD */
    VECTOR_GROUP,            /* GOPR:NORTH */
    VECTOR_NODE,             /* network node: GPR:NORTH, NPR:N1, GNETPR:NORTH */
    VECTOR_CONNECTION,       /* COPR:PROD:10,10,3 */
    VECTOR_COMPLETION,       /* WOPRL__1:PROD; WOPRL:PROD:1; COPRL:PROD:10,10,3 */
    VECTOR_BLOCK,            /* BPR:10,10,3 */
    VECTOR_REGION,           /* RPR:2; RORFR:1; RPR__FIP:2 */
    VECTOR_REGION_PAIR,      /* ROFT:1-2 */
    VECTOR_SEGMENT,          /* SOFR:PROD:3 */
    VECTOR_AQUIFER,          /* AAQR:1 */
    VECTOR_LOCAL_WELL,       /* LWOPR:LGR1:PROD */
    VECTOR_LOCAL_BLOCK,      /* LBPR:LGR1:3,5,5 */
    VECTOR_LOCAL_CONNECTION, /* LCOPR:LGR1:PROD:3,5,5 */
    VECTOR_CLASS_COUNT
};

/* "well", "region pair", ... */
const char *vector_class_name(enum vector_class c);

struct summary_vector {
    struct ds_span key;     /* canonical: WOPR:PROD; terminated */
    struct ds_span keyword; /* WOPR */
    struct ds_span wgname;  /* PROD; "" where the class has no name */
    struct ds_span unit;    /* STB/DAY; "" none */
    struct ds_span lgr;     /* of local classes, else "" */
    enum vector_class class;
    int32_t num;         /* NUMS as stored; 0 where the class has none */
    int32_t ijk[3];      /* cell, 1-based (of the LGR in local classes); 0 none */
    int32_t pair[2];     /* regions of a pair; 0 else */
    bool has_num;        /* num is part of the identity */
    bool is_rate;        /* valid backwards over the step; ratios (GOR, WCT) too */
    bool is_total;       /* cumulative */
    bool is_history;     /* trailing H: what the schedule observed */
    bool is_state;       /* pressure or saturation of field, region, block, aquifer */
    bool is_time;        /* TIME, YEARS */
    uint32_t place;      /* its column in PARAMS */
    uint32_t occurrence; /* 1; 2 .. for further vectors of the same key: wells that share their
                            first 8 characters */
};

/* DESIGN.md 10: on a grid of times totals and states (and time itself) interpolate, all others
 * take the next report's value. */
static inline bool summary_vector_interpolates(const struct summary_vector *v)
{
    return v->is_total || v->is_state || v->is_time;
}

enum summary_units {
    SUMMARY_UNITS_UNKNOWN = 0,
    SUMMARY_METRIC,
    SUMMARY_FIELD,
    SUMMARY_LAB,
    SUMMARY_PVT_M,
};

struct smspec {
    uint32_t n_params;                    /* columns of PARAMS */
    const struct summary_vector *vectors; /* in column order; columns that hold nothing (a dummy
                                             well, a blank keyword) are left out */
    size_t n_vectors;
    uint32_t time_place; /* column of TIME; SMSPEC_NONE: there is none */
    bool in_hours;       /* TIME is in hours (LAB), else days */
    enum summary_units units;
    int32_t simulator; /* INTEHEAD[1]: 100 Eclipse 100 and Flow, 300, 700 Intersect; -1 unknown */
    int32_t dims[3];   /* grid; 0 unknown */
    int64_t start_s;   /* STARTDAT as seconds since 1970, no time zone */
    bool has_start;    /* STARTDAT is there and a date; else start_s is 0 */
    struct ds_span restart_root; /* base run's root as stored, trimmed; "" none */
    int32_t restart_step;        /* report step it continues from; 0 none */
    size_t n_doubles;            /* vectors whose occurrence is above 1 */
    struct ds_span double_key;   /* the first of them, "" none */
    const uint32_t *table;       /* for smspec_find: open addressing, index + 1 */
    uint32_t mask;
};

/* Read a whole SMSPEC or FSMSPEC.
 *
 * bytes   borrowed during the call only: what out refers to is in a
 * a       keeps; about 250 bytes a vector
 *
 * Returns 0, or
 *   DS_EAGAIN    the bytes end inside a record, or before all of DIMENS, KEYWORDS, WGNAMES (or
 *                NAMES), UNITS and STARTDAT have come: being written, or cut
 *   DS_ECORRUPT  not this format, arrays that contradict each other
 *   DS_ETOOBIG   over SMSPEC_MAX_VECTORS, or the arena
 * Missing NUMS, LGRS, INTEHEAD and RESTART and a STARTDAT that is no date are lived with.
 * Cost: O(bytes); 5 ms for 2,500 vectors at the very most. */
int smspec_read(struct ds_bytes bytes, bool formatted, struct ds_arena *a, struct smspec *out,
                struct ds_err *err) DS_CHECKED;

/* The vector with this key and occurrence (1 ..), or NULL. O(1). */
const struct summary_vector *smspec_find(const struct smspec *s, struct ds_span key,
                                         uint32_t occurrence);

/* Class and kind of a keyword k alone (trimmed, upper case); for checks before a run. */
enum vector_class vector_class_of(struct ds_span k);
bool vector_is_rate(struct ds_span keyword);
bool vector_is_total(struct ds_span keyword);
bool vector_is_history(struct ds_span keyword);
bool vector_is_state(struct ds_span keyword);

/* Does it measure the run itself (TCPU*, ELAPSED, NEWTON, MSUMLINS, ...) rather than the
 * reservoir? Such vectors do not count when runs are compared. */
bool vector_is_run_time(struct ds_span keyword);

#endif
