/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kubeconfig files come from anywhere. Of two (cut at a 0x01 byte) the first has its say; what is
 * chosen is whole: a server, paths and texts that are terminated. */
#include "kube/kube_exec.h"
#include "kube/kubeconfig.h"

#include <stdint.h>
#include <stdlib.h>

static void use_login(const struct kube_login *l)
{
    ds_auto_buf info;
    buf_init(&info, 1u << 20);
    if (!l->server || !l->context || strncmp(l->server, "http", 4) != 0)
        abort();
    (void)kube_server_is_private(l->server);
    if (!l->exec.command)
        return;
    for (size_t i = 0; i < l->exec.n_args; i++)
        if (strlen(l->exec.args[i]) > KUBECONFIG_MOST_BYTES)
            abort();
    for (size_t i = 0; i < l->exec.n_env; i++)
        if (!l->exec.env[i].name || !l->exec.env[i].value)
            abort();
    (void)kube_exec_info_put(&info, l, l->ca_pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kubeconfig c;
    struct kube_login l;
    struct ds_err err;
    struct ds_span first, second = {(const char *)data, size};
    ds_auto_arena a = arena_create((size_t)16 << 20);
    kubeconfig_init(&c, a);
    second = ds_span_cut(second, '\x01', &first);
    if (kubeconfig_add(&c, first, "/f/one", &err) < 0
        || kubeconfig_add(&c, second, "two", &err) < 0)
        return 0;
    if (kubeconfig_select(&c, NULL, &l, &err) == 0)
        use_login(&l);
    for (const struct kubeconfig_entry *e = c.contexts; e; e = e->next) {
        char name[64];
        size_t n = e->name.len < sizeof name - 1 ? e->name.len : sizeof name - 1;
        memcpy(name, e->name.ptr, n);
        name[n] = '\0';
        if (kubeconfig_select(&c, name, &l, &err) == 0)
            use_login(&l);
    }
    return 0;
}
