/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naughty.c - a process that behaves as badly as a simulator can
 *
 *   naughty sleep SECONDS          naughty hog MIB [SECONDS]     touch so much memory, then sleep
 *   naughty share MIB SECONDS      two processes that touch the same memory
 *   naughty exit CODE              naughty signal NUMBER         die by it
 *   naughty deaf SECONDS           ignore SIGTERM
 *   naughty storm N SECONDS        N children, each with a child of its own, then sleep
 *   naughty rabbit SECONDS         children that die at once after forking the next, for so long
 *   naughty daemon SECONDS         double fork with setsid, the first process exits at once
 *   naughty hidden SECONDS         the same with an empty environment
 *   naughty keep SECONDS           double fork with setsid, the first process stays
 *   naughty fds                    print the open descriptors
 *   naughty masks                  print blocked and ignored signals
 *   naughty leak | overflow | undefined   what a sanitizer reports; nothing without one */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double number(char **argv, int at)
{
    return argv[at] ? strtod(argv[at], NULL) : 0;
}

static void rest(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    while (nanosleep(&t, &t) < 0)
        ;
}

static int hog(double mib, double seconds)
{
    size_t bytes = (size_t)mib << 20;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 1;
    memset(p, 1, bytes);
    rest(seconds);
    return 0;
}

static int share(double mib, double seconds)
{
    size_t bytes = (size_t)mib << 20;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 1;
    (void)fork();
    for (size_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    rest(seconds);
    return 0;
}

static int storm(int n, double seconds)
{
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            (void)fork();
            rest(seconds);
            _exit(0);
        }
    }
    rest(seconds);
    return 0;
}

static int rabbit(double seconds)
{
    time_t end = time(NULL) + (time_t)seconds;
    while (time(NULL) < end) {
        pid_t child = fork();
        if (child > 0)
            _exit(0);
        if (child < 0)
            rest(0.001);
    }
    return 0;
}

static int escape(char *self, const char *seconds, int hidden, int stay)
{
    static char *const NOTHING[] = {NULL};
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() > 0)
            _exit(0);
        char word[] = "sleep";
        char *argv[] = {self, word, (char *)(unsigned long)seconds, NULL};
        execve("/proc/self/exe", argv, hidden ? NOTHING : environ);
        _exit(1);
    }
    (void)waitpid(child, NULL, 0);
    if (stay)
        rest(strtod(seconds, NULL));
    return 0;
}

static int print_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] != '.' && strtol(e->d_name, NULL, 10) != dirfd(d))
            printf("%s ", e->d_name);
    }
    puts("");
    return d ? closedir(d) : 1;
}

static int print_masks(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6))
            fputs(line, stdout);
    }
    return f ? fclose(f) : 1;
}

/* One byte of the heap lost, one read behind its end, or a shift by the width of the type. */
static int err_in_c(const char *what)
{
    volatile int zero = 0;
    char *volatile heap = calloc(8, 1);
    if (!heap)
        return 1;
    if (*what == 'o')
        zero = heap[8 + zero];
    if (*what == 'u')
        zero = 1 << (32 + zero);
    if (*what != 'l')
        free(heap);
    heap = NULL;
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "deaf"))
        (void)signal(SIGTERM, SIG_IGN);
    if (!strcmp(what, "sleep") || !strcmp(what, "deaf"))
        rest(number(argv, 2));
    else if (!strcmp(what, "hog"))
        return hog(number(argv, 2), argc > 3 ? number(argv, 3) : 0);
    else if (!strcmp(what, "share"))
        return share(number(argv, 2), number(argv, 3));
    else if (!strcmp(what, "exit"))
        return (int)number(argv, 2);
    else if (!strcmp(what, "signal"))
        return raise((int)number(argv, 2));
    else if (!strcmp(what, "storm"))
        return storm((int)number(argv, 2), number(argv, 3));
    else if (!strcmp(what, "rabbit"))
        return rabbit(number(argv, 2));
    else if (!strcmp(what, "daemon") || !strcmp(what, "hidden") || !strcmp(what, "keep"))
        return escape(argv[0], argv[2], *what == 'h', *what == 'k');
    else if (!strcmp(what, "fds"))
        return print_fds();
    else if (!strcmp(what, "masks"))
        return print_masks();
    else if (!strcmp(what, "leak") || !strcmp(what, "overflow") || !strcmp(what, "undefined"))
        return err_in_c(what);
    else
        return 2;
    return 0;
}
