/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep version - versions of the programs, their libraries and the simulator */
#include "base/json.h"
#include "cli/cmd.h"
#include "scheduler/backend_local_io.h"
#include "scheduler/simulator_io.h"

#include <archive.h>
#include <cjson/cJSON.h>
#include <gsl/gsl_version.h>
#include <hwloc.h>
#include <netcdf.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <yaml.h>
#include <zstd.h>

#define TEXT_BYTES 128u

struct versions {
    char agent[4096]; /* path, "" when it is not found */
    struct ds_span flow_path, flow_version;
};

struct library {
    const char *name;
    char version[TEXT_BYTES];
};

#define N_LIBRARIES 8u

/* "OpenSSL 3.0.15 3 Sep 2024" -> "3.0.15": the first word that starts with a digit. */
static void keep_number(char version[TEXT_BYTES])
{
    struct ds_span rest = ds_span_of(version), word;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, ' ', &word);
        if (word.len == 0 || word.ptr[0] < '0' || word.ptr[0] > '9')
            continue;
        memmove(version, word.ptr, word.len);
        version[word.len] = '\0';
        return;
    }
}

/* What is loaded now, not what was compiled against. */
static void ask_libraries(struct library out[N_LIBRARIES])
{
    unsigned hwloc = hwloc_get_api_version();
    static const char *const NAMES[N_LIBRARIES] = {"cJSON",     "GSL",     "hwloc",   "libarchive",
                                                   "libnetcdf", "libyaml", "OpenSSL", "zstd"};
    for (size_t i = 0; i < N_LIBRARIES; i++)
        out[i].name = NAMES[i];
    (void)snprintf(out[0].version, TEXT_BYTES, "%s", cJSON_Version());
    (void)snprintf(out[1].version, TEXT_BYTES, "%s", gsl_version);
    (void)snprintf(out[2].version, TEXT_BYTES, "%u.%u.%u", hwloc >> 16, hwloc >> 8 & 0xff,
                   hwloc & 0xff);
    (void)snprintf(out[3].version, TEXT_BYTES, "%s", archive_version_string());
    (void)snprintf(out[4].version, TEXT_BYTES, "%s", nc_inq_libvers());
    (void)snprintf(out[5].version, TEXT_BYTES, "%s", yaml_get_version_string());
    (void)snprintf(out[6].version, TEXT_BYTES, "%s", OpenSSL_version(OPENSSL_VERSION));
    (void)snprintf(out[7].version, TEXT_BYTES, "%s", ZSTD_versionString());
    for (size_t i = 0; i < N_LIBRARIES; i++)
        keep_number(out[i].version);
}

static void ask_programs(const struct cli *cli, struct versions *v)
{
    struct ds_err ignored; /* absent is an answer here */
    if (local_find_agent(v->agent, &ignored) < 0)
        v->agent[0] = '\0';
    if (simulator_find(DS_SPAN("flow"), cli->arena, &v->flow_path, &ignored) < 0)
        v->flow_path = (struct ds_span){"", 0};
    else if (simulator_ask_version(v->flow_path, cli->arena, &v->flow_version, &ignored) < 0)
        v->flow_version = (struct ds_span){"", 0};
}

static void put_json(const struct versions *v, const struct library *libs, struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "decksweep", DECKSWEEP_VERSION);
    jw_kv_cstr(&w, "agent", v->agent);
    jw_key(&w, "simulator");
    if (v->flow_path.len == 0) {
        jw_null(&w);
    } else {
        jw_object(&w);
        jw_kv_cstr(&w, "name", "flow");
        jw_kv_text(&w, "path", v->flow_path);
        jw_kv_text(&w, "version", v->flow_version);
        jw_end_object(&w);
    }
    jw_key(&w, "libraries");
    jw_object(&w);
    for (size_t i = 0; i < N_LIBRARIES; i++)
        jw_kv_cstr(&w, libs[i].name, libs[i].version);
    jw_end_object(&w);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}

static void put_text(const struct versions *v, const struct library *libs, struct ds_buf *out)
{
    (void)buf_printf(out, "%-12s %s\n", "decksweep", DECKSWEEP_VERSION);
    (void)buf_printf(out, "%-12s %s\n", "agent",
                     v->agent[0] ? v->agent : "not found (decksweep-agent)");
    if (v->flow_path.len > 0)
        (void)buf_printf(out, "%-12s %.*s (%.*s)\n", "flow",
                         DS_FMT(v->flow_version.len ? v->flow_version : DS_SPAN("unknown version")),
                         DS_FMT(v->flow_path));
    else
        (void)buf_printf(out, "%-12s not found in PATH\n", "flow");
    for (size_t i = 0; i < N_LIBRARIES; i++)
        (void)buf_printf(out, "%-12s %s\n", libs[i].name, libs[i].version);
}

static int run(struct cli *cli)
{
    struct versions v = {.flow_path = {"", 0}, .flow_version = {"", 0}};
    struct library libs[N_LIBRARIES];
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    ask_programs(cli, &v);
    ask_libraries(libs);
    if (cli->json)
        put_json(&v, libs, &out);
    else
        put_text(&v, libs, &out);
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
