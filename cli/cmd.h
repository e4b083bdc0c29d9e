/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd.h - the commands of decksweep; the framework is shared/cmd
 *
 * A command is one file cmd_<name>.c that ends in its entry; add it here and to the table in
 * main.c, and it has --help, a place in the man page and completion. */
#ifndef DS_CLI_CMD_H
#define DS_CLI_CMD_H

#include "cmd/program_io.h"

extern const struct cmd_entry cmd_init;
extern const struct cmd_entry cmd_plan;
extern const struct cmd_entry cmd_render;
extern const struct cmd_entry cmd_run;
extern const struct cmd_entry cmd_submit;
extern const struct cmd_entry cmd_cancel;
extern const struct cmd_entry cmd_suspend;
extern const struct cmd_entry cmd_resume;
extern const struct cmd_entry cmd_status;
extern const struct cmd_entry cmd_ls;
extern const struct cmd_entry cmd_show;
extern const struct cmd_entry cmd_logs;
extern const struct cmd_entry cmd_fetch;
extern const struct cmd_entry cmd_collect;
extern const struct cmd_entry cmd_verify;
extern const struct cmd_entry cmd_prune;
extern const struct cmd_entry cmd_census;
extern const struct cmd_entry cmd_topology;
extern const struct cmd_entry cmd_version;

#endif
