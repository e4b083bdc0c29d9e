/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/env_io.h"

#include "decksweep/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *env_get(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): only setenv beside it would be
}

const char *env_temporary_folder(const char *given)
{
    const char *dir = given && *given ? given : env_get("TMPDIR");
    return dir && *dir ? dir : "/var/tmp";
}

bool env_is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool env_find_program(const char *name, char *path, size_t room)
{
    struct ds_span rest = ds_span_of(env_get("PATH")), folder;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, ':', &folder);
        int n = snprintf(path, room, "%.*s/%s", DS_FMT(folder), name);
        if (folder.len > 0 && n > 0 && (size_t)n < room && env_is_program(path))
            return true;
    }
    return false;
}
