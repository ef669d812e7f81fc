#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <terminalai/error.h>

#include "base/log.h"

const char *ta_error_text(int err)
{
    if (err >= 0)
        return "success";
    switch (err) {
#define TA_ERROR_CASE(name, value, text, code) \
    case name:                                 \
        return text;
        TA_ERROR_LIST(TA_ERROR_CASE)
#undef TA_ERROR_CASE
    default:
        return "unknown error";
    }
}

int ta_error_from_errno(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return TA_ERR_NOMEM;
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
        return TA_ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return TA_ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return TA_ERR_ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: // the size limit of the process or of the file system
        return TA_ERR_NO_SPACE;
    case EINVAL:
        return TA_ERR_INVALID;
    case EBUSY:
    case ETXTBSY:
    case EWOULDBLOCK:
        return TA_ERR_BUSY;
    case ENOSYS:
    case EOPNOTSUPP:
        return TA_ERR_UNSUPPORTED;
    case ECANCELED:
        return TA_ERR_CANCELED;
    case EPIPE:
        return TA_ERR_CLOSED;
    case EMFILE:
    case ENFILE:
        return TA_ERR_LIMIT;
    default:
        return TA_ERR_IO;
    }
}

// perf-ok(format-in-frame-loop): an error ends the loop
const char *ta_errno_text(int errnum, char *out)
{
    struct rlimit limit;
    if (errnum != EFBIG)
        return strerror_r(errnum, out, TA_ERRNO_TEXT);
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return "the file system can't hold a file that large";
    snprintf(out, TA_ERRNO_TEXT, "no file may have more than %llu bytes here (ulimit -f)",
             (unsigned long long)limit.rlim_cur);
    return out;
}

const char *ta_error_code(int err)
{
    switch (err) {
#define TA_ERROR_CASE(name, value, text, code) \
    case name:                                 \
        return code;
        TA_ERROR_LIST(TA_ERROR_CASE)
#undef TA_ERROR_CASE
    default:
        return "unknown";
    }
}

int ta_error_from_text(const char *text)
{
#define TA_ERROR_IF(name, value, words, code) \
    if (!strcmp(text, words))                 \
        return name;
    TA_ERROR_LIST(TA_ERROR_IF)
#undef TA_ERROR_IF
    return TA_ERR_INTERNAL;
}

int ta_fail_errno(struct ta_log *log, const char *path, const char *what)
{
    int errnum = errno;
    char reason[TA_ERRNO_TEXT];
    ta_error(log, "%s: can't %s: %s", path, what, ta_errno_text(errnum, reason));
    return ta_error_from_errno(errnum);
}
