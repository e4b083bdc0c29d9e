/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_exec.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/units.h"

#define JWT_MOST_BYTES ((size_t)64 << 10)

static void put_cluster(struct json_writer *w, const struct kube_login *l, struct ds_span ca_pem)
{
    jw_key(w, "cluster");
    jw_object(w);
    jw_kv_cstr(w, "server", l->server);
    if (l->server_name)
        jw_kv_cstr(w, "tls-server-name", l->server_name);
    if (l->insecure)
        jw_kv_bool(w, "insecure-skip-tls-verify", true);
    if (ca_pem.len > 0) {
        ds_auto_buf text;
        buf_init(&text, ca_pem.len * 2 + 16);
        (void)base64_put(&text, ca_pem.ptr, ca_pem.len);
        jw_kv_text(w, "certificate-authority-data", buf_span(&text));
    }
    if (l->proxy)
        jw_kv_cstr(w, "proxy-url", l->proxy);
    jw_end_object(w);
}

int kube_exec_info_put(struct ds_buf *out, const struct kube_login *login, struct ds_span ca_pem)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", login->exec.api_version);
    jw_kv_cstr(&w, "kind", "ExecCredential");
    jw_key(&w, "spec");
    jw_object(&w);
    if (login->exec.provide_cluster_info)
        put_cluster(&w, login, ca_pem);
    jw_kv_bool(&w, "interactive", false);
    jw_end_object(&w);
    jw_end_object(&w);
    return out->failed ? DS_ETOOBIG : 0;
}

static bool two_digits(struct ds_span s, size_t at, int64_t *out)
{
    uint64_t v;
    if (at + 2 > s.len || units_parse_u64((struct ds_span){s.ptr + at, 2}, 99, &v, NULL) < 0)
        return false;
    *out = (int64_t)v;
    return true;
}

int kube_time_parse(struct ds_span text, int64_t *unix_s, struct ds_err *err)
{
    int64_t base, hours = 0, minutes = 0;
    size_t at = 19;
    if (text.len < 20 || text.ptr[10] != 'T'
        || units_parse_date((struct ds_span){text.ptr, 19}, &base, NULL) < 0)
        return ds_fail(err, DS_EPARSE, "no time as 2026-01-31T12:00:00Z");
    if (text.ptr[at] == '.')
        for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';)
            at++;
    struct ds_span zone = {text.ptr + at, text.len - at};
    if (ds_span_is(zone, "Z") || ds_span_is(zone, "z")) {
        *unix_s = base;
        return 0;
    }
    if (zone.len != 6 || (zone.ptr[0] != '+' && zone.ptr[0] != '-') || zone.ptr[3] != ':'
        || !two_digits(zone, 1, &hours) || !two_digits(zone, 4, &minutes) || hours > 23
        || minutes > 59)
        return ds_fail(err, DS_EPARSE, "no time zone behind the time");
    int64_t ahead = hours * 3600 + minutes * 60;
    *unix_s = zone.ptr[0] == '+' ? base - ahead : base + ahead;
    return 0;
}

static bool is_visible(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return true;
}

static struct ds_span status_text(const struct json *status, const char *key, struct ds_arena *a)
{
    struct ds_span text;
    return json_text(json_get(status, key), &text) ? arena_copy(a, text) : DS_SPAN("");
}

static int read_status(const struct json *status, struct ds_arena *a, struct kube_credential *out,
                       struct ds_err *err)
{
    struct kube_credential c = {.token = status_text(status, "token", a),
                                .cert_pem = status_text(status, "clientCertificateData", a),
                                .key_pem = status_text(status, "clientKeyData", a),
                                .expires_unix_s = INT64_MAX};
    struct ds_span when;
    if (!c.token.ptr || !c.cert_pem.ptr || !c.key_pem.ptr)
        return ds_fail(err, DS_ETOOBIG, "the credential is larger than fits");
    if (c.token.len == 0 && c.cert_pem.len == 0)
        return ds_fail(err, DS_EINPUT, "it gave neither token nor certificate");
    if ((c.cert_pem.len > 0) != (c.key_pem.len > 0))
        return ds_fail(err, DS_EINPUT, "it gave a certificate without key, or a key alone");
    if (!is_visible(c.token))
        return ds_fail(err, DS_EINPUT, "its token has bytes that no header can have");
    if (json_text(json_get(status, "expirationTimestamp"), &when)
        && kube_time_parse(when, &c.expires_unix_s, err) < 0)
        return ds_wrap(err, "expirationTimestamp \"%.*s\"", when.len > 60 ? 60 : (int)when.len,
                       when.ptr);
    *out = c;
    return 0;
}

int kube_exec_reply_read(struct ds_span text, const char *api_version, struct ds_arena *a,
                         struct kube_credential *out, struct ds_err *err)
{
    ds_auto_json tree = NULL;
    struct ds_span said;
    int rc = json_parse(text, KUBE_EXEC_MOST_BYTES, &tree, err);
    if (rc < 0)
        return ds_wrap(err, "it printed no ExecCredential");
    if (!json_text(json_get(tree, "kind"), &said) || !ds_span_is(said, "ExecCredential"))
        return ds_fail(err, DS_EINPUT, "it printed no ExecCredential");
    if (!json_text(json_get(tree, "apiVersion"), &said) || !ds_span_is(said, api_version))
        return ds_fail(err, DS_EINPUT, "it answers in another apiVersion than %s", api_version);
    return read_status(json_get(tree, "status"), a, out, err);
}

int64_t kube_token_expires(struct ds_span token)
{
    struct ds_span head, body, json_text_;
    int64_t expires = 0;
    if (token.len > JWT_MOST_BYTES)
        return 0;
    struct ds_span rest = ds_span_cut(token, '.', &head);
    if (ds_span_cut(rest, '.', &body).len == 0)
        return 0;
    ds_auto_arena a = arena_create(JWT_MOST_BYTES + 4096);
    ds_auto_json tree = NULL;
    if (base64_decode(body, a, &json_text_, NULL) < 0
        || json_parse(json_text_, JWT_MOST_BYTES, &tree, NULL) < 0
        || !json_i64(json_get(tree, "exp"), &expires) || expires < 0)
        return 0;
    return expires;
}
