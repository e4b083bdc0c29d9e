/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.h - the error every function of decksweep reports with
 *
 * An error lives on the caller's stack: nothing is allocated to fail. Functions return 0
 * or a negative enum ds_code and, when they fail, have filled the struct ds_err that came
 * as their last argument (NULL is legal: the caller wants the code only). Outputs are
 * untouched on failure; err is untouched on success.
 *
 * The code drives the program (retry, exit status); the text is for people. Layers that a
 * reader cares about put themselves in front: "sweep.yaml:12:7: spec.parameters.PORO: ...".
 * Wrong program -> assert. Wrong world -> ds_err. */
#ifndef DECKSWEEP_ERR_H
#define DECKSWEEP_ERR_H

enum ds_code {
    DS_OK = 0,
    DS_EINPUT = -1,        /* the user's input is wrong: usage, sweep file, deck */
    DS_EPARSE = -2,        /* text that is no YAML, JSON, number, ...; input as well */
    DS_ETOOBIG = -3,       /* a documented bound is exceeded */
    DS_ENOTFOUND = -4,     /* no such file, key, case, object */
    DS_EEXIST = -5,        /* something is there that must not be */
    DS_EIO = -6,           /* the system refused; sys is errno */
    DS_ENOSPC = -7,        /* disk full or over quota; sys is ENOSPC or EDQUOT */
    DS_EDENIED = -8,       /* permission, read-only file system */
    DS_ECORRUPT = -9,      /* bytes that contradict their format or their checksum */
    DS_EAGAIN = -10,       /* not yet: the bytes end early, the lock is held */
    DS_EUNSUPPORTED = -11, /* legal, but not here (link(2), xattr, a version) */
    DS_ETIMEOUT = -12,     /* a deadline passed */
    DS_EINTR = -13,        /* the user interrupted */
    DS_ESIMULATOR = -14,   /* the simulator is missing or of another version */
    DS_ENOFIT = -15,       /* the machine, a slot or a limit is too small */
};

#define DS_ERR_TEXT_BYTES 512

struct ds_err {
    enum ds_code code;
    int sys; /* errno, or 0 */
    char text[DS_ERR_TEXT_BYTES];
};

#define DS_CHECKED __attribute__((warn_unused_result))

/* Fill err (if not NULL) and return code, so that one line explains and returns. A text
 * that does not fit ends in "...". code is negative. */
int ds_fail(struct ds_err *err, enum ds_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* The same with the system's words for sys appended: "open x.yaml: Permission denied".
 * code DS_EIO is refined from sys: ENOENT -> NOTFOUND, ENOSPC/EDQUOT -> ENOSPC,
 * EACCES/EPERM/EROFS -> DENIED, EEXIST -> EEXIST. */
int ds_fail_errno(struct ds_err *err, enum ds_code code, int sys, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Put "<format>: " in front of err's text; returns err->code (DS_EIO when err is NULL). */
int ds_wrap(struct ds_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* Exit status of a failure (DESIGN.md 12): 2 the input is wrong, 3 the world is wrong,
 * 130 interrupted. */
int ds_exit_status(enum ds_code code);

#endif
