#include "jobs/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <terminalai/error.h>

json_t *ta_line_create(const char *type, int64_t job)
{
    return json_pack("{s:i, s:s, s:I}", "v", TA_LINES_VERSION, "type", type, "job", (json_int_t)job);
}

int ta_line_send(int fd, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!text)
        return TA_ERR_CLOSED;
    size_t size = strlen(text), sent = 0;
    text[size++] = '\n'; // in the place of its NUL
    while (sent < size) {
        ssize_t n = send(fd, text + sent, size - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    free(text);
    return sent == size ? 0 : TA_ERR_CLOSED;
}

long ta_lines_fill(struct ta_lines *l, int fd)
{
    char chunk[16384];
    ssize_t n;
    do
        n = read(fd, chunk, sizeof(chunk));
    while (n < 0 && errno == EINTR);
    if (n > 0)
        ta_buf_append(&l->buf, chunk, (size_t)n);
    return (long)n;
}

json_t *ta_lines_next(struct ta_lines *l, bool *bad)
{
    *bad = false;
    const char *start = ta_buf_text(&l->buf) + l->taken;
    size_t left = l->buf.size - l->taken;
    const char *end = left ? memchr(start, '\n', left) : NULL;
    if (!end) {
        *bad = left > TA_LINE_MAX;
        if (l->taken) { // what is left moves to the front
            memmove(l->buf.data, start, left);
            l->buf.size = left;
            l->buf.data[left] = '\0';
            l->taken = 0;
        }
        return NULL;
    }
    json_t *message = json_loadb(start, (size_t)(end - start), JSON_REJECT_DUPLICATES, NULL);
    l->taken += (size_t)(end - start) + 1;
    if (json_integer_value(json_object_get(message, "v")) != TA_LINES_VERSION ||
        !json_is_string(json_object_get(message, "type"))) {
        json_decref(message);
        message = NULL;
        *bad = true;
    }
    return message;
}
