/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server or a proxy in front of it answers instead of a 2xx: words without control codes,
 * whatever the bytes; and answers of credential plugins. */
#include "kube/kube_error.h"
#include "kube/kube_exec.h"
#include "kube/kube_warning.h"

#include <stdint.h>
#include <stdlib.h>

static void check_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int STATUS[] = {400, 401, 403, 404, 409, 410, 422, 429, 500, 504};
    struct ds_span body = {(const char *)data, size}, rest = body;
    struct kube_status s;
    struct kube_credential c;
    struct kube_asked q = {.method = HTTP_GET,
                           .path = "/apis/decksweep.io/v1alpha1/namespaces/n/sweeps/x",
                           .server = "https://s",
                           .credential = "log in"};
    struct ds_err err;
    char text[KUBE_WARNING_BYTES];
    kube_status_read(body, &s);
    check_plain(s.message);
    check_plain(s.name);
    check_plain(s.reason);
    for (size_t i = 0; i < DS_COUNT(STATUS); i++) {
        q.in_cluster = i & 1;
        if (kube_error_fill(&q, STATUS[i], body, &err) >= 0)
            abort();
        check_plain(err.text);
    }
    for (size_t n = 0; kube_warning_next(&rest, text); n++)
        if (n > size)
            abort();
    ds_auto_arena a = arena_create((size_t)4 << 20);
    if (kube_exec_reply_read(body, "client.authentication.k8s.io/v1", a, &c, &err) == 0
        && c.token.len == 0 && c.cert_pem.len == 0)
        abort();
    (void)kube_token_expires(body);
    return 0;
}
