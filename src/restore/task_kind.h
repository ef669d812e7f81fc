// The kinds of tasks that this program can make: one table, a row a kind. A new kind is a file with its row,
// and a line in task_kinds.c; scheduler, journal, work folder, status, report and the task command know tasks
// by these rows alone.
#ifndef TA_RESTORE_TASK_KIND_H
#define TA_RESTORE_TASK_KIND_H

#include <terminalai/task.h>

#include "base/env.h"
#include "restore/callbacks.h"
#include "restore/done.h"
#include "restore/turns.h"

struct ta_work;

// What a task is given. Nothing in it is the task's to change.
struct ta_task_run {
    const struct ta_work *work; // its plan, and the files of what the task needs: ta_work_task_path()
    int number;                 // of the task in the plan
    // The file to make, in work->folder: ta_folder_create(). It gets its own name when the task has returned
    // 0.
    const char *name;
    bool strict;            // damage in the source is a failure
    struct ta_turns *turns; // for chains and encoders: as many at once as the machine has room for
    struct ta_meter *meter;
    double *told;             // of it, 0 to 1: for ta_task_tell()
    const struct ta_env *env; // what it may use: threads, engines, cancelling, the log
};

struct ta_task_kind {
    const char *name;   // as the plan says it: "video"
    const char *prefix; // how its stems begin: "seg"; what follows is a hyphen and a number
    const char *suffix; // of its finished files, without the dot: "nut"
    // Makes the task: a pure function of plan, source and the files of what it needs. Makes run->name,
    // neither synced nor renamed, and fills `done` with the file's size, checksum and counts. On failure the
    // caller removes what was written. Any thread, several at once.
    int (*run)(const struct ta_task_run *run, struct ta_done *done);
    // Can this be the result of such a task? Frames and samples are compared with the plan's before. May be
    // NULL.
    bool (*fits)(const struct ta_plan *plan, const struct ta_task *task, const struct ta_done *done);
    // Its file goes when every task that needs it is finished.
    bool temporary;
    // How much of the whole it is, in output frames that take as long: an experienced guess, for progress.
    // NULL for tasks that make output frames and count each with ta_meter_add().
    double (*cost)(const struct ta_plan *plan, const struct ta_task *task);
};

// NULL-terminated.
extern const struct ta_task_kind *const ta_task_kinds[];
extern const struct ta_task_kind ta_task_video;        // a segment: "video"
extern const struct ta_task_kind ta_task_sound;        // a piece of a track: "sound"
extern const struct ta_task_kind ta_task_sound_finish; // a whole track: "sound-finish"

const struct ta_task_kind *ta_task_kind_find(const char *name); // NULL: there is none
// The row of the plan's task; the plan has passed ta_task_kinds_check().
const struct ta_task_kind *ta_task_kind_of(const struct ta_plan *plan, int number);
// Can this program make all tasks of the plan, and do their names begin as those of their kinds do?
// TA_ERR_UNSUPPORTED after a message.
int ta_task_kinds_check(const struct ta_plan *plan, struct ta_log *log);
// Does the file of a task have this name: STEM.SUFFIX, or with `part` STEM.RUN.part? Then `stem`
// (TA_STEM_SIZE bytes, may be NULL) gets its stem.
bool ta_task_is_file(const char *name, bool part, char *stem);
// What the task weighs besides output frames; 0 where these are all.
double ta_task_cost(const struct ta_plan *plan, int number);
// From a running task of a kind with a cost: so much of it is done, 0 to 1. One that never tells counts when
// it has ended. One thread at a time.
void ta_task_tell(const struct ta_task_run *run, double fraction);
// Is this what the plan expects of the task?
bool ta_task_fits(const struct ta_plan *plan, int number, const struct ta_done *done);

#endif
