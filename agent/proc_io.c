/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_io.c - raw system calls and stack buffers only: half of the callers are forked */
#include "agent/proc_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct linux_dirent64 { /* getdents64(2) */
    uint64_t d_ino;
    int64_t d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[];
};

/* "<pid>/<file>" without stdio. */
static void pid_path(pid_t pid, const char *file, char out[48])
{
    char digits[16];
    size_t n = 0;
    size_t at = 0;
    unsigned v = (unsigned)pid;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n > 0)
        out[at++] = digits[--n];
    out[at++] = '/';
    for (size_t i = 0; file[i] && at < 47; i++)
        out[at++] = file[i];
    out[at] = '\0';
}

static ssize_t read_all(int fd, char *data, size_t room)
{
    size_t n = 0;
    while (n < room) {
        ssize_t got = read(fd, data + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return n > 0 ? (ssize_t)n : got;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static ssize_t read_of(int proc_fd, pid_t pid, const char *file, char *data, size_t room)
{
    char path[48];
    pid_path(pid, file, path);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read_all(fd, data, room);
    close(fd);
    return n;
}

bool proc_read_stat(int proc_fd, pid_t pid, struct proc_stat *out)
{
    char text[1024];
    ssize_t n = read_of(proc_fd, pid, "stat", text, sizeof(text));
    return n > 0 && proc_stat_parse((struct ds_span){text, (size_t)n}, out);
}

bool proc_read_pss(int proc_fd, pid_t pid, uint64_t *bytes)
{
    char text[2048];
    ssize_t n = read_of(proc_fd, pid, "smaps_rollup", text, sizeof(text));
    return n > 0 && proc_pss_parse((struct ds_span){text, (size_t)n}, bytes);
}

/* Look for text in data; copy what follows it. more: data goes on, so a rest without its NUL is cut
 * and stands whole in the next window. */
static bool find_in(const char *data, size_t n, bool more, struct ds_span text, char *rest,
                    size_t room)
{
    const char *hit = n >= text.len ? memmem(data, n, text.ptr, text.len) : NULL;
    if (!hit)
        return false;
    size_t at = (size_t)(hit - data) + text.len;
    size_t len = 0;
    if (more && n - at < room && !memchr(data + at, '\0', n - at))
        return false;
    while (at + len < n && data[at + len] && len + 1 < room) {
        rest[len] = data[at + len];
        len++;
    }
    rest[len] = '\0';
    return true;
}

/* Windows of 16 KiB that overlap by 512, so that no text is cut in two. */
bool proc_find_environ(int proc_fd, pid_t pid, const char *text, char *rest, size_t room)
{
    char path[48];
    char data[16384];
    const size_t keep = 512;
    struct ds_span want = ds_span_of(text);
    pid_path(pid, "environ", path);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t have = 0;
    bool found = false;
    for (unsigned windows = 0; windows < 512; windows++) { /* 8 MiB: ARG_MAX and more */
        ssize_t n = read_all(fd, data + have, sizeof(data) - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        found = find_in(data, have, have == sizeof(data), want, rest, room);
        if (found || have < sizeof(data))
            break;
        memmove(data, data + have - keep, keep);
        have = keep;
    }
    close(fd);
    return found;
}

bool proc_last_pid(int proc_fd, pid_t *pid)
{
    char text[128];
    int fd = openat(proc_fd, "loadavg", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read_all(fd, text, sizeof(text));
    close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    pid_t value = 0;
    pid_t scale = 1;
    bool any = false;
    for (; n > 0 && text[n - 1] >= '0' && text[n - 1] <= '9' && scale <= 100000000; n--) {
        value += (text[n - 1] - '0') * scale;
        scale *= 10;
        any = true;
    }
    *pid = value;
    return any && n > 0 && text[n - 1] == ' ';
}

static pid_t pid_of_name(const char *name)
{
    pid_t pid = 0;
    for (; *name >= '0' && *name <= '9' && pid < 100000000; name++)
        pid = pid * 10 + (*name - '0');
    return *name ? 0 : pid;
}

bool proc_each(int proc_fd, bool (*each)(void *arg, pid_t pid, uint64_t inode), void *arg)
{
    _Alignas(struct linux_dirent64) char data[16384];
    if (lseek(proc_fd, 0, SEEK_SET) < 0)
        return false;
    for (;;) {
        long n = syscall(SYS_getdents64, proc_fd, data, sizeof(data));
        if (n <= 0)
            return n == 0;
        for (long at = 0; at < n;) {
            const struct linux_dirent64 *e = (const void *)(data + at);
            at += e->d_reclen;
            pid_t pid = pid_of_name(e->d_name);
            if (pid > 0 && !each(arg, pid, e->d_ino))
                return true;
        }
    }
}
