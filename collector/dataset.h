/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dataset.h - the dataset while it is made: what its vectors, rows and times are
 *
 * Filled by collect_io.c, read by the writers. Values themselves never live here: they pass in
 * slabs, [vector][row of the block][time] as float32. Pure. */
#ifndef DECKSWEEP_COLLECTOR_DATASET_H
#define DECKSWEEP_COLLECTOR_DATASET_H

#include "collector/align.h"
#include "decksweep/plan.h"
#include "summary/smspec.h"

struct dataset_vector {
    const char *name; /* in the dataset, by names_of_vector */
    struct ds_span key, unit, keyword, wgname, lgr;
    const char *kind; /* "well", "region pair", ...; static text */
    int32_t num;
    bool has_num;
    bool is_rate, is_total, is_history;
    bool interpolates;   /* on a grid: linear in time, else the next report's value */
    uint32_t occurrence; /* 1; 2 .. for vectors of one key in one case */
    uint32_t cases_with; /* rows in which it has a value */
};

struct dataset_row { /* along case; text is "" where not known, numbers -1, wall_s NaN */
    enum verdict verdict;
    uint32_t attempt;  /* the one collected; 0 none */
    uint32_t attempts; /* listed */
    bool altered_args;
    const char *ended, *reason, *node, *simulator_version, *source;
    double wall_s;
    int64_t peak_mem_bytes, last_report_step, n_chops, n_problems;
    int64_t source_bytes, source_mtime_ms; /* the source as the store listed it */
    uint64_t values_hash;                  /* of all values but run times (TCPU and kin); 0 none */
};

struct dataset {
    const struct plan *plan;
    const struct design *design;
    const char *plan_digest;
    struct ds_span what; /* vectors and times asked for, one line: "vectors F* times report" */
    int64_t created_unix_s;
    enum summary_units units;
    int64_t epoch_s;            /* earliest START: "seconds since" it */
    struct align_times axis;    /* dimension time */
    struct align_times reports; /* union of the ok cases' report times */
    struct dataset_vector *vectors;
    size_t n_vectors;
    struct dataset_row *rows; /* n_rows of the design */
    uint32_t n_rows;
    uint32_t block_rows; /* rows of one slab and of one chunk of the file */
};

/* Rows of one slab: as many as fit memory_bytes, 1 .. n_rows. */
uint32_t dataset_block_rows(size_t memory_bytes, size_t n_vectors, size_t n_times, uint32_t n_rows);

size_t dataset_blocks(const struct dataset *ds); /* how many blocks of rows that makes */

/* Rows of the block that begins at row `first`: block_rows, but for the last. */
uint32_t dataset_rows_from(const struct dataset *ds, uint32_t first);

/* The last of n values in time that is there, NaN: none. */
float dataset_last_value(const float *values, size_t n);

const char *unit_system_name(enum summary_units u); /* "METRIC" ... "" unknown */

#endif
