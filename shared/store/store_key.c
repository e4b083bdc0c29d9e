/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "store/store.h"

bool store_key_is_valid(struct ds_span key)
{
    if (key.len > STORE_KEY_BYTES || !path_is_safe_member(key) || key.ptr[0] == '.')
        return false;
    for (size_t i = 1; i < key.len; i++)
        if (key.ptr[i] == '.' && key.ptr[i - 1] == '/')
            return false;
    return true;
}
