/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/dataset.h"

#include <math.h>

/* A chunk larger than this gains no compression and costs every reader memory. */
#define CHUNK_MAX_BYTES ((size_t)2 << 20)

uint32_t dataset_block_rows(size_t memory_bytes, size_t n_vectors, size_t n_times, uint32_t n_rows)
{
    size_t chunk_row = (n_times ? n_times : 1) * sizeof(float);
    size_t row = chunk_row * (n_vectors ? n_vectors : 1);
    size_t rows = memory_bytes / row;
    if (rows > CHUNK_MAX_BYTES / chunk_row)
        rows = CHUNK_MAX_BYTES / chunk_row;
    if (rows > n_rows)
        rows = n_rows;
    return rows < 1 ? 1 : (uint32_t)rows;
}

size_t dataset_blocks(const struct dataset *ds)
{
    return ((size_t)ds->n_rows + ds->block_rows - 1) / ds->block_rows;
}

uint32_t dataset_rows_from(const struct dataset *ds, uint32_t first)
{
    return ds->n_rows - first < ds->block_rows ? ds->n_rows - first : ds->block_rows;
}

float dataset_last_value(const float *values, size_t n)
{
    while (n > 0 && isnan(values[n - 1]))
        n--;
    return n > 0 ? values[n - 1] : NAN;
}

const char *unit_system_name(enum summary_units u)
{
    switch (u) {
    case SUMMARY_METRIC:
        return "METRIC";
    case SUMMARY_FIELD:
        return "FIELD";
    case SUMMARY_LAB:
        return "LAB";
    case SUMMARY_PVT_M:
        return "PVT-M";
    case SUMMARY_UNITS_UNKNOWN:
        break;
    }
    return "";
}
