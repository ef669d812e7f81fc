// Opening libraries of others at run time.
#ifndef TA_INFER_LIBRARY_H
#define TA_INFER_LIBRARY_H

struct ta_buf;

// Is all of the file there that the system would map? Opening half a library (a broken download, a full disk)
// ends the process instead of failing. 0, or TA_ERR_FORMAT and a phrase in `why`; what is no library at all
// passes: opening it fails. NOT_FOUND or ACCESS when it can't be read.
int ta_library_check(const char *file, struct ta_buf *why);

// A handle of dlopen() for a path, or for the name of a library that the system knows. Runs what the library
// runs when it is loaded. 0, or TA_ERR_FORMAT and why; NOT_FOUND when there is no such file.
int ta_library_open(void **out, const char *file, struct ta_buf *why);
// The same, and libraries that are opened later find what is in it.
int ta_library_open_shared(void **out, const char *file, struct ta_buf *why);

// "FOLDER/PATTERN" for glob(), where only the pattern is one. To be freed.
char *ta_library_pattern(const char *folder, const char *pattern);

#endif
