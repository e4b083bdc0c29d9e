/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decksweep/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fit(struct ds_err *err, int written)
{
    if (written >= (int)sizeof err->text)
        memcpy(err->text + sizeof err->text - 4, "...", 4);
}

int ds_fail(struct ds_err *err, enum ds_code code, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    char text[DS_ERR_TEXT_BYTES]; /* the arguments may point into err->text */
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *err = (struct ds_err){.code = code};
    memcpy(err->text, text, sizeof text);
    fit(err, n);
    return code;
}

static enum ds_code refine(enum ds_code code, int sys)
{
    if (code != DS_EIO)
        return code;
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        return DS_ENOTFOUND;
    case ENOSPC:
    case EDQUOT:
        return DS_ENOSPC;
    case EACCES:
    case EPERM:
    case EROFS:
        return DS_EDENIED;
    case EEXIST:
        return DS_EEXIST;
    default:
        return DS_EIO;
    }
}

int ds_fail_errno(struct ds_err *err, enum ds_code code, int sys, const char *format, ...)
{
    code = refine(code, sys);
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    char text[DS_ERR_TEXT_BYTES];
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char words[128];
    const char *why = strerror_r(sys, words, sizeof words);
    *err = (struct ds_err){.code = code, .sys = sys};
    size_t used = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    memcpy(err->text, text, used);
    n = snprintf(err->text + used, sizeof err->text - used, ": %s", why);
    fit(err, (int)used + n);
    return code;
}

int ds_wrap(struct ds_err *err, const char *format, ...)
{
    if (!err)
        return DS_EIO;
    va_list args;
    va_start(args, format);
    char text[DS_ERR_TEXT_BYTES];
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    char whole[DS_ERR_TEXT_BYTES];
    memcpy(whole, text, used);
    n = snprintf(whole + used, sizeof whole - used, ": %s", err->text);
    memcpy(err->text, whole, sizeof whole);
    fit(err, (int)used + n);
    return err->code;
}

int ds_exit_status(enum ds_code code)
{
    switch (code) {
    case DS_OK:
        return 0;
    case DS_EINPUT:
    case DS_EPARSE:
    case DS_ETOOBIG:
    case DS_ENOFIT:
        return 2;
    case DS_EINTR:
        return 130;
    default:
        return 3;
    }
}
