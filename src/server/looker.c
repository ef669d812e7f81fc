// One process that answers questions.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/spawn.h"
#include "server/asker_parts.h"

enum { ANSWER_MAX = 64 << 20, NICE = 5 };

struct ta_told *ta_told_problem(int status, const char *code, const char *message)
{
    struct ta_told *t = ta_xcalloc(1, sizeof(*t));
    t->status = status;
    t->problem = json_pack("{s:s}", "code", code);
    json_object_set_new(t->problem, "message", ta_json_any_text(message));
    return t;
}

void ta_looker_end(struct ta_looker *l)
{
    if (!l->pid)
        return;
    ta_spawn_end(l->pid);
    close(l->fd);
    ta_buf_release(&l->lines.buf);
    ta_box_release(&l->box);
    *l = (struct ta_looker){.fd = -1};
}

// Waits until `fd` can be read. False when the time is up, the answer is not wanted any more or the service
// stops.
static bool await(const struct ta_looker_wish *wish, int fd, double until)
{
    for (;;) {
        struct pollfd fds[3] = {{.fd = fd, .events = POLLIN},
                                {.fd = wish->stop_fd, .events = POLLIN},
                                {.fd = wish->cancel_fd, .events = POLLIN}};
        double left = until - ta_clock_seconds();
        if (left <= 0)
            return false;
        int n = poll(fds, 3, (int)(left * 1000) + 1);
        if (n < 0 && errno == EINTR)
            continue;
        return n > 0 && !fds[1].revents && !fds[2].revents;
    }
}

static bool is_canceled(const struct ta_looker_wish *wish)
{
    struct pollfd fd = {.fd = wish->cancel_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

// ---- "worker look" ----

static int start(struct ta_looker *l, const struct ta_looker_wish *wish, struct ta_log *log)
{
    int pair[2];
    char *command[] = {(char *)(uintptr_t)wish->program,
                       (char *)"worker",
                       (char *)"look",
                       wish->config ? (char *)"--config" : NULL,
                       (char *)(uintptr_t)wish->config,
                       NULL};
    struct ta_box box = {0};
    ta_box_for_question(&box, wish->rules, wish->look);
    if (l->pid && !ta_box_covers(&l->box, &box))
        ta_looker_end(l);
    if (l->pid) {
        ta_box_release(&box);
        return 0;
    }
    *l = (struct ta_looker){.fd = -1, .box = box};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return TA_ERR_LIMIT;
    pid_t pid = ta_spawn(
        &(struct ta_spawn){.command = command, .socket = pair[1], .output = -1, .nice = NICE, .box = &l->box},
        log);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return pid;
    }
    l->pid = pid;
    l->fd = pair[0];
    return 0;
}

// The bytes that follow the line of an answer: what has been read with it first.
static bool read_bytes(struct ta_looker *l, const struct ta_looker_wish *wish, double until, char *out,
                       size_t size)
{
    size_t there = TA_MIN(size, l->lines.buf.size - l->lines.taken);
    memcpy(out, ta_buf_text(&l->lines.buf) + l->lines.taken, there);
    l->lines.taken += there;
    while (there < size) {
        if (!await(wish, l->fd, until))
            return false;
        ssize_t n = read(l->fd, out + there, size - there);
        if (n <= 0 && errno != EINTR)
            return false;
        there += n > 0 ? (size_t)n : 0;
    }
    return true;
}

// What media types viewers send, as texts that live for ever.
static const char *static_type(const char *type)
{
    static const char *const known[] = {"application/json", "image/png", "image/jpeg"};
    for (size_t i = 0; type && i < TA_COUNT(known); i++)
        if (!strcmp(known[i], type))
            return known[i];
    return NULL;
}

static struct ta_told *read_answer(struct ta_looker *l, const struct ta_looker_wish *wish, double until,
                                   const json_t *line)
{
    json_int_t size = json_integer_value(json_object_get(line, "bytes"));
    json_t *problem = json_object_get(line, "problem");
    const char *type = static_type(json_string_value(json_object_get(line, "media")));
    struct ta_told *t = ta_xcalloc(1, sizeof(*t));
    t->status = (int)json_integer_value(json_object_get(line, "status"));
    if (t->status < 200 || t->status > 599)
        t->status = 500;
    if (json_is_object(problem)) {
        t->problem = json_incref(problem);
        return t;
    }
    char *data = type && size >= 0 && size <= ANSWER_MAX ? malloc((size_t)size + 1) : NULL;
    if (!data || !read_bytes(l, wish, until, data, (size_t)size)) {
        free(data);
        free(t);
        return NULL;
    }
    json_t *head = json_object_get(line, "head");
    t->head = json_is_object(head) ? json_incref(head) : NULL;
    t->blob = ta_blob_create(data, (size_t)size, type);
    return t;
}

static struct ta_told *ask_viewer(struct ta_looker *l, const struct ta_looker_wish *wish, struct ta_log *log)
{
    double until = ta_clock_seconds() + wish->seconds;
    struct ta_told *told = NULL;
    bool bad = false, gone = false;
    if (start(l, wish, log) < 0)
        return ta_told_problem(503, "no-process", "no process can be started to look at it");
    json_t *question = ta_line_create("look", 0);
    json_object_update(question, (json_t *)wish->look);
    gone = ta_line_send(l->fd, question) < 0;
    while (!told && !bad && !gone) {
        for (json_t *m; !told && (m = ta_lines_next(&l->lines, &bad)); json_decref(m)) {
            const char *type = json_string_value(json_object_get(m, "type"));
            if (!strcmp(type, "progress")) {
                wish->progress(wish->priv, m);
            } else if (!strcmp(type, "answer")) {
                told = read_answer(l, wish, until, m);
                gone = !told;
            }
        }
        gone = gone || (!told && (!await(wish, l->fd, until) || ta_lines_fill(&l->lines, l->fd) <= 0));
    }
    if (told)
        return told;
    bool late = ta_clock_seconds() >= until;
    ta_looker_end(l);
    if (is_canceled(wish))
        return ta_told_problem(409, "cancelled", "cancelled");
    return ta_told_problem(late ? 504 : 502, late ? "took-too-long" : "looking-crashed",
                           late ? "looking at it took too long and was given up"
                                : "the process that looked at it has ended");
}

// ---- a command ----

// What a command that failed says of it: the first object with a message in its JSON.
static struct ta_told *command_failed(const char *text, size_t size)
{
    json_t *o = json_loadb(text, size, 0, NULL), *first = json_is_array(o) ? json_array_get(o, 0) : o;
    const char *message = json_string_value(json_object_get(first, "message"));
    if (!message)
        message = json_string_value(json_object_get(first, "why"));
    struct ta_told *t = ta_told_problem(422, "command-failed", message ? message : "it could not be done");
    json_decref(o);
    return t;
}

static struct ta_told *run_command(const struct ta_looker_wish *wish, struct ta_log *log)
{
    double until = ta_clock_seconds() + wish->seconds;
    struct ta_buf out = {0};
    int ends[2];
    bool whole = false;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return ta_told_problem(503, "no-process", "no process can be started for it");
    pid_t pid = ta_spawn(
        &(struct ta_spawn){.command = wish->command, .socket = -1, .output = ends[1], .nice = NICE}, log);
    close(ends[1]);
    while (pid > 0 && !whole && out.size <= ANSWER_MAX && await(wish, ends[0], until)) {
        char chunk[16384];
        ssize_t n = read(ends[0], chunk, sizeof(chunk));
        whole = !n;
        if (n > 0)
            ta_buf_append(&out, chunk, (size_t)n);
        else if (n < 0 && errno != EINTR)
            break;
    }
    close(ends[0]);
    int status = 0;
    if (pid > 0 && whole) // it has said all, and is about to end
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    else if (pid > 0)
        ta_spawn_end(pid);
    if (pid <= 0 || !whole) {
        ta_buf_release(&out);
        return ta_told_problem(503, "no-answer", "the process that was asked gave no answer");
    }
    if (!WIFEXITED(status)) {
        ta_buf_release(&out);
        return ta_told_problem(502, "command-failed", "the process that was asked has failed");
    }
    if (WEXITSTATUS(status) && !out.size) { // a wrong call, by what a client said
        ta_buf_release(&out);
        return ta_told_problem(422, "command-refused", "that can't be done: the name is not known");
    }
    struct ta_told *t;
    if (WEXITSTATUS(status)) {
        t = command_failed(out.data, out.size);
        ta_buf_release(&out);
    } else {
        t = ta_xcalloc(1, sizeof(*t));
        t->status = 200;
        size_t size = out.size;
        t->blob = ta_blob_create(ta_buf_take(&out), size, wish->type);
    }
    return t;
}

struct ta_told *ta_looker_ask(struct ta_looker *l, const struct ta_looker_wish *wish, struct ta_log *log)
{
    return wish->look ? ask_viewer(l, wish, log) : run_command(wish, log);
}
