/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/summary_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_summary(data, size, true);
}
