// Questions about files and devices, asked of processes of their own, and their answers, kept.
//
// The service parses no file itself: what a film holds, how a plan would look, a picture of it are asked of
// "terminalai worker look" (jobs/viewer.h), other things of this program's commands. Few run at a time; they
// end when nobody asks for a while.
#ifndef TA_SERVER_ASKER_H
#define TA_SERVER_ASKER_H

#include <stdbool.h>

#include "server/request.h"

struct ta_box_rules;
struct ta_events;

struct ta_asker;
// `rules` has the configuration that viewers are given, and the folders that they may read. All is borrowed.
// 0 or TA_ERR_*.
int ta_asker_create(struct ta_asker **out, const char *program, const struct ta_box_rules *rules,
                    struct ta_events *events, struct ta_log *log);
// Ends what runs, wakes who waits: they are refused. Before the connections are closed.
void ta_asker_stop(struct ta_asker *a); // NULL-safe
void ta_asker_destroy(struct ta_asker **a);

// Which process: each kind of question has its own line, so that a long one keeps nobody waiting.
enum ta_ask_line {
    TA_ASK_SHORT = 0, // somebody waits for it: probe, plan, picture
    TA_ASK_IDLY,      // nobody waits: thumbnails
    TA_ASK_LONG,      // minutes: an excerpt, a download
    TA_ASK_LINES
};

struct ta_question {
    const char *key; // what the answer depends on; the same key has the same answer
    enum ta_ask_line line;
    json_t *look;               // for "worker look", taken; NULL: a command
    const char *const *command; // its words without the program's, NULL-terminated; borrowed
    const char *type;           // of the command's output, static
    int keep_s;                 // how long the answer holds: -1 until room is needed
    // An event that tells of the answer, or NULL; `about` (taken) is its object.
    const char *event;
    json_t *about;
};

// Answers the request: at once where the answer is known, else the connection sleeps until it is, and the
// route runs again. True when `r` has its answer, which the caller may add to.
bool ta_asker_ask(struct ta_asker *a, struct ta_request *r, struct ta_question *q);
// Has it found out without anybody waiting for it. True when `r` has its answer (not counting refusals that
// have been kept); false: it is on its way, or there is no room to ask now.
bool ta_asker_look(struct ta_asker *a, struct ta_request *r, struct ta_question *q);
// How it stands with a question that was asked: 1 `r` has its answer, 0 it is on its way, -1 nobody has
// asked, or not of late.
int ta_asker_state(struct ta_asker *a, struct ta_request *r, const char *key);
// The same without an answer: something is to be done.
void ta_asker_do(struct ta_asker *a, struct ta_question *q);
// Nobody wants the answer to a question that waits or is worked on: its process is ended, the event says
// "cancelled". False when there is no such question.
bool ta_asker_cancel(struct ta_asker *a, const char *key);

#endif
