/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evilhttp SCRIPT LOG [PORT] - the server of evil_http.h for shell tests: prints its port, serves
 * until it is killed. */
#include "base/fs_io.h"
#include "evil_http.h"

int main(int argc, char **argv)
{
    struct ds_err err;
    struct ds_span script;
    uint16_t port = argc > 3 ? (uint16_t)evil_number(ds_span_of(argv[3])) : 0;
    if (argc < 3)
        return 2;
    ds_auto_arena a = arena_create(64u << 20);
    if (fs_read_file(argv[1], 16u << 20, a, &script, &err) < 0) {
        (void)fprintf(stderr, "evilhttp: %s\n", err.text);
        return 2;
    }
    (void)setpgid(0, 0);
    struct evil *e = evil_create(script.ptr, argv[2]);
    int listener = evil_listen(&port);
    (void)printf("%u\n", port);
    (void)fflush(stdout);
    evil_serve(e, listener);
    evil_destroy(e);
    return 0;
}
