// Errors of the system as errors of ours.
#ifndef TA_BASE_ERROR_H
#define TA_BASE_ERROR_H

struct ta_log;

// Maps errno to the error list (ENOSPC and EDQUOT to TA_ERR_NO_SPACE, ENOENT to TA_ERR_NOT_FOUND, ...); never
// 0.
int ta_error_from_errno(int errnum);
// The system's words for it, and for a file that may grow no further the limit. `out` has room for
// TA_ERRNO_TEXT bytes; returns it or a static text.
enum { TA_ERRNO_TEXT = 160 };
const char *ta_errno_text(int errnum, char *out);
// The error with these words, as ta_error_text() has them: of another program's JSON. TA_ERR_INTERNAL for
// others.
int ta_error_from_text(const char *text);
// Logs "PATH: can't WHAT: reason" for errno, and returns its code.
int ta_fail_errno(struct ta_log *log, const char *path, const char *what);

#endif
