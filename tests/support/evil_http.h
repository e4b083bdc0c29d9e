/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evil_http.h - a scripted HTTP/1.1 server that misbehaves on purpose
 *
 * On 127.0.0.1, a child for each connection; rules are used up together. The script:
 *
 *   rule GET /path*glob?query* [N]   for the first N such requests (0 or nothing: for all)
 *   delay MS                         before anything is sent
 *   status 503                       the head: a status and headers ...
 *   header Retry-After: 1
 *   body TEXT                        ... a body with its right length
 *   length N                         (before body) another length than that
 *   repeat N TEXT                    a body of N times TEXT
 *   chunk TEXT                       a piece of a chunked body, sent at once
 *   chunks N MS TEXT                 N pieces, MS apart
 *   raw TEXT                         bytes as they are
 *   pause MS                         between pieces
 *   cut | reset | hang               FIN now | RST now | say nothing more until they go
 *   close                            end the connection after this answer
 *
 * In TEXT \n \r \t \\ \xHH are bytes. Rules are tried in order; the first that fits and is not
 * used up answers; none: 404. A rule without status answers 200. Requests are logged as
 * "METHOD TARGET bytes=N auth=VALUE body=FIRST" lines, body to its first 200 bytes. */
#ifndef DS_TESTS_EVIL_HTTP_H
#define DS_TESTS_EVIL_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVIL_RULES   64u
#define EVIL_ACTIONS 64u
#define EVIL_HEAD    65536u

struct evil_action {
    struct ds_span verb, rest;
};

struct evil_rule {
    struct ds_span method, glob;
    unsigned times;
    struct evil_action action[EVIL_ACTIONS];
    size_t n;
};

struct evil {
    struct evil_rule rule[EVIL_RULES];
    size_t n_rules;
    unsigned *used; /* shared by all children */
    int log_fd;
    struct ds_arena *a;
};

static void evil_die(const char *what)
{
    (void)fprintf(stderr, "evil_http: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static unsigned evil_number(struct ds_span s)
{
    uint64_t v = 0;
    if (units_parse_u64(ds_span_trim(s), 1000000000, &v, NULL) < 0)
        evil_die("a number is expected");
    return (unsigned)v;
}

static int evil_hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static struct ds_span evil_text(struct evil *e, struct ds_span s)
{
    char *to = arena_take(e->a, s.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\' && i + 1 < s.len) {
            c = s.ptr[++i];
            if (c == 'x' && i + 2 < s.len) {
                c = (char)(evil_hex(s.ptr[i + 1]) * 16 + evil_hex(s.ptr[i + 2]));
                i += 2;
            } else {
                c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
            }
        }
        to[n++] = c;
    }
    return (struct ds_span){to, n};
}

static void evil_parse(struct evil *e, struct ds_span script)
{
    struct ds_span line, verb;
    while (script.len > 0) {
        script = ds_span_cut(script, '\n', &line);
        struct ds_span rest = ds_span_cut(ds_span_trim(line), ' ', &verb);
        if (verb.len == 0 || verb.ptr[0] == '#')
            continue;
        if (ds_span_is(verb, "rule")) {
            struct evil_rule *r = &e->rule[e->n_rules++];
            if (e->n_rules > EVIL_RULES)
                evil_die("too many rules");
            rest = ds_span_cut(rest, ' ', &r->method);
            rest = ds_span_cut(rest, ' ', &r->glob);
            r->times = rest.len > 0 ? evil_number(rest) : 0;
            continue;
        }
        struct evil_rule *r = &e->rule[e->n_rules - 1];
        if (e->n_rules == 0 || r->n == EVIL_ACTIONS)
            evil_die("an action without rule, or too many");
        r->action[r->n++] = (struct evil_action){verb, evil_text(e, rest)};
    }
}

struct evil_answer {
    int fd;
    struct ds_buf head;
    bool head_sent, chunked, over, closes;
    long length; /* -1 the right one */
};

static void evil_send(struct evil_answer *a, const char *bytes, size_t n)
{
    while (n > 0 && !a->over) {
        ssize_t sent = send(a->fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            a->over = true; /* they went */
            return;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void evil_send_head(struct evil_answer *a, const char *last_line)
{
    if (a->head_sent)
        return;
    a->head_sent = true;
    if (a->head.len == 0)
        (void)buf_put_text(&a->head, "HTTP/1.1 200 OK\r\n");
    if (a->closes)
        (void)buf_put_text(&a->head, "Connection: close\r\n");
    (void)buf_printf(&a->head, "%s\r\n\r\n", last_line);
    evil_send(a, a->head.data, a->head.len);
}

static void evil_body(struct evil_answer *a, struct ds_span text, size_t times)
{
    char line[80];
    (void)snprintf(line, sizeof line, "Content-Length: %ld",
                   a->length >= 0 ? a->length : (long)(text.len * times));
    evil_send_head(a, line);
    for (size_t i = 0; i < times; i++)
        evil_send(a, text.ptr, text.len);
}

static void evil_chunk(struct evil_answer *a, struct ds_span text)
{
    char line[40];
    evil_send_head(a, "Transfer-Encoding: chunked");
    a->chunked = true;
    (void)snprintf(line, sizeof line, "%zx\r\n", text.len);
    evil_send(a, line, strlen(line));
    evil_send(a, text.ptr, text.len);
    evil_send(a, "\r\n", 2);
}

static void evil_wait(unsigned ms)
{
    (void)poll(NULL, 0, (int)ms);
}

static void evil_act(struct evil_answer *a, const struct evil_action *x)
{
    struct ds_span first, rest = x->rest;
    if (ds_span_is(x->verb, "delay") || ds_span_is(x->verb, "pause")) {
        evil_wait(evil_number(rest));
    } else if (ds_span_is(x->verb, "status")) {
        (void)buf_printf(&a->head, "HTTP/1.1 %.*s\r\n", DS_FMT(rest));
    } else if (ds_span_is(x->verb, "header")) {
        if (a->head.len == 0)
            (void)buf_put_text(&a->head, "HTTP/1.1 200 OK\r\n");
        (void)buf_printf(&a->head, "%.*s\r\n", DS_FMT(rest));
    } else if (ds_span_is(x->verb, "length")) {
        a->length = (long)evil_number(rest);
    } else if (ds_span_is(x->verb, "body")) {
        evil_body(a, rest, 1);
    } else if (ds_span_is(x->verb, "repeat")) {
        rest = ds_span_cut(rest, ' ', &first);
        evil_body(a, rest, evil_number(first));
    } else if (ds_span_is(x->verb, "chunk")) {
        evil_chunk(a, rest);
    } else if (ds_span_is(x->verb, "chunks")) {
        rest = ds_span_cut(rest, ' ', &first);
        unsigned n = evil_number(first);
        rest = ds_span_cut(rest, ' ', &first);
        for (unsigned i = 0; i < n && !a->over; i++) {
            evil_chunk(a, rest);
            evil_wait(evil_number(first));
        }
    } else if (ds_span_is(x->verb, "raw")) {
        a->head_sent = true;
        evil_send(a, rest.ptr, rest.len);
    } else if (ds_span_is(x->verb, "close")) {
        a->closes = true;
    } else if (ds_span_is(x->verb, "cut")) {
        a->over = true;
    } else if (ds_span_is(x->verb, "reset")) {
        struct linger now = {1, 0};
        (void)setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        a->over = true;
    } else if (ds_span_is(x->verb, "hang")) {
        char c;
        while (recv(a->fd, &c, 1, 0) > 0) {
        }
        a->over = true;
    } else {
        evil_die("an unknown action");
    }
}

static const struct evil_rule *evil_choose(const struct evil *e, struct ds_span method,
                                           struct ds_span target)
{
    for (size_t i = 0; i < e->n_rules; i++) {
        const struct evil_rule *r = &e->rule[i];
        if (!ds_span_eq(r->method, method) || !ds_span_glob(r->glob, target))
            continue;
        if (__atomic_fetch_add(&e->used[i], 1, __ATOMIC_SEQ_CST) < r->times || r->times == 0)
            return r;
    }
    return NULL;
}

/* Value of a header in a head, "" if none. */
static struct ds_span evil_header(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strchr(head, '\n'); at; at = strchr(at, '\n')) {
        at++;
        if (strncasecmp(at, name, n) == 0 && at[n] == ':')
            return ds_span_trim((struct ds_span){at + n + 1, strcspn(at + n + 1, "\r\n")});
    }
    return DS_SPAN("");
}

/* false: they went away. */
static bool evil_read_head(int fd, char head[EVIL_HEAD])
{
    size_t n = 0;
    while (n + 1 < EVIL_HEAD) {
        if (recv(fd, head + n, 1, 0) <= 0)
            return false;
        head[++n] = '\0';
        if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static void evil_log(const struct evil *e, struct ds_span method, struct ds_span target,
                     const char *head, size_t body_bytes, const char *body)
{
    char line[2048];
    struct ds_span auth = evil_header(head, "authorization");
    int n = snprintf(line, sizeof line, "%.*s %.*s bytes=%zu auth=%.*s body=%.200s\n",
                     DS_FMT(method), target.len > 1000 ? 1000 : (int)target.len, target.ptr,
                     body_bytes, DS_FMT(auth), body);
    if (e->log_fd >= 0 && write(e->log_fd, line, (size_t)n) != n)
        evil_die("log");
}

/* One request; false: the connection ends. */
static bool evil_answer_one(const struct evil *e, int fd)
{
    static char head[EVIL_HEAD], body[256], piece[16384];
    struct ds_span method, target;
    size_t got = 0;
    memset(body, 0, sizeof body);
    if (!evil_read_head(fd, head))
        return false;
    (void)ds_span_cut(ds_span_cut(ds_span_of(head), ' ', &method), ' ', &target);
    struct ds_span told = evil_header(head, "content-length");
    size_t want = told.len > 0 ? evil_number(told) : 0;
    const struct evil_rule *r = evil_choose(e, method, target);
    while (got < want) {
        ssize_t n = recv(fd, piece, want - got < sizeof piece ? want - got : sizeof piece, 0);
        if (n <= 0)
            return false;
        if (got < sizeof body - 1)
            memcpy(body + got, piece,
                   (size_t)n < sizeof body - 1 - got ? (size_t)n : sizeof body - 1 - got);
        got += (size_t)n;
    }
    evil_log(e, method, target, head, got, body);
    struct evil_answer a = {.fd = fd, .length = -1};
    buf_init(&a.head, 1u << 20);
    if (!r) {
        (void)buf_put_text(&a.head, "HTTP/1.1 404 Not Found\r\n");
        evil_body(&a, DS_SPAN("no rule"), 1);
    }
    for (size_t i = 0; r && i < r->n && !a.over; i++)
        evil_act(&a, &r->action[i]);
    if (a.chunked && !a.over)
        evil_send(&a, "0\r\n\r\n", 5);
    else if (!a.head_sent && !a.over)
        evil_body(&a, DS_SPAN(""), 1);
    buf_clear(&a.head);
    return !a.over && !a.closes;
}

/* Serve until killed. */
static void evil_serve(struct evil *e, int listener)
{
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(listener);
            while (evil_answer_one(e, fd)) {
            }
            (void)close(fd);
            _exit(0);
        }
        (void)close(fd);
    }
}

static int evil_listen(uint16_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
        || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 64) < 0
        || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        evil_die("listen");
    *port = ntohs(at.sin_port);
    return fd;
}

static struct evil *evil_create(const char *script, const char *log_path)
{
    struct evil *e = calloc(1, sizeof *e);
    if (!e)
        evil_die("memory");
    e->a = arena_create(64u << 20);
    e->used = mmap(NULL, sizeof *e->used * EVIL_RULES, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    e->log_fd = log_path ? open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (e->used == MAP_FAILED || (log_path && e->log_fd < 0))
        evil_die("start");
    evil_parse(e, arena_copy(e->a, ds_span_of(script)));
    return e;
}

static void evil_destroy(struct evil *e)
{
    arena_destroy(e->a);
    (void)munmap(e->used, sizeof *e->used * EVIL_RULES);
    if (e->log_fd >= 0)
        (void)close(e->log_fd);
    free(e);
}

/* Run it as a child (with a process group of its own). *port 0: a free one, told. */
static inline pid_t evil_start(const char *script, const char *log_path, uint16_t *port)
{
    struct evil *e = evil_create(script, log_path);
    int listener = evil_listen(port);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setpgid(0, 0);
        if (getppid() != parent)
            _exit(0);
        evil_serve(e, listener);
        _exit(0);
    }
    (void)setpgid(pid, pid);
    (void)close(listener);
    evil_destroy(e);
    return pid;
}

static inline void evil_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(-pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

#endif
