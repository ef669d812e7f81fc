#include "restore/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/terminalai.h>

#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "media/av.h"
#include "plan/diff.h"
#include "plan/redo_ranges.h"
#include "restore/work_files.h"

enum { FILE_LIMIT = 64 << 20 };
// A look at the lock takes it for a moment, which must not turn a run away.
static const double LOCK_PATIENCE = 0.3, LOCK_PAUSE = 0.02;
// A task that begins a folder holds it for itself for as long as that takes.
static const double TASK_PATIENCE = 3;

char *ta_work_path(const struct ta_plan *plan, const char *work_dir)
{
    return ta_work_path_of(plan->output, work_dir);
}

void ta_work_choose_dir(const struct ta_plan *plan, struct ta_run_opts *run)
{
    if (strcmp(plan->output, "-") || (run->work_dir && run->work_dir[0]))
        return;
    const char *tmp = getenv("TMPDIR");
    free(run->work_dir);
    run->work_dir = ta_xstrdup(tmp && tmp[0] ? tmp : "/tmp");
}

int ta_work_check_source(const struct ta_plan *plan, struct ta_log *log)
{
    struct ta_fingerprint now;
    int err = ta_fingerprint_read(plan->input, &now, log);
    if (err >= 0 && !ta_fingerprint_equal(&now, &plan->source)) {
        ta_error(log, "%s: the file has changed since it was planned", plan->input);
        err = TA_ERR_MISMATCH;
    }
    return err;
}

static char *inside(const struct ta_work *w, const char *name)
{
    return ta_path_join(w->dir, name);
}

char *ta_work_segment_path(const struct ta_work *w, int segment)
{
    char *stem = ta_plan_segment_stem(w->plan, segment), *path = ta_xprintf("%s/%s.nut", w->dir, stem);
    free(stem);
    return path;
}

char *ta_work_part_path(const struct ta_work *w, int segment, const char *run_id)
{
    char *stem = ta_plan_segment_stem(w->plan, segment),
         *path = ta_xprintf("%s/%s.%s.part", w->dir, stem, run_id);
    free(stem);
    return path;
}

int64_t ta_work_bytes(const struct ta_work *w)
{
    int64_t sum = 0;
    for (int i = 0; i < w->plan->segment_count; i++)
        sum += w->done[i].frames ? w->done[i].bytes : 0;
    return sum;
}

struct ta_light ta_work_light(const struct ta_work *w)
{
    struct ta_light light = {.peak = ta_plan_hdr10_peak(w->plan)};
    for (int i = 0; i < w->plan->segment_count; i++) {
        light.max_cll = TA_MAX(light.max_cll, w->done[i].max_cll);
        light.max_fall = TA_MAX(light.max_fall, w->done[i].max_fall);
    }
    return light;
}

char *ta_work_made_by(void)
{
    json_t *versions = ta_av_versions();
    json_object_set_new(versions, "terminalai", json_string(ta_version()));
    char *text = json_dumps(versions, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(versions);
    return text ? text : ta_xstrdup("");
}

// ---- segments ----

// Does the segment's file still have what the journal says?
static bool segment_fits(struct ta_work *w, int segment, const struct ta_segment_result *r)
{
    char *path = ta_work_segment_path(w, segment), sum[TA_SHA256_HEX];
    struct stat st;
    bool ok = stat(path, &st) == 0 && st.st_size == r->bytes && ta_sha256_file(path, sum, NULL) >= 0 &&
              strcmp(sum, r->sha256) == 0;
    if (!ok)
        ta_problem(w->log, TA_PROBLEM_WORK_REMADE,
                   "%s does not have the content that the journal says: it is made again", path);
    free(path);
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

// `only` >= 0: of this segment alone, so that a single task need not read all that others have made.
static void take_segments(struct ta_work *w, int only)
{
    free(w->done);
    w->done = ta_xcalloc((size_t)w->plan->segment_count, sizeof *w->done);
    for (int i = 0; i < w->plan->segment_count; i++)
        w->done[i] = ta_journal_find(&w->journal, w->plan, i);
    ta_freep(&w->journal.done);
    w->journal.segment_count = 0;
    w->done_count = 0;
    if (w->journal.bad_lines && only < 0)
        ta_problem(
            w->log, TA_PROBLEM_JOURNAL_GARBLED,
            "%s/journal.jsonl: %d line%s cut short or garbled and ignored; what is not proven is made again",
            w->dir, w->journal.bad_lines, w->journal.bad_lines == 1 ? " is" : "s are");
    w->delivered = only < 0 && is_delivered(w);
    for (int i = 0; i < w->plan->segment_count; i++) {
        struct ta_segment_result *r = &w->done[i];
        if (only >= 0 && i != only)
            *r = (struct ta_segment_result){0};
        bool fits = r->frames == ta_plan_segment(w->plan, i).out_count;
        if (r->frames && !fits)
            ta_problem(w->log, TA_PROBLEM_JOURNAL_GARBLED,
                       "%s/journal.jsonl: the line of segment %d does not fit the plan and is ignored",
                       w->dir, i);
        if (r->frames && (!fits || (!w->delivered && !segment_fits(w, i, r))))
            *r = (struct ta_segment_result){0};
        w->done_count += r->frames > 0;
    }
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
    int err = ta_journal_append(w->dir, ta_journal_joined_line(sha256, bytes, redo), w->log);
    if (err >= 0) {
        memcpy(w->journal.joined_redo, redo, 65);
        memcpy(w->journal.joined, sha256, 65);
        w->journal.joined_bytes = bytes;
    }
    return err;
}

int ta_work_check_part(const struct ta_work *w)
{
    char *part = ta_work_output_part(w->plan->output);
    struct stat st;
    int err = 0;
    if (lstat(part, &st) == 0 && (!w->journal.joining || !S_ISREG(st.st_mode))) {
        ta_error(w->log, "%s is in the way and was made by no run: move it away or choose another output",
                 part);
        err = TA_ERR_EXISTS;
    }
    free(part);
    return err;
}

int ta_work_begin_joining(struct ta_work *w)
{
    int err = ta_work_check_part(w);
    if (err >= 0 && !w->journal.joining)
        err = ta_journal_append(w->dir, ta_journal_joining_line(), w->log);
    if (err >= 0)
        w->journal.joining = true;
    return err;
}

static char *line_of(const struct ta_plan *p, int segment, const struct ta_segment_result *result)
{
    const struct ta_segment_name *name = p->names ? &p->names[segment] : NULL;
    if (name && name->number < 0)
        return ta_journal_keyed_line(name->key, result);
    return ta_journal_line(name ? name->number : segment, result);
}

int ta_work_commit(struct ta_work *w, int segment, const char *part, const struct ta_segment_result *result)
{
    char *path = ta_work_segment_path(w, segment);
    int err = ta_file_commit(part, path, w->log);
    if (err >= 0)
        err = ta_journal_append(w->dir, line_of(w->plan, segment, result), w->log);
    if (err >= 0) {
        w->done[segment] = *result;
        w->done_count++;
    }
    free(path);
    return err;
}

// ---- whose files these are ----

// Somebody's own folder may have this name by chance: it is neither worked in nor emptied.
static int refuse_foreign(const struct ta_work *w)
{
    char *name = NULL;
    int err = ta_work_find_foreign(w->dir, &name, w->log);
    if (name) {
        ta_error(w->log,
                 "%s: this folder holds \"%s\", which no run makes: nothing in it is changed; move it away "
                 "or set another --work-dir",
                 w->dir, name);
        err = TA_ERR_EXISTS;
    }
    free(name);
    return err;
}

// A joined file that a killed run has left half-written.
static void remove_joined_part(struct ta_work *w)
{
    char *part = ta_work_output_part(w->plan->output);
    struct stat st;
    if (w->journal.joining && lstat(part, &st) == 0 && S_ISREG(st.st_mode))
        unlink(part);
    free(part);
}

// ---- whose plan it is ----

enum state {
    STATE_FRESH, // nothing worth keeping
    STATE_SAME,
    STATE_OTHER,      // another plan's; told
    STATE_UNREADABLE, // somebody's, but nothing says whose; told
};

static void tell_other(struct ta_work *w, const char *old_json, const char *made_by)
{
    struct ta_buf what = {0};
    if (made_by) {
        char *now = ta_work_made_by();
        ta_buf_printf(&what, "the program: %s -> %s", made_by, now);
        free(now);
    } else {
        ta_plan_differences(old_json, w->plan->json, &what);
    }
    ta_error(w->log, "%s holds unfinished work of another plan; what differs, old -> new: %s", w->dir,
             what.size ? ta_buf_text(&what) : "the text of plan.json");
    ta_buf_release(&what);
}

static void drop_journal(struct ta_work *w)
{
    char *path = inside(w, "journal.jsonl");
    ta_problem(w->log, TA_PROBLEM_WORK_FOREIGN,
               "%s is not of the plan beside it: nothing that it says counts", path);
    unlink(path);
    free(path);
    ta_journal_release(&w->journal);
    ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
}

// The journal names the plan that its segments are of, and outweighs plan.json.
static enum state find_state(struct ta_work *w, const char identity[65])
{
    char *path = inside(w, "plan.json"), *made_by = ta_work_made_by(), old[65] = "";
    struct ta_buf text = {0};
    bool has_plan = access(path, F_OK) == 0;
    json_t *json = NULL;
    if (has_plan && ta_file_read(path, FILE_LIMIT, &text, NULL) >= 0)
        json = json_loadb(ta_buf_text(&text), text.size, 0, NULL);
    bool readable = json_is_object(json);
    json_decref(json);
    if (readable)
        ta_plan_identity(ta_buf_text(&text), old);
    bool journal_same = !strcmp(w->journal.plan, identity), plan_same = !strcmp(old, identity);
    enum state state = STATE_SAME;
    if (!journal_same && !plan_same)
        state = readable ? STATE_OTHER : has_plan ? STATE_UNREADABLE : STATE_FRESH;
    if (state == STATE_SAME && w->journal.made_by && strcmp(w->journal.made_by, made_by))
        state = STATE_OTHER;
    if (state == STATE_OTHER)
        tell_other(w, ta_buf_text(&text), journal_same ? w->journal.made_by : NULL);
    else if (state == STATE_UNREADABLE)
        ta_error(w->log, "%s is garbled, and no journal tells that the work beside it is of this plan", path);
    else if (state == STATE_SAME && !plan_same)
        ta_problem(w->log, TA_PROBLEM_PLAN_REWRITTEN,
                   "%s is %s: written anew; the journal knows which segments are of this plan", path,
                   has_plan ? "garbled" : "missing");
    if (state == STATE_SAME && !journal_same && w->journal.plan[0])
        drop_journal(w);
    ta_buf_release(&text);
    free(made_by);
    free(path);
    return state;
}

// ---- writing what says whose it is ----

static int write_index(struct ta_work *w)
{
    char *path = inside(w, "index.bin");
    int err = ta_index_save(w->plan->index, path, w->log);
    free(path);
    return err;
}

static int write_plan(struct ta_work *w)
{
    char *path = inside(w, "plan.json");
    int err = ta_file_write_atomic(path, w->plan->json, strlen(w->plan->json), w->log);
    free(path);
    return err;
}

static int write_head(struct ta_work *w, const char identity[65])
{
    char *made_by = ta_work_made_by(), *folder = ta_path_absolute(".");
    int err = ta_journal_append(w->dir, ta_journal_head_line(identity, made_by, folder), w->log);
    if (err >= 0)
        memcpy(w->journal.plan, identity, 65);
    free(made_by);
    free(folder);
    return err;
}

// plan.json last: a folder without it, and without a journal that names the plan, is one that was never
// begun.
static int begin(struct ta_work *w, const char identity[65])
{
    ta_work_empty(w->dir, NULL); // a journal of another plan must not come back to life
    ta_journal_release(&w->journal);
    ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
    w->created = true;
    int err = write_index(w);
    if (err >= 0)
        err = write_head(w, identity);
    return err < 0 ? err : write_plan(w);
}

static int mend_index(struct ta_work *w)
{
    char *path = inside(w, "index.bin");
    struct ta_index *index = NULL;
    bool ok = ta_index_load(&index, path, NULL) >= 0 && !strcmp(index->checksum, w->plan->index->checksum);
    ta_index_destroy(&index);
    if (!ok)
        ta_problem(w->log, TA_PROBLEM_INDEX_REWRITTEN, "%s is missing or damaged: written anew", path);
    free(path);
    return ok ? 0 : write_index(w);
}

static bool has_text(const char *path, const char *text)
{
    struct ta_buf b = {0};
    bool same = ta_file_read(path, FILE_LIMIT, &b, NULL) >= 0 && b.size == strlen(text) &&
                !strcmp(ta_buf_text(&b), text);
    ta_buf_release(&b);
    return same;
}

static int go_on(struct ta_work *w, const char identity[65])
{
    char *plan = inside(w, "plan.json");
    int err = has_text(plan, w->plan->json) ? 0 : write_plan(w);
    free(plan);
    if (err >= 0)
        err = mend_index(w);
    if (err >= 0 && !w->journal.plan[0])
        err = write_head(w, identity);
    if (err < 0)
        return err;
    ta_work_remove_parts(w->dir);
    remove_joined_part(w);
    take_segments(w, -1);
    return 0;
}

// ---- locking ----

static bool is_still_named(const struct ta_work *w)
{
    struct stat held, named;
    return fstat(w->lock, &held) == 0 && stat(w->dir, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static int take_lock(struct ta_work *w)
{
    double start = ta_clock_seconds();
    for (;;) {
        w->lock = w->shared ? ta_lock_try_shared(w->dir, NULL) : ta_lock_try(w->dir, NULL);
        if (w->lock != TA_ERR_BUSY ||
            ta_clock_seconds() - start > (w->shared ? TASK_PATIENCE : LOCK_PATIENCE))
            return w->lock < 0 ? w->lock : 0;
        usleep((useconds_t)(LOCK_PAUSE * 1e6)); // timed wait: a lock tells nobody that it is free
    }
}

static int make_dir(struct ta_work *w)
{
    struct stat st;
    bool there = stat(w->dir, &st) == 0;
    int err = ta_dir_create(w->dir, w->log);
    if (err >= 0 && !there) { // after a power cut it must still be in its folder
        char *parent = ta_path_dir(w->dir);
        err = ta_file_sync_dir(parent, w->log);
        free(parent);
    }
    return err;
}

// Takes the lock on the folder that has the name now: one that was removed between opening and locking does
// not count.
static int lock_dir(struct ta_work *w)
{
    for (int tries = 0; tries < 100; tries++) {
        int err = make_dir(w);
        if (err < 0)
            return err;
        err = take_lock(w);
        if (err == TA_ERR_NOT_FOUND)
            continue;
        if (err == TA_ERR_BUSY)
            ta_error(w->log,
                     "%s: another run is working on this output; \"terminalai status\" shows how far it is",
                     w->plan->output);
        else if (err < 0)
            ta_error(w->log, "%s: can't be locked: %s", w->dir, ta_error_text(err));
        if (err < 0)
            return err;
        if (is_still_named(w))
            return 0;
        close(w->lock);
        w->lock = -1;
    }
    ta_error(w->log, "%s: other runs keep removing this folder", w->dir);
    return TA_ERR_BUSY;
}

bool ta_work_is_live(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool live = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return live;
}

// ---- opening ----

static int open_locked(struct ta_work *w, const struct ta_run_opts *run)
{
    char identity[65];
    ta_plan_identity(w->plan->json, identity);
    ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
    if (run->restart) {
        int err = refuse_foreign(w);
        if (err < 0)
            return err;
        remove_joined_part(w);
        return begin(w, identity);
    }
    switch (find_state(w, identity)) {
    case STATE_FRESH: {
        int err = refuse_foreign(w);
        if (err < 0)
            return err;
        remove_joined_part(w);
        return begin(w, identity);
    }
    case STATE_SAME:
        if (run->no_resume) {
            ta_error(w->log,
                     "%s holds unfinished work; without --no-resume this command goes on with it, --restart "
                     "throws it away",
                     w->dir);
            return TA_ERR_EXISTS;
        }
        return go_on(w, identity);
    default:
        return TA_ERR_MISMATCH;
    }
}

int ta_work_open(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                 struct ta_log *log)
{
    *w = (struct ta_work){.plan = plan, .lock = -1, .log = log, .dir = ta_work_path(plan, run->work_dir)};
    int err = lock_dir(w);
    if (err >= 0)
        err = open_locked(w, run);
    if (err >= 0 && !w->done)
        w->done = ta_xcalloc((size_t)plan->segment_count + 1, sizeof *w->done);
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

// ---- single tasks ----

// Two that begin at once take turns: whoever is later finds the work begun. Gives the shared lock back and
// tries for the whole one: 1 when the folder is begun now, 0 when others were quicker.
static int begin_task(struct ta_work *w, const char identity[65])
{
    close(w->lock);
    w->lock = ta_lock_try(w->dir, NULL);
    if (w->lock < 0 || !is_still_named(w))
        return 0;
    ta_journal_release(&w->journal);
    ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
    int err = strcmp(w->journal.plan, identity) ? refuse_foreign(w) : 0;
    if (err == 0 && strcmp(w->journal.plan, identity))
        err = begin(w, identity);
    if (err >= 0 && flock(w->lock, LOCK_SH) < 0)
        err = ta_error_from_errno(errno);
    return err < 0 ? err : 1;
}

static int open_task(struct ta_work *w, int segment)
{
    char identity[65];
    ta_plan_identity(w->plan->json, identity);
    for (double start = ta_clock_seconds();;) {
        int err = lock_dir(w);
        if (err < 0)
            return err;
        ta_journal_release(&w->journal);
        ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
        enum state state = find_state(w, identity);
        if (state != STATE_FRESH && state != STATE_SAME)
            return TA_ERR_MISMATCH;
        err = state == STATE_SAME ? 1 : begin_task(w, identity);
        if (err < 0)
            return err;
        if (err > 0)
            break;
        if (w->lock >= 0)
            close(w->lock);
        w->lock = -1;
        if (ta_clock_seconds() - start > TASK_PATIENCE) {
            ta_error(w->log, "%s: other tasks keep this folder from being begun", w->dir);
            return TA_ERR_BUSY;
        }
    }
    take_segments(w, segment);
    return 0;
}

int ta_work_open_task(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                      int segment, struct ta_log *log)
{
    *w = (struct ta_work){
        .plan = plan, .lock = -1, .shared = true, .log = log, .dir = ta_work_path(plan, run->work_dir)};
    int err = open_task(w, segment);
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

bool ta_work_is_done(struct ta_work *w, int segment)
{
    ta_journal_release(&w->journal);
    ta_journal_load(&w->journal, w->dir, ta_plan_numbers(w->plan));
    take_segments(w, segment);
    return w->done[segment].frames > 0;
}

// May what lies in the folder go? Not while other tasks work there, nor when any has finished something.
static bool may_remove(const struct ta_work *w)
{
    struct ta_journal j;
    if (!w->shared)
        return true;
    if (flock(w->lock, LOCK_EX | LOCK_NB) < 0)
        return false;
    ta_journal_load(&j, w->dir, ta_plan_numbers(w->plan));
    bool unused = true;
    for (int i = 0; i < j.segment_count; i++)
        unused &= j.done[i].frames == 0;
    unused &= !j.keyed_count;
    ta_journal_release(&j);
    return unused;
}

void ta_work_close(struct ta_work *w, bool remove)
{
    if (remove && w->lock >= 0 && may_remove(w)) {
        remove_joined_part(w);
        ta_work_remove(w->dir, w->log);
    }
    if (w->lock >= 0)
        close(w->lock);
    ta_journal_release(&w->journal);
    free(w->dir);
    free(w->done);
    *w = (struct ta_work){.lock = -1};
}
