/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock_io.h - the time, for shells; pure code gets it as an argument */
#ifndef DS_BASE_CLOCK_IO_H
#define DS_BASE_CLOCK_IO_H

#include <stdint.h>

int64_t clock_unix_ms(void);      /* wall clock */
int64_t clock_monotonic_ms(void); /* for intervals and deadlines */
int64_t clock_monotonic_ns(void);

#endif
