// The work folder of a run: plan.json, index.bin, survey.json, journal.jsonl, files of finished tasks.
// Whoever holds its lock may change it. work.c opens and closes it, work_lock.c is its lock, work_state.c
// whose plan it is of, work_tasks.c what is finished in it, work_files.c the names of what lies there.
#ifndef TA_RESTORE_WORK_H
#define TA_RESTORE_WORK_H

#include "base/folder.h"
#include "media/mux/lane.h"
#include "plan/plan.h"
#include "restore/done.h"
#include "restore/journal.h"
#include "restore/segment.h"

struct ta_work {
    char *dir;
    struct ta_folder folder; // held open, and locked by that descriptor
    bool shared;             // the lock is a shared one: single tasks of other runners work here too
    bool created;            // by this run
    const struct ta_plan *plan;
    struct ta_done *done; // [ta_plan_tasks()]; bytes > 0 when finished
    int done_count;
    struct ta_journal journal; // as it stood when the folder was opened, without its tasks
    bool inside;               // the joined file is made in the folder, else beside the output
    bool delivered;            // the output in place is the file that the journal says was joined
    struct ta_log *log;
};

// Where the work folder of this plan lies: OUTPUT.terminalai, or NAME-HASH.terminalai under `work_dir`; of a
// plan to standard output stdout-IDENTITY.terminalai. To be freed.
char *ta_work_path(const struct ta_plan *plan, const char *work_dir);

// Unfinished work of a stream to standard output has no place beside the output: sets work_dir where the user
// has set none.
void ta_work_choose_dir(const struct ta_plan *plan, struct ta_run_opts *run);
// TA_ERR_MISMATCH when the source is not the file that was planned for.
int ta_work_check_source(const struct ta_plan *plan, struct ta_log *log);

// Locks and opens the folder, or creates it. An existing one must be of the same plan (else TA_ERR_MISMATCH
// with what differs), its journal is read, and files of finished tasks are checked by size and checksum; what
// does not fit is done again. A plan or index that is missing or garbled is written anew where the journal
// says that its tasks are of this plan. TA_ERR_BUSY when another run holds it. restart: unfinished work is
// removed first. no_resume: TA_ERR_EXISTS when there is something to go on with. TA_ERR_EXISTS also when the
// folder has files that no run makes and is not (or with restart no longer) one to go on with: it is
// somebody's own. TA_ERR_UNSUPPORTED when the plan has tasks of a kind that this program can't make.
int ta_work_open(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                 struct ta_log *log);
// The same for a single task, beside which other tasks may run: but no run of the whole plan, which holds the
// folder for itself (TA_ERR_BUSY). Only this task and those that it needs are looked up in the journal;
// restart and no_resume count for nothing. What is there is changed only while no other task can see it, and
// only where nothing could be made otherwise: a garbled plan.json stays as it is.
int ta_work_open_task(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                      int number, struct ta_log *log);
// Looks the task up again: another runner may have finished it meanwhile.
bool ta_work_is_done(struct ta_work *w, int number);
// The file of a finished task, and the one that it is made as: names in the folder, to be freed. The path is
// for messages.
char *ta_work_task_name(const struct ta_work *w, int number);
char *ta_work_part_name(const struct ta_work *w, int number, const char *run_id);
char *ta_work_task_path(const struct ta_work *w, int number);
// Makes the task's temporary file permanent and writes it in the journal. Thread-safety: one call at a time
// (the caller locks).
int ta_work_commit(struct ta_work *w, int number, const char *part, const struct ta_done *done);
// Is everything finished that the task needs? Else `missing` (may be NULL) gets the first that is not.
bool ta_work_is_ready(const struct ta_work *w, int number, int *missing);
// Bytes of finished tasks; of finished segments alone.
int64_t ta_work_bytes(const struct ta_work *w);
int64_t ta_work_video_bytes(const struct ta_work *w);
// Finished segments, and the frames in them.
int ta_work_segments_done(const struct ta_work *w, int64_t *frames);
// What the finished segment k is; frames is 0 when it is not.
struct ta_segment_result ta_work_segment(const struct ta_work *w, int k);
// Before the joined file is begun: the journal notes a temporary name that no file had, so that a later run
// knows what a killed one has left. What an earlier one was writing is removed.
int ta_work_begin_joining(struct ta_work *w);
// The name, to be freed; NULL when none is noted.
char *ta_work_part(const struct ta_work *w);
// How bright the whole film is: as bright as its brightest segment.
struct ta_light ta_work_light(const struct ta_work *w);
// The journal's note that this folder is to be kept when all is done, or (`done`) has been.
int ta_work_note_keep(struct ta_work *w, bool done);
// The journal's note that the joined file has this checksum and is about to get its name; and whether there
// is such a note.
int ta_work_note_joined(struct ta_work *w, const char *sha256, int64_t bytes);
bool ta_work_joined(const struct ta_work *w, char sha256[65]);
// Releases the lock. remove: what runs have made is removed, and the folder unless it holds something else;
// of a shared one only when no other task works there and none has finished anything.
void ta_work_close(struct ta_work *w, bool remove);

// The program and libraries that files are made by, engines of the plan's stages among them, as the journal
// notes it. `plan` NULL: the program alone. To be freed.
char *ta_work_made_by(const struct ta_plan *plan);
// Is a run, or a task, working in this folder now? False also when it does not exist.
bool ta_work_is_live(const char *dir);

#endif
