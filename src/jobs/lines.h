// Messages between service and workers: one JSON object a line, at most TA_LINE_MAX bytes.
//
// To a worker: start {job, input, output, options}, fetch {job, input, folder, private}, cancel {job}. From a
// worker: hello {pid, version}, progress {job, ...}, log {job, level, text}, heartbeat {job}, result {job,
// err, result}. All have "v": 1 and "type".
#ifndef TA_JOBS_LINES_H
#define TA_JOBS_LINES_H

#include <stdbool.h>

#include <jansson.h>

#include "base/mem.h"

enum { TA_LINE_MAX = 4 << 20, TA_LINES_VERSION = 1 };

// A message of this type; a new reference.
json_t *ta_line_create(const char *type, int64_t job);
// Takes the message. Writes all of it, waiting where the other side is slow. 0 or TA_ERR_CLOSED.
int ta_line_send(int fd, json_t *message);

// What has been read and is no whole line yet. {0} is an empty one; ta_buf_release() it.
struct ta_lines {
    struct ta_buf buf;
    size_t taken;
};
// Reads what is there (waits when the descriptor blocks). The bytes read, 0 at the end, -1 with errno.
long ta_lines_fill(struct ta_lines *l, int fd);
// The next whole line as a message, a new reference; NULL when there is none. *bad says that a line was no
// message of this version, or too long: the other side is not what it should be.
json_t *ta_lines_next(struct ta_lines *l, bool *bad);

#endif
