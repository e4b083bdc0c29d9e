/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A simulator that simulates nothing, quickly, and fails in every way on request.
 *
 *   nullsim DECK [--output-dir=DIR] [--KEY=VALUE ...]      nullsim --version
 *
 * It writes BASE.SMSPEC, BASE.UNSMRY and BASE.PRT and says on stdout what Flow says. KEY=VALUE also
 * come from the deck: every word after a line NULLSIM up to a slash. Command line wins; there
 * one word may hold several, --KEY=VALUE;KEY=VALUE.
 *
 *   steps=2 days=30        report steps and days of each
 *   sleep_ms=0             spread over the steps; 0 does not sleep
 *   exit=N signal=N        how it ends, after at_step=K steps (default: all)
 *   action_exit=N          end after at_step by ACTIONX's EXIT N: banner, status N
 *   end_step=N             stop quietly after N steps, banner, status 0 (END in an include)
 *   half_step=1            the last step's time stays half a step short of the end
 *   cut=N                  the last N bytes of UNSMRY are missing, status 0 (a full disk)
 *   nosim=1 no_banner=1 no_summary=1 no_prt=1
 *   errors=N bugs=N problems=N chops=N                     in PRT's error summary / on stdout
 *   say=deck|converge|badalloc|unused|nofile               Flow's words for that failure, status 1
 *   mem_mib=N              touch so much memory
 *   fill_mib=N             write a junk file BASE.JUNK; on a full disk go on as Flow does
 *   touch_input=FILE       truncate and rewrite an input file in place
 *   ignore_term=1          SIGTERM is ignored
 *   orphan_ms=N            leave a child in a session of its own that sleeps
 *   marker=FILE            misbehave only when FILE is not there yet (it is made): once
 *   spew_mib=N             so much noise on stdout
 *   env=1                  say affinity and a few variables on stdout
 *
 * Links statically against libc only: it starts in a fraction of a millisecond. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_KEYS   64
#define DECK_BYTES (256 * 1024)
#define FILE_BYTES (1024 * 1024)
#define NAME_BYTES 4096
#define N_VECTORS  3

struct option {
    const char *key, *value;
    size_t key_len, value_len;
};

static struct option options[MAX_KEYS];
static int n_options;
static char deck[DECK_BYTES];
static unsigned char file[FILE_BYTES];
static size_t file_len;
static const char *out_dir = ".";
static char base[256];

static void take_option(const char *text, size_t n)
{
    const char *equals = memchr(text, '=', n);
    if (!equals || n_options == MAX_KEYS)
        return;
    size_t key_len = (size_t)(equals - text);
    options[n_options++] = (struct option){text, equals + 1, key_len, n - key_len - 1};
}

/* KEY=VALUE;KEY=VALUE: so that one placeholder can hand over several. */
static void take_options(const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchr(text, ';');
        if (!end)
            end = text + strlen(text);
        take_option(text, (size_t)(end - text));
    }
}

static const struct option *find(const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < n_options; i++)
        if (options[i].key_len == n && memcmp(options[i].key, key, n) == 0)
            return &options[i];
    return NULL;
}

static long number(const char *key, long otherwise)
{
    const struct option *o = find(key);
    if (!o || o->value_len == 0 || o->value_len > 15)
        return otherwise;
    long value = 0;
    for (size_t i = 0; i < o->value_len; i++) {
        if (o->value[i] < '0' || o->value[i] > '9')
            return otherwise;
        value = value * 10 + (o->value[i] - '0');
    }
    return value;
}

static bool text(const char *key, char *out, size_t room)
{
    const struct option *o = find(key);
    if (!o || o->value_len == 0 || o->value_len >= room)
        return false;
    memcpy(out, o->value, o->value_len);
    out[o->value_len] = '\0';
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void read_deck(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)dprintf(2, "Exception received: Cannot find input case '%s'. Try '--help'\n", path);
        _exit(1);
    }
    ssize_t n = read(fd, deck, sizeof deck - 1);
    (void)close(fd);
    if (n < 0)
        _exit(1);
    const char *p = strstr(deck, "\nNULLSIM");
    if (!p)
        return;
    for (p += strlen("\nNULLSIM"); *p && *p != '/';) {
        const char *from = p;
        while (*p && *p != '/' && !is_blank(*p))
            p++;
        /* a value may hold slashes when quoted: KEY='a/b' */
        if (p > from && *p == '/' && memchr(from, '\'', (size_t)(p - from))) {
            while (*p && !is_blank(*p))
                p++;
        }
        if (p > from)
            take_option(from, (size_t)(p - from));
        while (is_blank(*p))
            p++;
    }
}

static void put(const void *bytes, size_t n)
{
    if (file_len + n <= sizeof file) {
        memcpy(file + file_len, bytes, n);
        file_len += n;
    }
}

static void put_be32(uint32_t v)
{
    unsigned char b[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                          (unsigned char)(v >> 8), (unsigned char)v};
    put(b, 4);
}

static void put_header(const char *name, uint32_t count, const char *type)
{
    char padded[9];
    (void)snprintf(padded, sizeof padded, "%-8s", name);
    put_be32(16);
    put(padded, 8);
    put_be32(count);
    put(type, 4);
    put_be32(16);
}

static void put_whole(const char *name, uint32_t count, const uint32_t *values)
{
    put_header(name, count, "INTE");
    put_be32(4 * count);
    for (uint32_t i = 0; i < count; i++)
        put_be32(values[i]);
    put_be32(4 * count);
}

static void put_words(const char *name, uint32_t count, const char *const *words)
{
    put_header(name, count, "CHAR");
    put_be32(8 * count);
    for (uint32_t i = 0; i < count; i++) {
        char padded[9];
        (void)snprintf(padded, sizeof padded, "%-8s", words[i]);
        put(padded, 8);
    }
    put_be32(8 * count);
}

static void put_real(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_be32(bits);
}

static int create(const char *extension, int flags)
{
    char path[NAME_BYTES + 300];
    (void)snprintf(path, sizeof path, "%s/%s.%s", out_dir, base, extension);
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
}

static void write_out(int fd, const void *data, size_t n)
{
    ssize_t wrote = fd < 0 ? 0 : write(fd, data, n);
    (void)wrote; /* Flow does not look either */
}

static void write_smspec(void)
{
    static const char *const blank[9] = {"", "", "", "", "", "", "", "", ""};
    static const char *const keywords[N_VECTORS] = {"TIME", "FOPR", "FOPT"};
    static const char *const names[N_VECTORS] = {":+:+:+:+", ":+:+:+:+", ":+:+:+:+"};
    static const char *const units[N_VECTORS] = {"DAYS", "SM3/DAY", "SM3"};
    file_len = 0;
    put_whole("INTEHEAD", 2, (const uint32_t[]){1, 100});
    put_words("RESTART", 9, blank);
    put_whole("DIMENS", 6, (const uint32_t[]){N_VECTORS, 1, 1, 1, 0, 0});
    put_words("KEYWORDS", N_VECTORS, keywords);
    put_words("WGNAMES", N_VECTORS, names);
    put_whole("NUMS", N_VECTORS, (const uint32_t[]){0, 0, 0});
    put_words("UNITS", N_VECTORS, units);
    put_whole("STARTDAT", 6, (const uint32_t[]){1, 1, 2015, 0, 0, 0});
    int fd = create("SMSPEC", O_TRUNC);
    write_out(fd, file, file_len);
    (void)close(fd);
}

static void put_step(uint32_t k, float days, float rate)
{
    put_whole("SEQHDR", 1, (const uint32_t[]){0});
    put_whole("MINISTEP", 1, (const uint32_t[]){k});
    put_header("PARAMS", N_VECTORS, "REAL");
    put_be32(4 * N_VECTORS);
    put_real(days);
    put_real(rate);
    put_real(rate * days);
    put_be32(4 * N_VECTORS);
}

static void say_failure(const char *what)
{
    if (strcmp(what, "deck") == 0)
        (void)dprintf(1,
                      "Error: Problem with keyword PORO\nIn %s.DATA line 91.\nInternal error: "
                      "Malformed floating point number '<PORO>'\n",
                      base);
    else if (strcmp(what, "converge") == 0)
        (void)dprintf(1, "Error: Solver failed to converge after cutting timestep 10 times.\n"
                         "Program threw an exception: [x.cpp:1] Solver failed to converge\n");
    else if (strcmp(what, "badalloc") == 0)
        (void)dprintf(2, "Program threw an exception: Could not initialize the problem: "
                         "std::bad_alloc\n");
    else if (strcmp(what, "unused") == 0)
        (void)dprintf(2, "# [unused run-time specified parameters]\nFooBar=\"1\"\n\n"
                         "Aborting simulation due to unknown parameters.\n");
    else if (strcmp(what, "nofile") == 0)
        (void)dprintf(1, "Error: No such file: /abs/path/nope.inc\n");
    _exit(1);
}

static void write_prt(bool summary)
{
    if (number("no_prt", 0))
        return;
    int fd = create("PRT", O_TRUNC);
    char prt[512];
    int n = snprintf(prt, sizeof prt, "Report step  0/%ld at day 0\n", number("steps", 2));
    if (summary)
        n += snprintf(prt + n, sizeof prt - (size_t)n,
                      "\n\nError summary:\nWarnings          1\nInfo              3\n"
                      "Errors            %ld\nBugs              %ld\nDebug             0\n"
                      "Problems          %ld\n\n",
                      number("errors", 0), number("bugs", 0), number("problems", 0));
    write_out(fd, prt, (size_t)n);
    (void)close(fd);
}

static void doze(long ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

static void take_memory(long mib)
{
    if (mib <= 0)
        return;
    size_t n = (size_t)mib << 20;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        say_failure("badalloc");
    for (size_t i = 0; i < n; i += 4096)
        ((volatile char *)p)[i] = 1;
}

static void fill_disk(long mib)
{
    static char junk[1 << 16];
    int fd = mib > 0 ? create("JUNK", O_TRUNC) : -1;
    for (long i = 0; fd >= 0 && i < mib * 16; i++)
        write_out(fd, junk, sizeof junk);
    if (fd >= 0)
        (void)close(fd);
}

static void spew(long mib)
{
    static char noise[1 << 16];
    memset(noise, 'n', sizeof noise);
    for (size_t i = 79; i < sizeof noise; i += 80)
        noise[i] = '\n';
    for (long i = 0; i < mib * 16; i++)
        write_out(1, noise, sizeof noise);
}

static void touch_input(void)
{
    char path[NAME_BYTES];
    if (!text("touch_input", path, sizeof path))
        return;
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        (void)dprintf(1, "cannot write %s: %s\n", path, strerrordesc_np(errno));
    write_out(fd, "spoilt\n", 7);
    if (fd >= 0)
        (void)close(fd);
}

static void leave_orphan(long ms)
{
    if (ms <= 0 || fork() != 0)
        return;
    (void)setsid();
    if (fork() != 0)
        _exit(0);
    (void)close(1);
    (void)close(2);
    doze(ms);
    _exit(0);
}

static void say_environment(void)
{
    static const char *const names[] = {"OMP_NUM_THREADS", "OMPI_MCA_ess_singleton_isolated",
                                        "HOME"};
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)sched_getaffinity(0, sizeof set, &set);
    (void)dprintf(1, "cpus");
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            (void)dprintf(1, " %u", i);
    (void)dprintf(1, "\n");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        (void)dprintf(1, "%s=%s\n", names[i], value ? value : "(none)");
    }
}

/* Once only: the second attempt finds the marker and behaves. */
static bool behaves_now(void)
{
    char path[NAME_BYTES];
    if (!text("marker", path, sizeof path))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return true;
    (void)close(fd);
    return false;
}

static void end_as_asked(void)
{
    int signal_number = (int)number("signal", 0);
    if (signal_number > 0)
        (void)raise(signal_number);
    long status = number("exit", 0);
    if (status > 0)
        _exit((int)status);
}

static void simulate(void)
{
    long steps = number("steps", 2), days = number("days", 30), at = number("at_step", -1);
    long last = number("end_step", steps), each_ms = number("sleep_ms", 0) / (steps ? steps : 1);
    int fd = number("no_summary", 0) ? -1 : create("UNSMRY", O_TRUNC);
    bool stop = find("exit") || find("signal") || find("action_exit");
    if (stop && at >= 0 && at < last)
        last = at;
    file_len = 0;
    for (long k = 0; k < last; k++) {
        (void)dprintf(1, "Report step %2ld/%ld at day %ld/%ld, date = 01-Jan-2015\n", k, steps,
                      k * days, steps * days);
        float t = (float)((k + 1) * days);
        if (number("half_step", 0) && k + 1 == steps)
            t -= (float)days / 2;
        put_step((uint32_t)k, t, 100.0F + (float)k);
        if (each_ms > 0) {
            write_out(fd, file, file_len);
            file_len = 0;
            doze(each_ms);
        }
    }
    size_t cut = (size_t)number("cut", 0);
    write_out(fd, file, file_len > cut ? file_len - cut : 0);
    if (fd >= 0)
        (void)close(fd);
}

static void end_well(void)
{
    for (long i = 0; i < number("chops", 0); i++)
        (void)dprintf(1, "Timestep chopped to 0.5 days\n");
    long action = number("action_exit", -1);
    if (action >= 0)
        (void)dprintf(1, "Simulation exit with status: %ld requested as part of ACTIONX\n", action);
    write_prt(true);
    if (!number("no_banner", 0))
        (void)dprintf(1, "\n\n================    End of simulation     ===============\n\n"
                         "Total time (seconds):            0.00\n");
    if (action > 0)
        _exit((int)action);
}

static void set_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < n && i < sizeof base - 1; i++)
        base[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
}

static void forget(const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < n_options; i++)
        if (options[i].key_len == n && memcmp(options[i].key, key, n) == 0)
            options[i].key_len = 0;
}

static void behave(void)
{
    static const char *const bad[] = {"exit",      "signal", "action_exit", "end_step",
                                      "half_step", "cut",    "nosim",       "no_banner",
                                      "errors",    "bugs",   "say",         "mem_mib",
                                      "sleep_ms",  "no_prt", "no_summary",  "ignore_term"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        forget(bad[i]);
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    static char dir[NAME_BYTES], what[64];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            (void)dprintf(1, "nullsim 1.0\n");
            return 0;
        }
        if (strncmp(argv[i], "--", 2) == 0)
            take_options(argv[i] + 2);
        else if (!path)
            path = argv[i];
    }
    if (!path)
        return 64;
    set_base(path);
    read_deck(path);
    if (text("output-dir", dir, sizeof dir))
        out_dir = dir;
    if (behaves_now())
        behave();
    if (number("ignore_term", 0))
        (void)signal(SIGTERM, SIG_IGN);
    if (number("env", 0))
        say_environment();
    touch_input();
    leave_orphan(number("orphan_ms", 0));
    if (number("nosim", 0)) {
        (void)dprintf(1, "\n================ Simulation turned off ===============\n");
        write_prt(true);
        return 0;
    }
    if (!number("no_summary", 0))
        write_smspec();
    take_memory(number("mem_mib", 0));
    spew(number("spew_mib", 0));
    fill_disk(number("fill_mib", 0));
    simulate();
    if (text("say", what, sizeof what)) {
        write_prt(false);
        say_failure(what);
    }
    end_as_asked();
    end_well();
    return 0;
}
