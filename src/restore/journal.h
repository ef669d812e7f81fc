// The journal of a work folder: one line a fact, each with a checksum of its own, appended and synced. What a
// line can't prove is not so.
#ifndef TA_RESTORE_JOURNAL_H
#define TA_RESTORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <terminalai/task.h>

#include "base/folder.h"
#include "base/path.h"

#include "restore/done.h"

struct ta_log;

// What a whole journal says.
struct ta_journal {
    char plan[65]; // identity of the plan that it belongs to (see ta_plan_identity()); "" when no line says
    char *made_by; // the program and libraries that made the files; NULL when no line says
    char *folder;  // where relative paths of the plan start; NULL when no line says
    char joining[TA_TAG_SIZE]; // of the temporary name under which the joined file was begun; "" for none
    char joined[65];           // checksum of the finished file; "" when there is none yet
    int64_t joined_bytes;
    char joined_redo[65]; // which redone ranges it has, see ta_redo_sum()
    bool keep;            // a run that has not come to its end was asked to keep the folder (keep-work)
    bool kept;            // the last run that came to its end has left it on purpose
    // Finished tasks in the order of their lines. A later one of the same stem counts; a plan need not have
    // all of them, as of a range that was redone and is so no more.
    struct ta_journal_task {
        char stem[TA_STEM_SIZE];
        struct ta_done done;
        int line; // among those of tasks
    } * tasks;    // the last of each task, by stem
    int task_count;
    int bad_lines; // cut short or garbled
};

// Reads the journal in the folder `dir`; one that is missing is an empty one. Only what a line proves is
// taken; a later line wins. Logs nothing. Returns 0, or TA_ERR_* when the file can't be read (then as good as
// empty). To be released in any case.
int ta_journal_load(struct ta_journal *j, const char *dir);
int ta_journal_load_in(struct ta_journal *j, const struct ta_folder *folder);
// What it says of the task; bytes is 0 when nothing.
struct ta_done ta_journal_find(const struct ta_journal *j, const char *stem);
void ta_journal_release(struct ta_journal *j);

// Appends a line, made by one of the functions below; takes it. Synced when it returns 0.
int ta_journal_append(const struct ta_folder *folder, char *line, struct ta_log *log);

// Lines without newline; to be freed.
char *ta_journal_task_line(const char *stem, const struct ta_done *done);
char *ta_journal_head_line(const char *plan, const char *made_by, const char *folder);
char *ta_journal_joining_line(const char *tag);
char *ta_journal_joined_line(const char *sha256, int64_t bytes, const char *redo);
// That the folder is to be kept; `done`: that it has been, and the wish is over.
char *ta_journal_keep_line(bool done);

// One line of a finished task, checked; for tests and the fuzzer. False: not a line to trust. Lines of
// version 0.1 are understood, which knew segments alone, by number or by key.
bool ta_journal_parse(const char *line, size_t size, char stem[TA_STEM_SIZE], struct ta_done *out);

#endif
