/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The do-nothing simulator of bench/dispatch: `quicksim DECK` writes BASE.SMSPEC, BASE.UNSMRY (three
 * steps of ten days) and BASE.PRT into its working folder, says what Flow says, and ends.
 *
 * No libc: its start-up asks the CPU for its caches, which on a virtual machine costs more
 * than everything else here together, and a benchmark of dispatching should not measure that.
 * It is for x86-64 and aarch64 only. */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
static long call(long n, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
enum { CALL_WRITE = 1, CALL_CLOSE = 3, CALL_EXIT = 231, CALL_OPENAT = 257 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#elif defined(__aarch64__)
static long call(long n, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
enum { CALL_WRITE = 64, CALL_CLOSE = 57, CALL_EXIT = 94, CALL_OPENAT = 56 };
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#else
#error "bench/dispatch knows x86-64 and aarch64"
#endif

#define HERE       (-100L) /* AT_FDCWD */
#define CREATE     01101L  /* O_WRONLY | O_CREAT | O_TRUNC, the same on both */
#define N_VECTORS  3u
#define N_STEPS    3u
#define FILE_BYTES 2048u
#define NAME_BYTES 200u

static unsigned char file[FILE_BYTES];
static size_t file_len;

void begin(long *stack) __attribute__((noreturn, used));

static void put_byte(unsigned char b)
{
    if (file_len < sizeof file)
        file[file_len++] = b;
}

static void put_be32(uint32_t v)
{
    put_byte((unsigned char)(v >> 24));
    put_byte((unsigned char)(v >> 16));
    put_byte((unsigned char)(v >> 8));
    put_byte((unsigned char)v);
}

static void put_padded(const char *text, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put_byte((unsigned char)(*text ? *text++ : ' '));
}

static void put_header(const char *name, uint32_t count, const char *type)
{
    put_be32(16);
    put_padded(name, 8);
    put_be32(count);
    put_padded(type, 4);
    put_be32(16);
}

static void put_whole(const char *name, const uint32_t *values, uint32_t count)
{
    put_header(name, count, "INTE");
    put_be32(4 * count);
    for (uint32_t i = 0; i < count; i++)
        put_be32(values[i]);
    put_be32(4 * count);
}

/* words: count of them, a blank between */
static void put_words(const char *name, const char *words, uint32_t count)
{
    put_header(name, count, "CHAR");
    put_be32(8 * count);
    for (uint32_t i = 0; i < count; i++) {
        unsigned n = 0;
        for (; *words && *words != ' '; words++, n++)
            put_byte((unsigned char)*words);
        for (; n < 8; n++)
            put_byte(' ');
        words += *words == ' ';
    }
    put_be32(8 * count);
}

static void write_file(const char *base, const char *extension)
{
    char name[NAME_BYTES + 16];
    size_t n = 0;
    for (; base[n] && base[n] != '.' && n < NAME_BYTES; n++)
        name[n] = base[n];
    for (; *extension; extension++)
        name[n++] = *extension;
    name[n] = '\0';
    long fd = call(CALL_OPENAT, HERE, (long)name, CREATE, 0666);
    (void)call(CALL_WRITE, fd, (long)file, (long)file_len, 0);
    (void)call(CALL_CLOSE, fd, 0, 0, 0);
    file_len = 0;
}

static uint32_t bits_of(float value)
{
    union {
        float f;
        uint32_t u;
    } x = {.f = value};
    return x.u;
}

static void write_summary(const char *base)
{
    static const uint32_t head[] = {1, 100}, dims[] = {N_VECTORS, 1, 1, 1, 0, 0},
                          nums[] = {0, 0, 0}, start[] = {1, 1, 2015, 0, 0, 0}, zero[] = {0};
    put_whole("INTEHEAD", head, 2);
    put_whole("DIMENS", dims, 6);
    put_words("KEYWORDS", "TIME FOPR FOPT", N_VECTORS);
    put_words("WGNAMES", ":+:+:+:+ :+:+:+:+ :+:+:+:+", N_VECTORS);
    put_whole("NUMS", nums, N_VECTORS);
    put_words("UNITS", "DAYS SM3/DAY SM3", N_VECTORS);
    put_whole("STARTDAT", start, 6);
    write_file(base, ".SMSPEC");
    for (uint32_t k = 0; k < N_STEPS; k++) {
        float days = 10.0F * (float)(k + 1);
        put_whole("SEQHDR", zero, 1);
        put_whole("MINISTEP", &k, 1);
        put_header("PARAMS", N_VECTORS, "REAL");
        put_be32(4 * N_VECTORS);
        put_be32(bits_of(days));
        put_be32(bits_of(100.0F));
        put_be32(bits_of(100.0F * days));
        put_be32(4 * N_VECTORS);
    }
    write_file(base, ".UNSMRY");
}

static const char prt[] = "Report step  2/3 at day 20/30, date = 21-Jan-2015\n\n"
                          "Error summary:\nWarnings          0\nInfo              0\n"
                          "Errors            0\nBugs              0\nDebug             0\n"
                          "Problems          0\n\n";
static const char said[] = "Report step  0/3 at day 0/30, date = 01-Jan-2015\n"
                           "Report step  1/3 at day 10/30, date = 11-Jan-2015\n"
                           "Report step  2/3 at day 20/30, date = 21-Jan-2015\n\n\n"
                           "================    End of simulation     ===============\n";

void begin(long *stack)
{
    const char *deck = stack[0] >= 2 ? (const char *)stack[2] : "DECK.DATA"; // NOLINT
    write_summary(deck);
    for (size_t i = 0; i < sizeof prt - 1; i++)
        put_byte((unsigned char)prt[i]);
    write_file(deck, ".PRT");
    (void)call(CALL_WRITE, 1, (long)said, (long)(sizeof said - 1), 0);
    for (;;)
        (void)call(CALL_EXIT, 0, 0, 0, 0);
}
