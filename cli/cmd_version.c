/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep version - versions of the program, its libraries and the simulator */
#include "base/json.h"
#include "cli/cmd.h"

static int run(struct cli *cli)
{
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    if (cli->json) {
        struct json_writer w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_cstr(&w, "decksweep", DECKSWEEP_VERSION);
        jw_end_object(&w);
        (void)buf_put_char(&out, '\n');
    } else {
        (void)buf_printf(&out, "decksweep %s\n", DECKSWEEP_VERSION);
    }
    cli_put(cli, &out);
    return CLI_OK;
}

const struct cmd_entry cmd_version = {
    .name = "version",
    .args = "",
    .summary = "show versions of programs, libraries and simulator",
    .json = true,
    .run = run,
};
