// What is finished in a work folder.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/words.h"
#include "plan/redo_ranges.h"
#include "restore/task_kind.h"
#include "restore/work_files.h"
#include "restore/work_parts.h"

// ---- names ----

char *ta_work_task_name(const struct ta_work *w, int number)
{
    return ta_xprintf("%s.%s", ta_plan_task(w->plan, number).stem, ta_task_kind_of(w->plan, number)->suffix);
}

char *ta_work_part_name(const struct ta_work *w, int number, const char *run_id)
{
    return ta_xprintf("%s.%s.part", ta_plan_task(w->plan, number).stem, run_id);
}

char *ta_work_task_path(const struct ta_work *w, int number)
{
    char *name = ta_work_task_name(w, number), *path = ta_path_join(w->dir, name);
    free(name);
    return path;
}

// ---- sums ----

int64_t ta_work_bytes(const struct ta_work *w)
{
    int64_t sum = 0;
    for (int i = 0, n = ta_plan_tasks(w->plan); i < n; i++)
        sum += w->done[i].removed ? 0 : w->done[i].bytes;
    return sum;
}

int64_t ta_work_video_bytes(const struct ta_work *w)
{
    int64_t sum = 0;
    for (int i = 0; i < w->plan->segment_count; i++)
        sum += w->done[i].bytes;
    return sum;
}

int ta_work_segments_done(const struct ta_work *w, int64_t *frames)
{
    int count = 0;
    *frames = 0;
    for (int i = 0; i < w->plan->segment_count; i++) {
        count += w->done[i].bytes > 0;
        *frames += ta_counts_get(&w->done[i].counts, "frames");
    }
    return count;
}

struct ta_segment_result ta_work_segment(const struct ta_work *w, int k)
{
    struct ta_segment_result r;
    ta_segment_from_done(&w->done[k], &r);
    return r;
}

struct ta_light ta_work_light(const struct ta_work *w)
{
    struct ta_light light = {.peak = ta_plan_hdr10_peak(w->plan->stages, w->plan->stage_count)};
    for (int i = 0; i < w->plan->segment_count; i++) {
        struct ta_segment_result r = ta_work_segment(w, i);
        light.max_cll = TA_MAX(light.max_cll, r.max_cll);
        light.max_fall = TA_MAX(light.max_fall, r.max_fall);
    }
    return light;
}

// ---- taking what is finished ----

// Does the task's file still have what the journal says?
static bool is_as_noted(struct ta_work *w, int number, const struct ta_done *done)
{
    char *name = ta_work_task_name(w, number), sum[TA_SHA256_HEX];
    bool ok = ta_folder_bytes(&w->folder, name) == done->bytes &&
              ta_folder_sha256(&w->folder, name, sum, NULL) >= 0 && strcmp(sum, done->sha256) == 0;
    if (!ok)
        ta_problem_at(
            w->log, TA_PROBLEM_WORK_REMADE,
            &(struct ta_problem_about){
                .file = w->dir, .args = json_pack("{s:s}", "task", ta_plan_task(w->plan, number).stem)},
            "%s/%s does not have the content that the journal says: it is made again", w->dir, name);
    free(name);
    return ok;
}

// The output itself may be there already, put in place by a run that was killed before it had cleaned up.
static bool is_delivered(const struct ta_work *w)
{
    char sum[TA_SHA256_HEX];
    char redo[65];
    struct stat st;
    ta_redo_sum(w->plan, redo);
    return w->journal.joined[0] && !strcmp(w->journal.joined_redo, redo) && stat(w->plan->output, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_size == w->journal.joined_bytes &&
           ta_sha256_file(w->plan->output, sum, NULL) >= 0 && !strcmp(sum, w->journal.joined);
}

static void take_task(struct ta_work *w, int number)
{
    struct ta_task task = ta_plan_task(w->plan, number);
    struct ta_done done = ta_journal_find(&w->journal, task.stem);
    bool fits = ta_task_fits(w->plan, number, &done);
    if (done.bytes && !fits)
        ta_problem_at(w->log, TA_PROBLEM_JOURNAL_GARBLED,
                      &(struct ta_problem_about){.args = json_pack("{s:s}", "task", task.stem)},
                      "%s/journal.jsonl: the line of %s does not fit the plan and is ignored", w->dir,
                      task.stem);
    if (!done.bytes || !fits || (!w->delivered && !is_as_noted(w, number, &done)))
        return;
    w->done_count += w->done[number].bytes == 0;
    w->done[number] = done;
}

static bool needs(const struct ta_work *w, int user, int number)
{
    struct ta_task task = ta_plan_task(w->plan, user);
    for (int i = 0; i < task.need_count; i++)
        if (task.needs[i] == number)
            return true;
    return false;
}

// Has a temporary task done its part, so that its file need not be there? `look`: its users are looked up.
static bool is_used(struct ta_work *w, int number, bool look)
{
    bool any = false;
    if (!ta_task_kind_of(w->plan, number)->temporary)
        return false;
    for (int i = w->plan->segment_count, n = ta_plan_tasks(w->plan); i < n; i++)
        if (needs(w, i, number)) {
            if (look && !w->done[i].bytes)
                take_task(w, i);
            any = w->done[i].bytes > 0;
            if (!any)
                return false;
        }
    return any;
}

static void take_used_or_task(struct ta_work *w, int number)
{
    if (w->done[number].bytes)
        return;
    if (!is_used(w, number, true)) {
        take_task(w, number);
        return;
    }
    struct ta_done done = ta_journal_find(&w->journal, ta_plan_task(w->plan, number).stem);
    done.bytes = TA_MAX(done.bytes, 1); // whoever used it is finished, whatever became of its line
    done.removed = true;
    w->done_count++;
    w->done[number] = done;
}

// What was used up goes. One that is left lies there until the folder goes: no harm is done.
static void remove_used(struct ta_work *w, int number)
{
    struct ta_task task = ta_plan_task(w->plan, number);
    for (int i = 0; i < task.need_count; i++) {
        int k = task.needs[i];
        if (w->done[k].removed || !is_used(w, k, false))
            continue;
        char *name = ta_work_task_name(w, k);
        ta_folder_unlink(&w->folder, name);
        w->done[k].removed = true;
        free(name);
    }
}

void ta_work_take_tasks(struct ta_work *w, int only)
{
    int count = ta_plan_tasks(w->plan);
    free(w->done);
    w->done = ta_xcalloc((size_t)count + 1, sizeof *w->done);
    w->done_count = 0;
    if (w->journal.bad_lines && only < 0)
        ta_problem_at(
            w->log, TA_PROBLEM_JOURNAL_GARBLED,
            &(struct ta_problem_about){.args = json_pack("{s:i}", "lines", w->journal.bad_lines)},
            "%s/journal.jsonl: %d %s cut short or garbled and ignored; what is not proven is made again",
            w->dir, w->journal.bad_lines, ta_plural(w->journal.bad_lines, "line is", "lines are"));
    w->delivered = only < 0 && is_delivered(w);
    for (int i = 0; i < count && only < 0; i++)
        take_used_or_task(w, i);
    if (only >= 0) {
        struct ta_task task = ta_plan_task(w->plan, only);
        take_used_or_task(w, only);
        for (int i = 0; i < task.need_count; i++)
            take_used_or_task(w, task.needs[i]);
    }
    ta_freep(&w->journal.tasks);
    w->journal.task_count = 0;
}

bool ta_work_is_done(struct ta_work *w, int number)
{
    ta_journal_release(&w->journal);
    ta_journal_load_in(&w->journal, &w->folder);
    ta_work_take_tasks(w, number);
    return w->done[number].bytes > 0;
}

bool ta_work_is_ready(const struct ta_work *w, int number, int *missing)
{
    struct ta_task task = ta_plan_task(w->plan, number);
    for (int i = 0; i < task.need_count; i++)
        if (!w->done[task.needs[i]].bytes) {
            if (missing)
                *missing = task.needs[i];
            return false;
        }
    return true;
}

// ---- noting what is finished ----

int ta_work_commit(struct ta_work *w, int number, const char *part, const struct ta_done *done)
{
    char *name = ta_work_task_name(w, number);
    int err = ta_folder_commit(&w->folder, part, name, w->log);
    if (err >= 0)
        err = ta_journal_append(&w->folder, ta_journal_task_line(ta_plan_task(w->plan, number).stem, done),
                                w->log);
    if (err >= 0) {
        w->done_count += w->done[number].bytes == 0;
        w->done[number] = *done;
        remove_used(w, number);
    }
    free(name);
    return err;
}

bool ta_work_joined(const struct ta_work *w, char sha256[65])
{
    memcpy(sha256, w->journal.joined, 65);
    return sha256[0] != 0;
}

int ta_work_note_joined(struct ta_work *w, const char *sha256, int64_t bytes)
{
    char redo[65];
    ta_redo_sum(w->plan, redo);
    int err = ta_journal_append(&w->folder, ta_journal_joined_line(sha256, bytes, redo), w->log);
    if (err >= 0) {
        memcpy(w->journal.joined_redo, redo, 65);
        memcpy(w->journal.joined, sha256, 65);
        w->journal.joined_bytes = bytes;
    }
    return err;
}

int ta_work_note_keep(struct ta_work *w, bool done)
{
    if (done ? w->journal.kept : w->journal.keep)
        return 0;
    int err = ta_journal_append(&w->folder, ta_journal_keep_line(done), w->log);
    if (err >= 0) {
        w->journal.keep = !done;
        w->journal.kept = done;
    }
    return err;
}

char *ta_work_part(const struct ta_work *w)
{
    if (!w->journal.joining[0])
        return NULL;
    if (!w->inside)
        return ta_path_part(w->plan->output, w->journal.joining);
    char *name = ta_work_joined_name(w->journal.joining), *path = ta_path_join(w->dir, name);
    free(name);
    return path;
}

int ta_work_begin_joining(struct ta_work *w)
{
    char tag[TA_TAG_SIZE];
    ta_work_remove_joined_part(w);
    ta_file_tag(tag);
    int err = ta_journal_append(&w->folder, ta_journal_joining_line(tag), w->log);
    if (err >= 0)
        memcpy(w->journal.joining, tag, sizeof tag);
    return err;
}
