/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/pod_io.h"

#include "base/fs_io.h"
#include "base/log_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_CHUNK_BYTES  ((size_t)8 << 20)
#define MESSAGE_CAP_BYTES 4096u

/* "/decksweep" of "/decksweep/bin/decksweep-agent". */
static int own_folder(char out[PATH_MAX], struct ds_err *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0)
        return ds_fail_errno(err, DS_EIO, errno, "/proc/self/exe");
    out[n] = '\0';
    *strrchr(out, '/') = '\0'; /* the kernel's path is absolute */
    if (!ds_span_ends(ds_span_of(out), "/bin"))
        return ds_fail(err, DS_EINPUT,
                       "%s is no bin/ beside a lib/: these programs were not installed for pods",
                       out);
    *strrchr(out, '/') = '\0';
    return 0;
}

static int copy_bytes(int from, int to, struct ds_err *err)
{
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK_BYTES, 0);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            break;
    }
    /* Not between these file systems: by hand, from where it stands. */
    char block[1u << 16];
    for (;;) {
        ssize_t n = read(from, block, sizeof block);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ds_fail_errno(err, DS_EIO, errno, "read");
        int rc = fs_write_all(to, block, (size_t)n, err);
        if (rc < 0)
            return rc;
    }
}

static int copy_file(int from_dir, int to_dir, const char *name, struct ds_err *err)
{
    struct stat st;
    ds_auto_fd from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return 0;
    (void)unlinkat(to_dir, name, 0);
    ds_auto_fd to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (to < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    int rc = copy_bytes(from, to, err);
    if (rc == 0 && close(ds_take_fd(&to)) < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "close");
    return rc < 0 ? ds_wrap(err, "%s", name) : 0;
}

static int copy_folder(const char *from, const char *to, struct ds_err *err)
{
    int rc = fs_make_dirs(to, err);
    if (rc < 0)
        return rc;
    ds_auto_fd to_dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int from_dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = from_dir < 0 ? NULL : fdopendir(from_dir);
    if (!d || to_dir < 0) {
        rc = ds_fail_errno(err, DS_EIO, errno, "%s to %s", from, to);
        if (!d && from_dir >= 0)
            (void)close(from_dir);
        else if (d)
            (void)closedir(d);
        return rc;
    }
    struct dirent *e;
    while (rc == 0 && (e = readdir(d)) != NULL) // NOLINT(concurrency-mt-unsafe): own DIR
        if (e->d_name[0] != '.')
            rc = copy_file(from_dir, to_dir, e->d_name, err);
    (void)closedir(d);
    return rc < 0 ? ds_wrap(err, "%s", to) : 0;
}

int pod_install(const char *dir, struct ds_err *err)
{
    static const char *const folders[] = {"bin", "lib"};
    char own[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
    int rc = own_folder(own, err);
    for (size_t i = 0; i < DS_COUNT(folders) && rc == 0; i++) {
        int n = snprintf(from, sizeof from, "%s/%s", own, folders[i]);
        int m = snprintf(to, sizeof to, "%s/%s", dir, folders[i]);
        if (n < 0 || (size_t)n >= sizeof from || m < 0 || (size_t)m >= sizeof to)
            return ds_fail(err, DS_EINPUT, "%s: name too long", dir);
        rc = copy_folder(from, to, err);
    }
    return rc;
}

void pod_leave_message(const char *path, const struct chunk_report *report)
{
    ds_auto_buf text;
    struct ds_err err = {0};
    buf_init(&text, MESSAGE_CAP_BYTES);
    if (chunk_report_encode(report, &text, &err) < 0)
        return;
    ds_auto_fd fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 || fs_write_all(fd, text.data, text.len, &err) < 0)
        log_warn("%s is not written; only the store knows how this worker ended", path);
}
