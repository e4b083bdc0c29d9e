/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of temporaries say who writes them, so that what a crash left can be told from what
 * is being written now. A pid means something only inside its pid namespace: containers
 * may share a host name, so the namespace stands in the name too. */
#include "base/units.h"
#include "store/dir_store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TEMP_PREFIX     ".tmp."
#define TEMP_MAX_AGE_S  86400
#define TEMP_NAME_TRIES 1000

static atomic_ullong next_temp; /* of this process: several stores may share a folder */

static void keep_plain(char *text)
{
    for (char *p = text; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
            *p = '-';
}

void dir_temp_host(char out[DIR_HOST_BYTES])
{
    char name[DIR_HOST_BYTES] = "", link[64] = "";
    unsigned long long space = 0;
    if (gethostname(name, sizeof name) < 0)
        name[0] = '\0';
    name[40] = '\0'; /* room for the namespace */
    keep_plain(name);
    ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; link[i] != '\0'; i++)
        if (link[i] >= '0' && link[i] <= '9')
            space = space * 10 + (unsigned)(link[i] - '0');
    (void)snprintf(out, DIR_HOST_BYTES, "%s.%llu", name[0] ? name : "unnamed", space);
}

void dir_temp_name(const struct dir_store *s, char out[DIR_TEMP_BYTES])
{
    (void)snprintf(out, DIR_TEMP_BYTES, TEMP_PREFIX "%s.%ld.%llu", s->host, (long)getpid(),
                   (unsigned long long)atomic_fetch_add(&next_temp, 1));
}

static struct ds_span cut_last(struct ds_span *s)
{
    size_t i = s->len;
    while (i > 0 && s->ptr[i - 1] != '.')
        i--;
    struct ds_span last = {s->ptr + i, s->len - i};
    s->len = i > 0 ? i - 1 : 0;
    return last;
}

bool dir_temp_is_dead(const struct dir_store *s, const char *name, int64_t mtime_s, int64_t now_s)
{
    struct ds_span rest = ds_span_of(name);
    uint64_t pid, n;
    if (rest.len <= strlen(TEMP_PREFIX) || !ds_span_starts(rest, TEMP_PREFIX))
        return false;
    rest = (struct ds_span){rest.ptr + strlen(TEMP_PREFIX), rest.len - strlen(TEMP_PREFIX)};
    if (units_parse_u64(cut_last(&rest), UINT64_MAX, &n, NULL) < 0
        || units_parse_u64(cut_last(&rest), INT32_MAX, &pid, NULL) < 0 || pid == 0)
        return false; /* not one of ours */
    if (mtime_s < now_s - TEMP_MAX_AGE_S)
        return true;
    return ds_span_is(rest, s->host) && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

int dir_temp_create(const struct dir_store *s, int folder_fd, char name[DIR_TEMP_BYTES], int *fd)
{
    for (int i = 0; i < TEMP_NAME_TRIES; i++) {
        dir_temp_name(s, name);
        *fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd >= 0)
            return 0;
        if (errno != EEXIST) /* left by a dead process that had our pid */
            break;
    }
    return errno;
}
