// A work folder as it is found by somebody who only looks: nothing is locked but for a moment, nothing
// changed.
#ifndef TA_RESTORE_LOOK_H
#define TA_RESTORE_LOOK_H

#include <jansson.h>

#include "plan/plan.h"
#include "restore/journal.h"

struct ta_look {
    char *dir;
    struct ta_plan *plan; // NULL when it can't be read; with its index where that lies in the folder
    struct ta_journal journal;
    bool live;     // a run, or a task, works in it now
    bool outdated; // another version of the program or its libraries began it: it can't be gone on with
    // Of its tasks: NULL without a plan.
    enum ta_look_task { TA_LOOK_LEFT = 0, TA_LOOK_RUNNING, TA_LOOK_DONE } * tasks;
    int done, running; // of all kinds
    int segments_done;
    int64_t frames_done, bytes;
};

// Looks at a folder with the plan in it. A file counts as finished when it has the size that the journal
// says.
void ta_look_init(struct ta_look *look, const char *dir);
void ta_look_release(struct ta_look *look);
// How the tasks of any plan stand in a folder: [ta_plan_tasks()], to be freed.
enum ta_look_task *ta_look_tasks(const struct ta_plan *plan, const char *dir,
                                 const struct ta_journal *journal, bool live);
extern const char *const ta_look_names[]; // "left", "running", "done"

// A path of the plan, from the folder in which the run was started. To be freed.
char *ta_look_resolve(const struct ta_look *look, const char *path);
// The plan's source, which may be of several files. To be freed.
char *ta_look_source(const struct ta_look *look);
// Names need not be UTF-8, JSON strings must: what is not is quoted.
json_t *ta_look_text(const char *text);
bool ta_look_is_file(const char *path);

#endif
