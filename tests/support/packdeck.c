/* SPDX-License-Identifier: GPL-3.0-or-later */
/* packdeck SWEEP ARCHIVE: the archive that brings a sweep's deck into a cluster, as submit makes
 * it. Prints the plan's digest and the first 16 hex of the archive's SHA-256. */
#include "base/fs_io.h"
#include "scheduler/plan_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int pack(const struct planned *p, const char *path, char sha[SHA256_HEX_BYTES],
                struct ds_err *err)
{
    uint64_t bytes;
    ds_auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "%s", path)
                  : plan_write_deck(p, fd, &bytes, sha, err);
}

int main(int argc, char **argv)
{
    struct planned *p = NULL;
    struct plan_faults faults;
    struct ds_err err = {0};
    char sha[SHA256_HEX_BYTES];
    if (argc != 3)
        return 2;
    int rc = plan_load(argv[1], &p, &faults, &err);
    rc = rc < 0 ? rc : pack(p, argv[2], sha, &err);
    if (rc < 0)
        (void)fprintf(stderr, "packdeck: %s\n", err.text);
    else
        (void)printf("%s %.16s\n", planned_view(p)->digest, sha);
    planned_destroy(p);
    return rc < 0;
}
