/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "param_name.h"

bool param_name_is_word(struct ds_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

bool param_name_is_reserved(struct ds_span name)
{
    static const char *const OWN[] = {"IENS",    "REAL", "ITER",    "SENSNAME", "SENSCASE", "case",
                                      "case_id", "id",   "verdict", "attempts", "_pi",      "_e"};
    for (size_t i = 0; i < DS_COUNT(OWN); i++)
        if (ds_span_is(name, OWN[i]))
            return true;
    return false;
}
