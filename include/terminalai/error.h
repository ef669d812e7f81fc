// Error codes of the library: one list, each with a short text and the code of a problem that says no more
// (<terminalai/problem.h>).
// Every function that can fail returns 0 or a count >= 0 on success and one of these (all < 0) on
// failure. The text says what kind of thing went wrong; the log message that was written where the error was
// first seen says with which file, option or stage.
#ifndef TERMINALAI_ERROR_H
#define TERMINALAI_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define TA_ERROR_LIST(X)                                                                      \
    X(TA_ERR_NOMEM, -1, "out of memory", "no-memory")                                         \
    X(TA_ERR_IO, -2, "input or output failed", "io")                                          \
    X(TA_ERR_NOT_FOUND, -3, "not found", "not-found")                                         \
    X(TA_ERR_EXISTS, -4, "exists already", "exists")                                          \
    X(TA_ERR_ACCESS, -5, "no permission", "no-permission")                                    \
    X(TA_ERR_NO_SPACE, -6, "no space left", "no-space")                                       \
    X(TA_ERR_INVALID, -7, "invalid value", "invalid-value")                                   \
    X(TA_ERR_FORMAT, -8, "not in a form that can be read", "unreadable")                      \
    X(TA_ERR_UNSUPPORTED, -9, "not supported", "unsupported")                                 \
    X(TA_ERR_DAMAGED, -10, "damaged", "damaged")                                              \
    X(TA_ERR_CANCELED, -11, "cancelled", "cancelled")                                         \
    X(TA_ERR_BUSY, -12, "in use", "in-use")                                                   \
    X(TA_ERR_MISMATCH, -13, "does not fit what was recorded", "mismatch")                     \
    X(TA_ERR_USAGE, -14, "wrong call", "wrong-call")                                          \
    X(TA_ERR_INTERNAL, -15, "internal error", "internal")                                     \
    X(TA_ERR_CLOSED, -16, "the program that reads the output has ended", "reader-gone")       \
    X(TA_ERR_LIMIT, -17, "the system allows no more threads or open files (ulimit)", "limit") \
    X(TA_ERR_DEVICE, -18, "the device that computes has failed", "device-failed")

enum ta_error {
#define TA_ERROR_ENUM(name, value, text, code) name = value,
    TA_ERROR_LIST(TA_ERROR_ENUM)
#undef TA_ERROR_ENUM
};

// Static text of an error code; "success" for err >= 0; "unknown error" for other numbers.
// Thread-safety: Safe.
const char *ta_error_text(int err);
// Static word for it, such as "no-space", that stays what it is; "unknown" for other numbers.
const char *ta_error_code(int err);

#ifdef __cplusplus
}
#endif
#endif
