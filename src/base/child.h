// Doing something that may crash, hang or grow without bounds in a process of its own.
#ifndef TA_BASE_CHILD_H
#define TA_BASE_CHILD_H

#include <stddef.h>
#include <stdint.h>

struct ta_buf;

struct ta_child_limits {
    int seconds;         // of the clock; then it is ended
    size_t memory_bytes; // of addresses; not enforced under a sanitizer
    size_t answer_bytes; // more is an error
};

// Runs `work` in a child: a copy of this process in which the calling thread is the only one, with nothing
// open but the pipe `answer`, which can write no files, gain no privileges and leaves no core. What it writes
// to `answer` is appended to `out`. It must not wait for other threads of the parent nor take locks that they
// may hold (so: no log of the parent's), and ends when `work` returns. Blocks. 0, or TA_ERR_DAMAGED it
// crashed, BUSY it took too long, LIMIT no process can be started, INTERNAL; with a phrase in `why`.
int ta_child_run(void (*work)(void *priv, int answer), void *priv, const struct ta_child_limits *limits,
                 struct ta_buf *out, struct ta_buf *why);

#endif
