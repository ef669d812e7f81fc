// The journal of a work folder: one line a fact, each with a checksum of its own, appended and synced. What a
// line can't prove is not so.
#ifndef TA_RESTORE_JOURNAL_H
#define TA_RESTORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "restore/segment.h"

struct ta_log;

// What a whole journal says.
struct ta_journal {
    char plan[65];   // identity of the plan that it belongs to (see ta_plan_identity()); "" when no line says
    char *made_by;   // the program and libraries that made the segments; NULL when no line says
    char *folder;    // where relative paths of the plan start; NULL when no line says
    bool joining;    // the joined file was begun under its temporary name: what has that name is a run's
    char joined[65]; // checksum of the finished file; "" when there is none yet
    int64_t joined_bytes;
    char joined_redo[65];           // which redone ranges it has, see ta_redo_sum()
    struct ta_segment_result *done; // [segment_count]; frames > 0 when a line says that it is finished
    int segment_count;
    // Segments of redone ranges, by their keys; a later one counts.
    struct ta_keyed_result {
        char key[65];
        struct ta_segment_result result;
    } * keyed;
    int keyed_count;
    int bad_lines; // cut short, garbled, or of a segment that does not exist
};

// Reads the journal in the folder `dir`; one that is missing is an empty one. Only what a line proves is
// taken; a later line wins. Logs nothing. Returns 0, or TA_ERR_* when the file can't be read (then as good as
// empty). To be released in any case.
int ta_journal_load(struct ta_journal *j, const char *dir, int segment_count);
// What it says of the plan's segment k; frames is 0 when nothing. `j` was loaded with ta_plan_numbers().
struct ta_segment_result ta_journal_find(const struct ta_journal *j, const struct ta_plan *plan, int k);
void ta_journal_release(struct ta_journal *j);

// Appends a line, made by one of the functions below; takes it. Synced when it returns 0.
int ta_journal_append(const char *dir, char *line, struct ta_log *log);

// Lines without newline; to be freed.
char *ta_journal_line(int segment, const struct ta_segment_result *result);
char *ta_journal_keyed_line(const char *key, const struct ta_segment_result *result);
char *ta_journal_head_line(const char *plan, const char *made_by, const char *folder);
char *ta_journal_joining_line(void);
char *ta_journal_joined_line(const char *sha256, int64_t bytes, const char *redo);

// One line of a finished segment, checked; for tests and the fuzzer. False: not a line to trust.
bool ta_journal_parse(const char *line, size_t size, int *segment, struct ta_segment_result *out);

#endif
