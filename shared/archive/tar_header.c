/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/tar_header.h"

#include "base/path.h"

#include <assert.h>
#include <stdio.h>

#define USTAR_NAME_BYTES 100u
#define USTAR_MAX_SIZE   UINT64_C(077777777777)
#define PAX_FOLDER       "PaxHeaders/"

/* Offsets of POSIX.1-2001, "ustar Interchange Format". */
enum ustar {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_DEVMAJOR = 329,
    AT_DEVMINOR = 337,
};

static bool is_ascii(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* Length of "<length> <key>=<value>\n", which counts its own digits. */
static size_t record_bytes(const char *key, size_t value_len)
{
    size_t rest = strlen(key) + value_len + 3, digits = 1, limit = 10;
    while (rest + digits >= limit) {
        digits++;
        limit *= 10;
    }
    return rest + digits;
}

struct pax {
    bool path, size;
    char size_text[24];
    size_t path_bytes, size_bytes; /* of the records */
};

static struct pax pax_of(struct ds_span name, uint64_t size)
{
    struct pax p = {.path = name.len > USTAR_NAME_BYTES || !is_ascii(name),
                    .size = size > USTAR_MAX_SIZE};
    int n = snprintf(p.size_text, sizeof p.size_text, "%llu", (unsigned long long)size);
    p.path_bytes = p.path ? record_bytes("path", name.len) : 0;
    p.size_bytes = p.size ? record_bytes("size", (size_t)n) : 0;
    return p;
}

static size_t pax_bytes(const struct pax *p)
{
    size_t records = p->path_bytes + p->size_bytes;
    return records == 0 ? 0 : TAR_BLOCK_BYTES + records + tar_padding(records);
}

size_t tar_header_bytes(struct ds_span name, uint64_t size_bytes)
{
    assert(name.len > 0 && name.len <= PATH_MAX_BYTES);
    struct pax p = pax_of(name, size_bytes);
    return TAR_BLOCK_BYTES + pax_bytes(&p);
}

static void put_octal(unsigned char *field, size_t digits, uint64_t value)
{
    for (size_t i = digits; i > 0; i--, value >>= 3)
        field[i - 1] = (unsigned char)('0' + (value & 7));
    field[digits] = '\0';
}

/* GNU's base-256 where twelve octal digits do not do; the pax record says the same. */
static void put_size(unsigned char *field, uint64_t value)
{
    if (value <= USTAR_MAX_SIZE) {
        put_octal(field, 11, value);
        return;
    }
    memset(field, 0, 12);
    field[0] = 0x80;
    for (size_t i = 12; i > 4; i--, value >>= 8)
        field[i - 1] = (unsigned char)value;
}

/* As much of name as the field takes; what reads only ustar still gets a usable name. */
static void put_name(unsigned char *field, size_t room, struct ds_span name)
{
    for (size_t i = 0; i < name.len && i < room; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        field[i] = c < 0x80 ? c : '_';
    }
}

static const char USTAR_MAGIC[8] = "ustar\00000"; /* without a terminator */

static void put_block(unsigned char *h, uint64_t size, unsigned mode, char type)
{
    unsigned sum = 0;
    put_octal(h + AT_MODE, 7, mode);
    put_octal(h + AT_UID, 7, 0);
    put_octal(h + AT_GID, 7, 0);
    put_size(h + AT_SIZE, size);
    put_octal(h + AT_MTIME, 11, 0);
    h[AT_TYPE] = (unsigned char)type;
    memcpy(h + AT_MAGIC, USTAR_MAGIC, sizeof USTAR_MAGIC);
    put_octal(h + AT_DEVMAJOR, 7, 0);
    put_octal(h + AT_DEVMINOR, 7, 0);
    memset(h + AT_SUM, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
        sum += h[i];
    put_octal(h + AT_SUM, 6, sum);
}

static unsigned char *put_record(unsigned char *at, size_t bytes, const char *key,
                                 struct ds_span value)
{
    char head[48];
    int n = snprintf(head, sizeof head, "%zu %s=", bytes, key);
    memcpy(at, head, (size_t)n);
    memcpy(at + n, value.ptr, value.len);
    at[bytes - 1] = '\n';
    return at + bytes;
}

static unsigned char *put_pax(unsigned char *out, const struct pax *p, struct ds_span name)
{
    size_t folder = strlen(PAX_FOLDER);
    put_name(out + AT_NAME, USTAR_NAME_BYTES, DS_SPAN(PAX_FOLDER));
    put_name(out + AT_NAME + folder, USTAR_NAME_BYTES - folder, path_base(name));
    put_block(out, p->path_bytes + p->size_bytes, 0644, 'x');
    unsigned char *at = out + TAR_BLOCK_BYTES;
    if (p->path)
        at = put_record(at, p->path_bytes, "path", name);
    if (p->size)
        (void)put_record(at, p->size_bytes, "size", ds_span_of(p->size_text));
    return out + pax_bytes(p);
}

size_t tar_header_write(struct ds_span name, uint64_t size_bytes, bool executable,
                        unsigned char out[TAR_HEADER_MAX_BYTES])
{
    size_t n = tar_header_bytes(name, size_bytes);
    struct pax p = pax_of(name, size_bytes);
    unsigned char *at = out;
    memset(out, 0, n);
    if (p.path || p.size)
        at = put_pax(out, &p, name);
    put_name(at + AT_NAME, USTAR_NAME_BYTES, name);
    put_block(at, size_bytes, executable ? 0755 : 0644, '0');
    return n;
}

bool tar_header_matches(const unsigned char *bytes, struct ds_span name, uint64_t size_bytes,
                        bool *executable)
{
    unsigned char expected[TAR_HEADER_MAX_BYTES];
    size_t n = tar_header_write(name, size_bytes, false, expected);
    *executable = false;
    if (memcmp(bytes, expected, n) == 0)
        return true;
    (void)tar_header_write(name, size_bytes, true, expected);
    *executable = true;
    return memcmp(bytes, expected, n) == 0;
}
