/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libmicrohttpd in external mode with epoll: its epoll descriptor is the one to wait for. */
#include "http/http_server_io.h"

#include "base/fs_io.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_CONNECTIONS  64u
#define DEFAULT_IDLE_S       60u
#define DEFAULT_HEADER_BYTES ((size_t)32 * 1024)
#define EXCHANGE_BYTES       ((size_t)64 * 1024)
#define BACKLOG              128u
#define MAX_ANSWER_HEADERS   16u

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_server_handler on;
    int fd;
    uint16_t port;
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct ds_arena *arena;
    struct ds_span target;
    enum http_method method;
    bool seen, begun, answered;
    enum MHD_Result queued;
    struct {
        char *name, *value;
    } header[MAX_ANSWER_HEADERS];
    size_t n_headers;
    void *state;
};

/* ---- requests ---- */

/* The request line's target as it came; what is returned becomes the connection's state. */
static void *on_target(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x)
        abort();
    x->server = context;
    x->connection = connection;
    x->arena = arena_create(EXCHANGE_BYTES);
    x->target = arena_copy(x->arena, ds_span_of(uri)); /* header memory is smaller than this */
    if (!x->target.ptr)
        x->target = DS_SPAN("");
    return x;
}

static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text); /* decoded once, by http_target_parse */
}

static enum http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } known[] = {{"GET", HTTP_GET},   {"HEAD", HTTP_HEAD},   {"PUT", HTTP_PUT},
                 {"POST", HTTP_POST}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}};
    for (size_t i = 0; i < DS_COUNT(known); i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].method;
    return 0;
}

static void complete(struct http_exchange *x)
{
    const struct http_server_handler *on = &x->server->on;
    if (on->complete)
        on->complete(on->context, x);
    if (!x->answered)
        http_answer(x, on->complete ? 500 : 404, "text/plain",
                    on->complete ? DS_SPAN("no answer\n") : DS_SPAN("not found\n"));
}

static bool has_body(const struct http_exchange *x)
{
    return http_exchange_length(x) > 0 || http_exchange_header(x, "Transfer-Encoding").len > 0;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *n_bytes, void **state)
{
    (void)url;
    (void)version;
    (void)connection;
    struct http_server *s = context;
    struct http_exchange *x = *state;
    x->queued = MHD_YES;
    if (!x->begun && !x->seen && !has_body(x)) {
        x->seen = true; /* an answer given now would close the connection */
    } else if (!x->begun) {
        bool last = x->seen;
        x->begun = true;
        x->method = method_of(method);
        s->on.begin(s->on.context, x);
        if (last && !x->answered)
            complete(x);
    } else if (*n_bytes > 0) {
        if (s->on.data && !x->answered)
            s->on.data(s->on.context, x, (struct ds_span){bytes, *n_bytes});
        *n_bytes = 0;
    } else if (!x->answered) {
        complete(x);
    }
    return x->queued;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    struct http_server *s = context;
    struct http_exchange *x = *state;
    if (!x)
        return;
    *state = NULL;
    if (x->begun && s->on.ended)
        s->on.ended(s->on.context, x, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    arena_destroy(x->arena);
    free(x);
}

enum http_method http_exchange_method(const struct http_exchange *x)
{
    return x->method;
}

struct ds_span http_exchange_target(const struct http_exchange *x)
{
    return x->target;
}

struct ds_span http_exchange_header(const struct http_exchange *x, const char *name)
{
    return ds_span_of(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name));
}

int64_t http_exchange_length(const struct http_exchange *x)
{
    struct ds_span text = http_exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t value = 0;
    if (text.len == 0 || text.len > 18)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

void http_exchange_set_state(struct http_exchange *x, void *state)
{
    x->state = state;
}

void *http_exchange_state(const struct http_exchange *x)
{
    return x->state;
}

struct ds_arena *http_exchange_arena(struct http_exchange *x)
{
    return x->arena;
}

/* ---- answers ---- */

void http_answer_header(struct http_exchange *x, const char *name, const char *value)
{
    char *copied_name = arena_cstr(x->arena, ds_span_of(name));
    char *copied_value = arena_cstr(x->arena, ds_span_of(value));
    assert(x->n_headers < MAX_ANSWER_HEADERS);
    if (!copied_name || !copied_value || x->n_headers == MAX_ANSWER_HEADERS)
        return;
    x->header[x->n_headers].name = copied_name;
    x->header[x->n_headers].value = copied_value;
    x->n_headers++;
}

/* takes response, which may be NULL: then the connection ends without an answer. */
static void queue(struct http_exchange *x, int status, const char *content_type,
                  struct MHD_Response *response)
{
    x->answered = true;
    x->queued = MHD_NO;
    if (!response)
        return;
    bool fine =
        !content_type
        || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES;
    for (size_t i = 0; i < x->n_headers; i++)
        fine =
            fine
            && MHD_add_response_header(response, x->header[i].name, x->header[i].value) == MHD_YES;
    if (fine)
        x->queued = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
}

void http_answer(struct http_exchange *x, int status, const char *content_type, struct ds_span body)
{
    if (x->answered)
        return;
    union {
        const char *in;
        void *out; /* which is not written to: MUST_COPY */
    } bytes = {.in = body.ptr};
    queue(x, status, content_type,
          MHD_create_response_from_buffer(body.len, bytes.out, MHD_RESPMEM_MUST_COPY));
}

void http_answer_file(struct http_exchange *x, int status, const char *content_type, int fd,
                      uint64_t offset, uint64_t len)
{
    if (x->answered) {
        (void)close(fd);
        return;
    }
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(len, fd, offset);
    if (!response)
        (void)close(fd);
    queue(x, status, content_type, response);
}

/* ---- the server ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_address(const struct http_server_options *o, union address *out,
                         struct ds_err *err)
{
    memset(out, 0, sizeof *out);
    if (!o->address || inet_pton(AF_INET6, o->address, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(o->port);
        if (!o->address)
            out->v6.sin6_addr = in6addr_any;
        return 0;
    }
    if (inet_pton(AF_INET, o->address, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(o->port);
        return 0;
    }
    return ds_fail(err, DS_EINPUT, "'%.64s' is no IP address to listen on", o->address);
}

/* A bound, listening socket: ours to make, so that errno says what is wrong. Or -errno. */
static int listen_on(const union address *at)
{
    const int on = 1, off = 0;
    ds_auto_fd fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->any.sa_family == AF_INET6) /* "::" takes IPv4 too */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    socklen_t len = at->any.sa_family == AF_INET6 ? sizeof at->v6 : sizeof at->v4;
    if (bind(fd, &at->any, len) < 0 || listen(fd, (int)BACKLOG) < 0)
        return -errno;
    return ds_take_fd(&fd);
}

static int listen_as_told(const struct http_server_options *o, int *fd, struct ds_err *err)
{
    union address at;
    int rc = parse_address(o, &at, err);
    if (rc < 0)
        return rc;
    *fd = listen_on(&at);
    if (!o->address && (*fd == -EAFNOSUPPORT || *fd == -EADDRNOTAVAIL)) { /* no IPv6 here */
        at.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(o->port)};
        *fd = listen_on(&at);
    }
    if (*fd < 0)
        return ds_fail_errno(err, DS_EIO, -*fd, "listen on %s port %u",
                             o->address ? o->address : "every address", o->port);
    return 0;
}

static uint16_t port_of(int fd)
{
    union address at;
    socklen_t len = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(fd, &at.any, &len) < 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* What MHD would print on stderr is about clients: nothing that we must say. */
static void drop_words(void *context, const char *format, va_list args)
{
    (void)context;
    (void)format;
    (void)args;
}

int http_server_open(const struct http_server_options *o, struct http_server **out,
                     struct ds_err *err)
{
    int fd = -1;
    int rc = listen_as_told(o, &fd, err);
    if (rc < 0)
        return rc;
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->on = o->handler;
    s->port = port_of(fd);
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, s, MHD_OPTION_EXTERNAL_LOGGER,
        drop_words, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        o->max_connections ? o->max_connections : DEFAULT_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        o->idle_s ? o->idle_s : DEFAULT_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        o->max_header_bytes ? o->max_header_bytes : DEFAULT_HEADER_BYTES,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        int sys = errno;
        if (s->daemon)
            MHD_stop_daemon(s->daemon);
        else
            (void)close(fd);
        free(s);
        return ds_fail_errno(err, DS_EIO, sys, "start the HTTP server");
    }
    s->fd = info->epoll_fd;
    *out = s;
    return 0;
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    MHD_stop_daemon(s->daemon); /* closes the listening socket too */
    free(s);
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

int http_server_fd(const struct http_server *s)
{
    return s->fd;
}

int http_server_timeout_ms(const struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (MHD_get_timeout(s->daemon, &wait) != MHD_YES)
        return -1;
    return wait > 60000 ? 60000 : (int)wait;
}

void http_server_turn(struct http_server *s)
{
    (void)MHD_run(s->daemon);
}
