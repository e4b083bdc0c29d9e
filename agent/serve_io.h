/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve_io.h - the program of a store pod: one sweep's folder over HTTP; see serve.h */
#ifndef DS_AGENT_SERVE_IO_H
#define DS_AGENT_SERVE_IO_H

#include "cmd/program_io.h"

extern const struct cmd_entry cmd_serve; /* decksweep-agent serve */

#endif
