// Errors of the system as errors of ours.
#ifndef TA_BASE_ERROR_H
#define TA_BASE_ERROR_H

// Maps errno to the error list (ENOSPC and EDQUOT to TA_ERR_NO_SPACE, ENOENT to TA_ERR_NOT_FOUND, ...); never
// 0.
int ta_error_from_errno(int errnum);

#endif
