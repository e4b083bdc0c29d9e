/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One try of a request: an easy handle of libcurl, set up, listened to and judged. */
#include "base/clock_io.h"
#include "http/http_job_io.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS       INT64_C(10000)
#define UNHEARD_MS       30000u /* sent and not acknowledged for so long: the peer is gone */
#define MAX_URL_BYTES    16384u
#define MAX_HEADER_BYTES 16384u

const char *http_method_name(enum http_method m)
{
    static const char *const NAMES[] = {"?", "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"};
    return NAMES[m >= HTTP_GET && m <= HTTP_DELETE ? m : 0];
}

struct ds_span http_origin(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t n = strcspn(host, "/?#");
    const char *at = memchr(host, '@', n); /* never show what stands before it */
    if (at)
        return (struct ds_span){at + 1, n - (size_t)(at + 1 - host)};
    return (struct ds_span){url, (size_t)(host - url) + n};
}

int http_request_check(const struct http_request *r, struct ds_err *err)
{
    struct ds_span url = ds_span_of(r->url);
    if (!ds_span_starts(url, "http://") && !ds_span_starts(url, "https://"))
        return ds_fail(err, DS_EINPUT, "\"%.100s\" is no URL of http or https", url.ptr);
    if (url.len > MAX_URL_BYTES)
        return ds_fail(err, DS_ETOOBIG, "an URL longer than %u bytes", MAX_URL_BYTES);
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == 0x7f)
            return ds_fail(err, DS_EINPUT, "a blank or control byte in the URL \"%.100s\"",
                           url.ptr);
    if (r->method < HTTP_GET || r->method > HTTP_DELETE)
        return ds_fail(err, DS_EINPUT, "no method of HTTP");
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct http_header *h = &r->headers[i];
        if (!http_is_field_name(h->name) || !http_is_field_value(h->value)
            || h->value.len > MAX_HEADER_BYTES)
            return ds_fail(err, DS_EINPUT, "the header \"%.*s\" cannot be sent",
                           h->name.len > 100 ? 100 : (int)h->name.len, h->name.ptr);
    }
    return 0;
}

/* ---- what libcurl calls ---- */

static size_t refuse(struct http_job *j, size_t n)
{
    if (j->refused == 0)
        j->refused = DS_EIO;
    return n == 0 ? 1 : 0; /* anything but n ends the transfer */
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl gives the type
static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
    struct http_job *j = context;
    size_t len = size * n;
    j->last_byte_ms = clock_monotonic_ms();
    if (j->cancelled)
        return refuse(j, len);
    j->refused = http_head_line(&j->head, (struct ds_span){bytes, len}, &j->refusal);
    return j->refused < 0 ? refuse(j, len) : len;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
    struct http_job *j = context;
    size_t len = size * n;
    long status = 0;
    j->last_byte_ms = clock_monotonic_ms();
    if (j->cancelled)
        return refuse(j, len);
    (void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
    j->received += len;
    bool good = status >= 200 && status < 300;
    if (good && j->r.on.data) {
        j->given_out = true;
        (*j->n_happened)++;
        j->refused = j->r.on.data(j->r.on.context, (struct ds_span){bytes, len}, &j->refusal);
        return j->refused < 0 || j->cancelled ? refuse(j, len) : len;
    }
    if (!good) { /* an error needs few words */
        size_t room = HTTP_ERROR_BODY_BYTES - j->body.len;
        (void)buf_put(&j->body, bytes, len < room ? len : room);
        return len;
    }
    if (len > j->r.max_body_bytes - j->body.len || buf_put(&j->body, bytes, len) < 0) {
        j->refused = ds_fail(&j->refusal, DS_ETOOBIG, "the answer is larger than %zu bytes",
                             j->r.max_body_bytes);
        return refuse(j, len);
    }
    return len;
}

static size_t on_send(char *bytes, size_t size, size_t n, void *context)
{
    struct http_job *j = context;
    const struct http_body *b = &j->r.body;
    size_t room = size * n;
    uint64_t left = b->len - j->sent;
    if (j->cancelled)
        return CURL_READFUNC_ABORT;
    j->last_byte_ms = clock_monotonic_ms();
    if (room > left)
        room = (size_t)left;
    if (b->data) {
        memcpy(bytes, (const char *)b->data + j->sent, room);
    } else if (room > 0) {
        ssize_t got;
        do
            got = pread(b->fd, bytes, room, (off_t)(b->offset + j->sent));
        while (got < 0 && errno == EINTR);
        if (got <= 0) {
            j->refused = got < 0 ? ds_fail_errno(&j->refusal, DS_EIO, errno, "read what to send")
                                 : ds_fail(&j->refusal, DS_ECORRUPT, "what to send ends early");
            return CURL_READFUNC_ABORT;
        }
        room = (size_t)got;
    }
    j->sent += room;
    return room;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct http_job *j = context;
    /* libcurl itself sends again when a kept connection turns out to be dead: not what may have
     * been done already. */
    bool again = j->sent > 0 && !j->r.idempotent;
    if (again || origin != SEEK_SET || offset < 0 || (uint64_t)offset > j->r.body.len)
        return CURL_SEEKFUNC_FAIL;
    j->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Sockets that no child inherits and that notice a peer that vanished. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)context, (void)purpose;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    unsigned unheard = UNHEARD_MS;
    if (fd >= 0 && (to->family == AF_INET || to->family == AF_INET6))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard, sizeof unheard);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- setting up ---- */

static bool add_line(struct http_job *j, struct ds_span name, const char *gap, struct ds_span value)
{
    char text[MAX_HEADER_BYTES + 512];
    if (name.len > 256 || value.len > MAX_HEADER_BYTES)
        return false;
    (void)snprintf(text, sizeof text, "%.*s%s%.*s", DS_FMT(name), gap, DS_FMT(value));
    struct curl_slist *more = curl_slist_append(j->lines, text);
    if (!more)
        return false;
    j->lines = more;
    return true;
}

static bool set_headers(struct http_job *j)
{
    bool ok = add_line(j, DS_SPAN("Expect"), ":", DS_SPAN("")); /* never wait for a 100 */
    for (size_t i = 0; i < j->r.n_headers && ok; i++) {
        const struct http_header *h = &j->r.headers[i];
        ok = add_line(j, h->name, h->value.len ? ": " : ";", h->value);
    }
    return ok && curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->lines) == CURLE_OK;
}

static bool set_method(struct http_job *j)
{
    CURL *e = j->easy;
    enum http_method m = j->r.method;
    bool sends = j->r.body.len > 0 || m == HTTP_PUT || m == HTTP_POST || m == HTTP_PATCH;
    bool ok = true;
    if (m == HTTP_HEAD)
        ok &= curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
    else
        ok &= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, http_method_name(m)) == CURLE_OK;
    if (sends && m != HTTP_HEAD) {
        ok &= curl_easy_setopt(e, CURLOPT_UPLOAD, 1L) == CURLE_OK;
        ok &= curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)j->r.body.len) == CURLE_OK;
    }
    ok &= curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_READDATA, j) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_SEEKDATA, j) == CURLE_OK;
    return ok;
}

static bool set_blob(CURL *e, CURLoption option, struct ds_span pem)
{
    struct curl_blob blob = {NULL, pem.len, CURL_BLOB_COPY};
    memcpy(&blob.data, &pem.ptr, sizeof blob.data); /* libcurl only reads it */
    return pem.len == 0 || curl_easy_setopt(e, option, &blob) == CURLE_OK;
}

/* The certificate must be for server_name while the connection goes to the URL's host: ask for
 * server_name, connect to the host, and tell the host in the header. */
static bool set_server_name(struct http_job *j, const char *server_name)
{
    char *host = NULL, *port = NULL, *url = NULL, text[1024];
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, j->r.url, CURLU_PATH_AS_IS) == CURLUE_OK
              && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK
              && curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK
              && curl_url_set(u, CURLUPART_HOST, server_name, 0) == CURLUE_OK
              && curl_url_get(u, CURLUPART_URL, &url, CURLU_PATH_AS_IS) == CURLUE_OK;
    if (ok) {
        (void)snprintf(text, sizeof text, "::%s:%s", host, port);
        struct curl_slist *to = curl_slist_append(NULL, text);
        (void)snprintf(text, sizeof text, "%s:%s", host, port);
        ok = to && curl_easy_setopt(j->easy, CURLOPT_URL, url) == CURLE_OK
             && curl_easy_setopt(j->easy, CURLOPT_CONNECT_TO, to) == CURLE_OK
             && add_line(j, DS_SPAN("Host"), ": ", ds_span_of(text));
        j->connect_to = to;
    }
    curl_free(host);
    curl_free(port);
    curl_free(url);
    curl_url_cleanup(u);
    return ok;
}

static bool set_tls(struct http_job *j)
{
    static const struct http_tls NONE;
    const struct http_tls *t = j->r.tls ? j->r.tls : &NONE;
    CURL *e = j->easy;
    bool ok = curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    /* Without words a key with a pass phrase makes OpenSSL ask on the terminal. */
    ok &= curl_easy_setopt(e, CURLOPT_KEYPASSWD, "") == CURLE_OK;
    if (t->ca_pem.len > 0 || t->ca_file) { /* that one alone is trusted */
        ok &= curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK;
        ok &= curl_easy_setopt(e, CURLOPT_CAINFO, t->ca_file) == CURLE_OK;
    }
    ok &= set_blob(e, CURLOPT_CAINFO_BLOB, t->ca_pem);
    ok &= set_blob(e, CURLOPT_SSLCERT_BLOB, t->cert_pem);
    ok &= set_blob(e, CURLOPT_SSLKEY_BLOB, t->key_pem);
    if (t->insecure) {
        ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK;
        ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
    }
    if (t->proxy)
        ok &= curl_easy_setopt(e, CURLOPT_PROXY, t->proxy) == CURLE_OK;
    if (t->server_name && t->server_name[0] && ds_span_starts(ds_span_of(j->r.url), "https:"))
        ok &= set_server_name(j, t->server_name);
    return ok;
}

static bool set_connection(struct http_job *j, const char *user_agent)
{
    CURL *e = j->easy;
    long connect_ms = (long)(j->r.connect_ms > 0 ? j->r.connect_ms : CONNECT_MS);
    bool ok = curl_easy_setopt(e, CURLOPT_URL, j->r.url) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 65536L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, j->wants_fresh ? 1L : 0L) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_USERAGENT, user_agent) == CURLE_OK;
    if (j->r.accept_gzip)
        ok &= curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK;
    return ok;
}

static bool set_callbacks(struct http_job *j)
{
    CURL *e = j->easy;
    bool ok = curl_easy_setopt(e, CURLOPT_PRIVATE, j) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->why) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_HEADERDATA, j) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_WRITEDATA, j) == CURLE_OK;
    return ok;
}

int http_try_open(struct http_job *j, const char *user_agent, struct ds_err *err)
{
    j->easy = curl_easy_init();
    j->why = calloc(1, CURL_ERROR_SIZE);
    if (!j->easy || !j->why)
        abort();
    http_head_init(&j->head, j->head_memory);
    arena_reset(j->head_memory);
    buf_reset(&j->body);
    j->received = j->sent = 0;
    j->refused = 0;
    bool ok = set_connection(j, user_agent) && set_callbacks(j) && set_method(j) && set_tls(j)
              && set_headers(j);
    return ok ? 0
              : ds_fail(err, DS_EINPUT, "the HTTP library refuses the request to %.*s",
                        DS_FMT(http_origin(j->r.url)));
}

void http_try_close(struct http_job *j)
{
    curl_easy_cleanup(j->easy);
    curl_slist_free_all(j->lines);
    curl_slist_free_all(j->connect_to);
    free(j->why);
    j->easy = j->lines = j->connect_to = NULL;
    j->why = NULL;
}

/* ---- judging ---- */

static enum http_trouble trouble_of(const struct http_job *j, CURLcode code)
{
    curl_off_t began = 0;
    (void)curl_easy_getinfo(j->easy, CURLINFO_PRETRANSFER_TIME_T, &began);
    switch (code) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: /* the handshake broke off; a bad certificate is another code */
    case CURLE_PROXY:
        return HTTP_NO_CONNECTION;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HTTP_TLS;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_READ_ERROR:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_URL_MALFORMAT:
        return HTTP_OURS;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
        return began == 0 ? HTTP_NO_CONNECTION : HTTP_BROKEN;
    default:
        return HTTP_BROKEN;
    }
}

enum http_trouble http_try_judge(struct http_job *j, int curl_code, struct ds_err *err)
{
    CURLcode code = (CURLcode)curl_code;
    struct ds_span to = http_origin(j->r.url);
    if (j->refused < 0) {
        *err = j->refusal;
        return HTTP_OURS;
    }
    enum http_trouble t = trouble_of(j, code);
    const char *words = j->why[0] ? j->why : curl_easy_strerror(code);
    switch (t) {
    case HTTP_ANSWERED:
        break;
    case HTTP_NO_CONNECTION:
        (void)ds_fail(err, code == CURLE_OPERATION_TIMEDOUT ? DS_ETIMEOUT : DS_EIO,
                      "no connection to %.*s: %s", DS_FMT(to), words);
        break;
    case HTTP_TLS:
        (void)ds_fail(err, DS_EDENIED, "%.*s is not trusted: %s", DS_FMT(to), words);
        break;
    case HTTP_BROKEN:
        (void)ds_fail(err, DS_EIO, "the connection to %.*s broke: %s", DS_FMT(to), words);
        break;
    case HTTP_OURS:
        (void)ds_fail(err, DS_EIO, "%.*s: %s", DS_FMT(to), words);
        break;
    }
    return t;
}
