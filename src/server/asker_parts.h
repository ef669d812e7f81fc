// What asker.c shares with looker.c: one process that answers.
#ifndef TA_SERVER_ASKER_PARTS_H
#define TA_SERVER_ASKER_PARTS_H

#include <sys/types.h>

#include "jobs/box_job.h"
#include "jobs/lines.h"
#include "server/request.h"

// An answer. Either a blob with headers, or a problem.
struct ta_told {
    int status; // of HTTP
    struct ta_blob *blob;
    json_t *head;    // texts by name; NULL: none
    json_t *problem; // {"code", "message", "advice", "args"}
};

// A new one that is a problem; `code` and `message` are copied.
struct ta_told *ta_told_problem(int status, const char *code, const char *message);

// A process and the socket to it; pid 0: none.
struct ta_looker {
    pid_t pid;
    int fd;
    struct ta_lines lines;
    struct ta_box box; // what it may do
};

struct ta_looker_wish {
    const char *program, *config;
    const json_t *look; // asked of "worker look"; NULL: the command is run
    char *const *command;
    const char *type;
    int seconds;            // then it is ended
    int stop_fd, cancel_fd; // either is readable: it is ended
    const struct ta_box_rules *rules;
    void (*progress)(void *priv, const json_t *line);
    void *priv;
};
// Blocks until the answer is there; never NULL. A process that fails at it is ended; the next question gets
// another one. All calls for one looker come from one thread.
struct ta_told *ta_looker_ask(struct ta_looker *l, const struct ta_looker_wish *wish, struct ta_log *log);
void ta_looker_end(struct ta_looker *l);

#endif
