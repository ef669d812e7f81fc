#include "restore/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"

enum { FILE_LIMIT = 64 << 20, MAX_DIFFERENCES = 8 };
static const char joined_key[] = "joined_sha256";

char *ta_work_path(const struct ta_plan *plan, const char *work_dir)
{
    if (!work_dir || !work_dir[0])
        return ta_xprintf("%s.terminalai", plan->output);
    // Outputs of the same name in different folders must not share a folder.
    char *absolute = ta_path_absolute(plan->output), sum[TA_SHA256_HEX];
    ta_sha256_hex(absolute, strlen(absolute), sum);
    // Names may be up to 255 bytes long already.
    char *name = ta_xprintf("%.180s-%.12s.terminalai", ta_path_name(plan->output), sum);
    char *path = ta_path_join(work_dir, name);
    free(absolute);
    free(name);
    return path;
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
    return ta_xprintf("%s/seg-%05d.nut", w->dir, segment);
}

char *ta_work_part_path(const struct ta_work *w, int segment, const char *run_id)
{
    return ta_xprintf("%s/seg-%05d.%s.part", w->dir, segment, run_id);
}

int64_t ta_work_bytes(const struct ta_work *w)
{
    int64_t sum = 0;
    for (int i = 0; i < w->plan->segment_count; i++)
        sum += w->done[i].frames ? w->done[i].bytes : 0;
    return sum;
}

// ---- journal ----

// {"entry": {...}, "sha256": "of the entry's compact text"}
static char *checked_line(json_t *entry)
{
    char *text = json_dumps(entry, JSON_COMPACT), sum[TA_SHA256_HEX];
    ta_sha256_hex(text, strlen(text), sum);
    char *line = ta_xprintf("{\"entry\":%s,\"sha256\":\"%s\"}", text, sum);
    free(text);
    json_decref(entry);
    return line;
}

char *ta_journal_line(int segment, const struct ta_segment_result *r)
{
    return checked_line(json_pack("{s:i, s:I, s:I, s:I, s:I, s:i, s:s}", "segment", segment, "frames",
                                  (json_int_t)r->frames, "bytes", (json_int_t)r->bytes, "concealed",
                                  (json_int_t)r->concealed, "damaged", (json_int_t)r->damaged, "delay",
                                  r->delay, "sha256", r->sha256));
}

// The entry of a line whose checksum fits, or NULL. To be dereferenced.
static json_t *entry_of(const char *line, size_t size)
{
    json_t *root = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *entry = json_incref(json_object_get(root, "entry"));
    const char *want = json_string_value(json_object_get(root, "sha256"));
    bool ok = false;
    if (json_is_object(entry) && want) {
        char *text = json_dumps(entry, JSON_COMPACT), sum[TA_SHA256_HEX];
        ta_sha256_hex(text ? text : "", text ? strlen(text) : 0, sum);
        ok = strcmp(sum, want) == 0;
        free(text);
    }
    if (!ok) {
        json_decref(entry);
        entry = NULL;
    }
    json_decref(root);
    return entry;
}

bool ta_journal_parse(const char *line, size_t size, int *segment, struct ta_segment_result *out)
{
    json_t *e = entry_of(line, size);
    int64_t number = -1, delay = 0;
    const char *sum = NULL;
    *out = (struct ta_segment_result){0};
    bool ok = e && ta_json_get_int(e, "", "segment", 0, INT32_MAX, &number, NULL) >= 0 &&
              ta_json_get_int(e, "", "frames", 1, INT64_MAX, &out->frames, NULL) >= 0 &&
              ta_json_get_int(e, "", "bytes", 1, INT64_MAX, &out->bytes, NULL) >= 0 &&
              ta_json_get_int(e, "", "concealed", 0, INT64_MAX, &out->concealed, NULL) >= 0 &&
              ta_json_get_int(e, "", "damaged", 0, INT64_MAX, &out->damaged, NULL) >= 0 &&
              ta_json_get_int(e, "", "delay", 0, 1024, &delay, NULL) >= 0 &&
              ta_json_get_string(e, "", "sha256", &sum, NULL) >= 0 && strlen(sum) == 64;
    if (ok) {
        memcpy(out->sha256, sum, 65);
        out->delay = (int)delay;
        *segment = (int)number;
    }
    json_decref(e);
    return ok;
}

// Does a line that an earlier run could not finish stand at the end?
static bool ends_in_a_line(const char *path)
{
    char last = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    off_t size = lseek(fd, 0, SEEK_END);
    bool torn = size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
    close(fd);
    return torn;
}

static int append(struct ta_work *w, char *line)
{
    char *path = inside(w, "journal.jsonl");
    struct ta_buf b = {0};
    // One writer at a time, whichever process it is in: what is at the end stays at the end.
    int turn = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (turn >= 0 && flock(turn, LOCK_EX) < 0 && errno == EINTR)
        continue;
    if (ends_in_a_line(path)) // it must not swallow this one
        ta_buf_putc(&b, '\n');
    ta_buf_printf(&b, "%s\n", line);
    int err = ta_file_append_sync(path, b.data, b.size, w->log);
    if (err >= 0)
        err = ta_file_sync_dir(w->dir, w->log);
    if (turn >= 0)
        close(turn);
    ta_buf_release(&b);
    free(path);
    free(line);
    return err;
}

// Does the segment's file still have what the journal says?
static bool segment_fits(struct ta_work *w, int segment, const struct ta_segment_result *r)
{
    char *path = ta_work_segment_path(w, segment), sum[TA_SHA256_HEX];
    struct stat st;
    bool ok = stat(path, &st) == 0 && st.st_size == r->bytes && ta_sha256_file(path, sum, NULL) >= 0 &&
              strcmp(sum, r->sha256) == 0;
    if (!ok)
        ta_warn(w->log, "%s does not have the content that the journal says: it is made again", path);
    free(path);
    return ok;
}

typedef void (*line_fn)(struct ta_work *w, const char *line, size_t size, void *arg);

static void each_line(struct ta_work *w, line_fn fn, void *arg)
{
    char *path = inside(w, "journal.jsonl");
    struct ta_buf text = {0};
    if (access(path, F_OK) == 0 && ta_file_read(path, FILE_LIMIT, &text, w->log) >= 0)
        for (char *p = text.data, *end = text.data + text.size; p && p < end;) {
            char *newline = memchr(p, '\n', (size_t)(end - p));
            size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
            if (n)
                fn(w, p, n, arg);
            p += n + 1;
        }
    ta_buf_release(&text);
    free(path);
}

static void take_line(struct ta_work *w, const char *line, size_t size, void *arg)
{
    (void)arg;
    int segment;
    struct ta_segment_result r;
    if (!ta_journal_parse(line, size, &segment, &r)) {
        json_t *e = entry_of(line, size);
        if (!json_object_get(e, joined_key))
            ta_warn(w->log, "%s/journal.jsonl: a line is cut short or garbled and is ignored", w->dir);
        json_decref(e);
        return;
    }
    if (segment < w->plan->segment_count && r.frames == ta_plan_segment(w->plan, segment).out_count)
        w->done[segment] = r;
    else
        ta_warn(w->log, "%s/journal.jsonl: a line does not fit the plan and is ignored", w->dir);
}

// `only` >= 0: of this segment alone, so that a single task need not read all that others have made.
static void load_journal(struct ta_work *w, int only)
{
    memset(w->done, 0, (size_t)w->plan->segment_count * sizeof *w->done);
    w->done_count = 0;
    each_line(w, take_line, NULL);
    for (int i = 0; i < w->plan->segment_count; i++) {
        if (only >= 0 && i != only)
            w->done[i] = (struct ta_segment_result){0};
        if (w->done[i].frames && !segment_fits(w, i, &w->done[i]))
            w->done[i] = (struct ta_segment_result){0};
        w->done_count += w->done[i].frames > 0;
    }
}

static void find_joined(struct ta_work *w, const char *line, size_t size, void *arg)
{
    (void)w;
    json_t *e = entry_of(line, size);
    const char *sum = json_string_value(json_object_get(e, joined_key));
    if (sum && strlen(sum) == 64)
        memcpy(arg, sum, 65);
    json_decref(e);
}

bool ta_work_joined(const struct ta_work *w, char sha256[65])
{
    sha256[0] = 0;
    each_line((struct ta_work *)w, find_joined, sha256);
    return sha256[0] != 0;
}

int ta_work_note_joined(struct ta_work *w, const char *sha256, int64_t bytes)
{
    return append(w, checked_line(json_pack("{s:s, s:I}", joined_key, sha256, "bytes", (json_int_t)bytes)));
}

int ta_work_commit(struct ta_work *w, int segment, const char *part, const struct ta_segment_result *result)
{
    char *path = ta_work_segment_path(w, segment);
    int err = ta_file_commit(part, path, w->log);
    if (err >= 0)
        err = append(w, ta_journal_line(segment, result));
    if (err >= 0) {
        w->done[segment] = *result;
        w->done_count++;
    }
    free(path);
    return err;
}

// ---- opening ----

static void add_difference(struct ta_buf *out, int *count, const char *path, const json_t *a, const json_t *b)
{
    char *x = a ? json_dumps(a, JSON_COMPACT | JSON_ENCODE_ANY) : NULL,
         *y = b ? json_dumps(b, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (*count < MAX_DIFFERENCES)
        ta_buf_printf(out, "%s%s was %.80s, is %.80s", *count ? "; " : " ", path, x ? x : "absent",
                      y ? y : "absent");
    ++*count;
    free(x);
    free(y);
}

static void compare(struct ta_buf *out, int *count, const char *path, const json_t *a, const json_t *b)
{
    if (json_equal(a, b))
        return;
    if (!json_is_object(a) || !json_is_object(b)) {
        add_difference(out, count, path, a, b);
        return;
    }
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)a, key, item)
    {
        char *place = path[0] ? ta_xprintf("%s.%s", path, key) : ta_xstrdup(key);
        compare(out, count, place, item, json_object_get(b, key));
        free(place);
    }
    json_object_foreach((json_t *)b, key, item)
    {
        if (json_object_get(a, key))
            continue;
        char *place = path[0] ? ta_xprintf("%s.%s", path, key) : ta_xstrdup(key);
        add_difference(out, count, place, NULL, item);
        free(place);
    }
}

// An earlier run's plan must be this one, to the byte.
static int check_plan(struct ta_work *w)
{
    char *path = inside(w, "plan.json");
    struct ta_buf old = {0};
    json_t *a = NULL, *b = NULL;
    int err = ta_file_read(path, FILE_LIMIT, &old, w->log);
    if (err >= 0 && strcmp(ta_buf_text(&old), w->plan->json) != 0) {
        err = ta_json_parse(ta_buf_text(&old), old.size, path, &a, w->log);
        if (err >= 0)
            err = ta_json_parse(w->plan->json, strlen(w->plan->json), "plan", &b, w->log);
        struct ta_buf what = {0};
        int count = 0;
        if (err >= 0)
            compare(&what, &count, "", a, b);
        if (count > MAX_DIFFERENCES)
            ta_buf_printf(&what, "; and %d more", count - MAX_DIFFERENCES);
        if (err >= 0)
            ta_error(w->log,
                     "%s holds unfinished work of another plan; --restart throws it away. What differs:%s",
                     w->dir, what.size ? ta_buf_text(&what) : " the text of plan.json");
        ta_buf_release(&what);
        err = TA_ERR_MISMATCH;
    }
    json_decref(a);
    json_decref(b);
    ta_buf_release(&old);
    free(path);
    return err;
}

static int write_new(struct ta_work *w)
{
    char *plan = inside(w, "plan.json"), *index = inside(w, "index.bin");
    // plan.json last: a folder without it is one that was never begun.
    int err = ta_index_save(w->plan->index, index, w->log);
    if (err >= 0)
        err = ta_file_write_atomic(plan, w->plan->json, strlen(w->plan->json), w->log);
    free(plan);
    free(index);
    return err;
}

// ---- whose files these are ----

// "FIRST...LAST", with something between?
static bool is_between(const char *name, const char *first, const char *last)
{
    size_t n = strlen(name), m = strlen(last);
    return n > strlen(first) + m && !strncmp(name, first, strlen(first)) && !strcmp(name + n - m, last);
}

// "seg-00012.nut" or "seg-00012.RUN.part"?
static bool is_segment_name(const char *name)
{
    if (strncmp(name, "seg-", 4))
        return false;
    size_t digits = strspn(name + 4, "0123456789");
    const char *rest = name + 4 + digits;
    return digits && (!strcmp(rest, ".nut") || is_between(rest, ".", ".part"));
}

// Has a file in the work folder this name because a run made it?
static bool is_own_name(const char *name)
{
    static const char *const fixed[] = {"plan.json", "index.bin", "journal.jsonl"};
    for (size_t i = 0; i < TA_COUNT(fixed); i++)
        if (!strcmp(name, fixed[i]))
            return true;
    return is_segment_name(name) || is_between(name, ".ta-", ".tmp"); // of atomic writes that were killed
}

// The first file in the folder that no run makes, to be freed; NULL when there is none.
static int find_foreign(const struct ta_work *w, char **out)
{
    char **names = NULL;
    *out = NULL;
    int err = ta_dir_list(w->dir, &names, w->log);
    for (char **n = names; err >= 0 && *n && !*out; n++)
        if (!is_own_name(*n))
            *out = ta_xstrdup(*n);
    ta_dir_list_free(&names);
    return err < 0 ? err : 0;
}

// Somebody's own folder may have this name by chance: it is neither worked in nor emptied.
static int refuse_foreign(const struct ta_work *w)
{
    char *name = NULL;
    int err = find_foreign(w, &name);
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

static void remove_own_files(const struct ta_work *w)
{
    char **names = NULL, *foreign = NULL;
    int err = find_foreign(w, &foreign);
    if (err >= 0 && !foreign)
        ta_dir_remove(w->dir, w->log);
    else if (err >= 0 && ta_dir_list(w->dir, &names, w->log) >= 0) {
        for (char **n = names; *n; n++) {
            char *path = inside(w, *n);
            if (is_own_name(*n))
                unlink(path);
            free(path);
        }
        ta_info(w->log, "%s stays: it holds \"%s\", which no run makes", w->dir, foreign);
    }
    ta_dir_list_free(&names);
    free(foreign);
}

// ---- locking and going on ----

// Removes what killed runs left half-written.
static void remove_parts(struct ta_work *w)
{
    char **names = NULL;
    if (ta_dir_list(w->dir, &names, NULL) < 0)
        return;
    for (char **n = names; *n; n++)
        if (is_own_name(*n) && !strcmp(ta_path_extension(*n), "part")) {
            char *path = inside(w, *n);
            unlink(path);
            free(path);
        }
    ta_dir_list_free(&names);
}

static bool is_begun(const struct ta_work *w)
{
    char *plan = inside(w, "plan.json");
    bool yes = access(plan, F_OK) == 0;
    free(plan);
    return yes;
}

// Takes the lock on the folder that has the name now: one that was removed between opening and locking does
// not count.
static int lock_dir(struct ta_work *w)
{
    for (int tries = 0; tries < 100; tries++) {
        int err = ta_dir_create(w->dir, w->log);
        if (err < 0)
            return err;
        w->lock = w->shared ? ta_lock_try_shared(w->dir, NULL) : ta_lock_try(w->dir, NULL);
        if (w->lock == TA_ERR_NOT_FOUND)
            continue;
        if (w->lock == TA_ERR_BUSY)
            ta_error(w->log, "%s: another run is working on this output", w->plan->output);
        else if (w->lock < 0)
            ta_error(w->log, "%s: can't be locked: %s", w->dir, ta_error_text(w->lock));
        if (w->lock < 0)
            return w->lock;
        struct stat held, named;
        if (fstat(w->lock, &held) == 0 && stat(w->dir, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev)
            return 0;
        close(w->lock);
        w->lock = -1;
    }
    ta_error(w->log, "%s: other runs keep removing this folder", w->dir);
    return TA_ERR_BUSY;
}

static int open_locked(struct ta_work *w, const struct ta_run_opts *run)
{
    bool begun = is_begun(w);
    int err = begun && !run->restart ? 0 : refuse_foreign(w);
    if (err < 0)
        return err;
    if (begun && run->restart) {
        err = ta_dir_remove(w->dir, w->log);
        if (err < 0)
            return err;
        close(w->lock);
        w->lock = -1;
        if ((err = lock_dir(w)) < 0)
            return err;
        begun = false;
    }
    if (begun && run->no_resume) {
        ta_error(
            w->log,
            "%s holds unfinished work; without --no-resume this command goes on with it, --restart throws it away",
            w->dir);
        return TA_ERR_EXISTS;
    }
    if (begun) {
        err = check_plan(w);
        if (err >= 0)
            load_journal(w, -1);
        if (err >= 0)
            remove_parts(w);
        return err;
    }
    w->created = true;
    return write_new(w);
}

int ta_work_open(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                 struct ta_log *log)
{
    *w = (struct ta_work){.plan = plan, .lock = -1, .log = log, .dir = ta_work_path(plan, run->work_dir)};
    w->done = ta_xcalloc((size_t)plan->segment_count, sizeof *w->done);
    int err = lock_dir(w);
    if (err >= 0)
        err = open_locked(w, run);
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

int ta_work_open_task(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                      int segment, struct ta_log *log)
{
    *w = (struct ta_work){
        .plan = plan, .lock = -1, .shared = true, .log = log, .dir = ta_work_path(plan, run->work_dir)};
    w->done = ta_xcalloc((size_t)plan->segment_count, sizeof *w->done);
    int err = lock_dir(w);
    if (err >= 0 && is_begun(w)) {
        err = check_plan(w);
        if (err >= 0)
            load_journal(w, segment);
    } else if (err >= 0) {
        // Two that begin at once write the same bytes.
        err = refuse_foreign(w);
        w->created = err >= 0;
        if (err >= 0)
            err = write_new(w);
    }
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

bool ta_work_is_done(struct ta_work *w, int segment)
{
    load_journal(w, segment);
    return w->done[segment].frames > 0;
}

// May what lies in the folder go? Not while other tasks work there, nor when any has finished something.
static bool may_remove(const struct ta_work *w)
{
    if (!w->shared)
        return true;
    char *journal = inside(w, "journal.jsonl");
    bool alone = flock(w->lock, LOCK_EX | LOCK_NB) == 0 && access(journal, F_OK) < 0;
    free(journal);
    return alone;
}

void ta_work_close(struct ta_work *w, bool remove)
{
    if (remove && w->lock >= 0 && may_remove(w))
        remove_own_files(w);
    if (w->lock >= 0)
        close(w->lock);
    free(w->dir);
    free(w->done);
    *w = (struct ta_work){.lock = -1};
}
