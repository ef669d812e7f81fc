// Between the files that make up the work folder.
#ifndef TA_RESTORE_WORK_PARTS_H
#define TA_RESTORE_WORK_PARTS_H

#include "restore/work.h"

// ---- work_lock.c ----

// Seconds for which a task waits while another one begins the folder, which it then holds for itself.
extern const double ta_work_task_patience;
// Takes the lock, shared if w->shared, on the folder that has the name now, which is created when missing.
// Told when it fails.
int ta_work_lock(struct ta_work *w);
// Gives the shared lock back and tries for the whole one: false when others work here, after a moment.
bool ta_work_lock_alone(struct ta_work *w);
void ta_work_unlock(struct ta_work *w);

// ---- work_state.c ----

enum ta_work_state {
    TA_WORK_FRESH, // nothing worth keeping
    TA_WORK_SAME,
    TA_WORK_OTHER,      // another plan's; told
    TA_WORK_UNREADABLE, // somebody's, but nothing says whose; told
};
struct ta_work_found {
    enum ta_work_state state;
    bool plan_garbled, plan_missing; // plan.json, where the journal outweighs it
    bool journal_other; // the journal is of another plan than the one beside it: it counts for nothing
};
// Reads the journal anew and says whose work this is. Changes nothing.
struct ta_work_found ta_work_find(struct ta_work *w, const char identity[65]);
// What is needed under the whole lock: an empty folder of this plan; one to go on with, mended.
int ta_work_begin(struct ta_work *w, const char identity[65]);
int ta_work_go_on(struct ta_work *w, const struct ta_work_found *found, const char identity[65]);
// A journal of another plan goes, and one of this plan begins. Told.
int ta_work_renew_journal(struct ta_work *w, const char identity[65]);
// Somebody's own folder may have this name by chance: it is neither worked in nor emptied.
int ta_work_refuse_foreign(const struct ta_work *w);
// A joined file that a killed run has left half-written.
void ta_work_remove_joined_part(struct ta_work *w);

// ---- work_tasks.c ----

// Takes finished tasks out of the journal and looks whether their files are what it says. `only` >= 0: only
// this one and what it needs, so that a single task need not read all that others have made.
void ta_work_take_tasks(struct ta_work *w, int only);

#endif
