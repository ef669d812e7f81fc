#include "restore/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "plan/tasks.h"

enum { JOURNAL_LIMIT = 64 << 20 };
static const char journal_name[] = "journal.jsonl";

// ---- lines ----

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

char *ta_journal_task_line(const char *stem, const struct ta_done *done)
{
    json_t *entry = json_pack("{s:s, s:s, s:I}", "task", stem, "sha256", done->sha256, "bytes",
                              (json_int_t)done->bytes);
    json_object_set_new(entry, "counts", ta_counts_json(&done->counts));
    return checked_line(entry);
}

char *ta_journal_head_line(const char *plan, const char *made_by, const char *folder)
{
    json_t *entry = json_pack("{s:s, s:s}", "plan_sha256", plan, "made_by", made_by);
    json_t *where = json_string(folder); // NULL for a name that is no UTF-8: it is a help only
    if (where)
        json_object_set_new(entry, "folder", where);
    return checked_line(entry);
}

char *ta_journal_joining_line(const char *tag)
{
    return checked_line(json_pack("{s:s}", "joining", tag));
}

char *ta_journal_joined_line(const char *sha256, int64_t bytes, const char *redo)
{
    json_t *entry = json_pack("{s:s, s:I}", "joined_sha256", sha256, "bytes", (json_int_t)bytes);
    if (redo[0])
        json_object_set_new(entry, "redo_sha256", json_string(redo));
    return checked_line(entry);
}

char *ta_journal_keep_line(bool done)
{
    return checked_line(json_pack("{s:s}", "keep_work", done ? "done" : "asked"));
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

// A checksum of the entry, or false.
static bool take_sum(const json_t *entry, const char *key, char out[65])
{
    const char *text = json_string_value(json_object_get(entry, key));
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return false;
    memcpy(out, text, 65);
    return true;
}

// Version 0.1 said no more than "true", of a name that any file may have.
static bool take_tag(const json_t *entry, char out[TA_TAG_SIZE])
{
    const json_t *tag = json_object_get(entry, "joining");
    if (json_is_string(tag) && ta_path_is_tag(json_string_value(tag)))
        memcpy(out, json_string_value(tag), TA_TAG_SIZE);
    else if (!json_is_true(tag))
        return false;
    return true;
}

// A segment's numbers as they stood in lines of version 0.1.
static bool parse_old_counts(const json_t *e, struct ta_counts *counts)
{
    static const struct {
        const char *name;
        int64_t min, max;
        bool optional;
    } known[] = {{"frames", 1, TA_COUNT_VALUE_MAX, false},
                 {"concealed", 0, TA_COUNT_VALUE_MAX, false},
                 {"damaged", 0, TA_COUNT_VALUE_MAX, false},
                 {"delay", 0, 1024, false},
                 {"max_cll", 0, 10000, true},
                 {"max_fall", 0, 10000, true}};
    for (size_t i = 0; i < TA_COUNT(known); i++) {
        int64_t value = 0;
        if (known[i].optional && !json_object_get(e, known[i].name))
            continue;
        if (ta_json_get_int(e, "", known[i].name, known[i].min, known[i].max, &value, NULL) < 0 ||
            !ta_counts_set(counts, known[i].name, value))
            return false;
    }
    // One of the two alone is nothing.
    return !json_object_get(e, "max_cll") == !json_object_get(e, "max_fall") &&
           ta_counts_get(counts, "max_fall") <= ta_counts_get(counts, "max_cll");
}

static bool parse_old_stem(const json_t *e, char stem[TA_STEM_SIZE])
{
    int64_t number = -1;
    char key[65];
    if (take_sum(e, "key", key))
        snprintf(stem, TA_STEM_SIZE, "seg-%.16s", key);
    else if (ta_json_get_int(e, "", "segment", 0, INT32_MAX, &number, NULL) >= 0)
        snprintf(stem, TA_STEM_SIZE, "seg-%05d", (int)number);
    else
        return false;
    return true;
}

static bool parse_task(const json_t *e, char stem[TA_STEM_SIZE], struct ta_done *out)
{
    const char *name = json_string_value(json_object_get(e, "task"));
    *out = (struct ta_done){0};
    if (!e || ta_json_get_int(e, "", "bytes", 1, TA_COUNT_VALUE_MAX, &out->bytes, NULL) < 0 ||
        !take_sum(e, "sha256", out->sha256))
        return false;
    if (!name)
        return parse_old_stem(e, stem) && parse_old_counts(e, &out->counts);
    if (!ta_task_stem_valid(name))
        return false;
    memcpy(stem, name, strlen(name) + 1);
    return ta_counts_read(&out->counts, json_object_get(e, "counts"));
}

bool ta_journal_parse(const char *line, size_t size, char stem[TA_STEM_SIZE], struct ta_done *out)
{
    json_t *e = entry_of(line, size);
    bool ok = parse_task(e, stem, out);
    json_decref(e);
    return ok;
}

// ---- reading ----

static void set_text(char **field, const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    free(*field);
    *field = text ? ta_xstrdup(text) : NULL;
}

static int by_stem(const void *a, const void *b)
{
    const struct ta_journal_task *x = a, *y = b;
    int order = strcmp(x->stem, y->stem);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

// The last line of each task, sorted: a journal may have as many lines as a plan has tasks, and more.
static void sort_tasks(struct ta_journal *j)
{
    int kept = 0;
    if (j->task_count)
        qsort(j->tasks, (size_t)j->task_count, sizeof *j->tasks, by_stem);
    for (int i = 0; i < j->task_count; i++)
        if (i + 1 == j->task_count || strcmp(j->tasks[i].stem, j->tasks[i + 1].stem) != 0)
            j->tasks[kept++] = j->tasks[i];
    j->task_count = kept;
}

struct ta_done ta_journal_find(const struct ta_journal *j, const char *stem)
{
    int low = 0, high = j->task_count;
    while (low < high) {
        int middle = low + (high - low) / 2, order = strcmp(j->tasks[middle].stem, stem);
        if (!order)
            return j->tasks[middle].done;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return (struct ta_done){0};
}

static void take_line(struct ta_journal *j, const char *line, size_t size)
{
    json_t *e = entry_of(line, size);
    struct ta_journal_task task = {0};
    if (parse_task(e, task.stem, &task.done)) {
        if ((j->task_count & (j->task_count - 1)) == 0) // full: 0, 1, 2, 4, 8 ...
            j->tasks = ta_xrealloc(j->tasks, (size_t)TA_MAX(1, 2 * j->task_count) * sizeof *j->tasks);
        task.line = j->task_count;
        j->tasks[j->task_count++] = task;
    } else if (take_sum(e, "plan_sha256", j->plan)) {
        set_text(&j->made_by, e, "made_by");
        set_text(&j->folder, e, "folder");
    } else if (take_sum(e, "joined_sha256", j->joined)) {
        j->joined_bytes = json_integer_value(json_object_get(e, "bytes"));
        if (!take_sum(e, "redo_sha256", j->joined_redo))
            j->joined_redo[0] = 0;
    } else if (take_tag(e, j->joining)) {
        // that is all
    } else if (json_object_get(e, "keep_work")) {
        const char *word = json_string_value(json_object_get(e, "keep_work"));
        j->kept = word && !strcmp(word, "done");
        j->keep = word && !strcmp(word, "asked");
    } else {
        j->bad_lines++;
    }
    json_decref(e);
}

int ta_journal_load_in(struct ta_journal *j, const struct ta_folder *folder)
{
    *j = (struct ta_journal){0};
    struct ta_buf text = {0};
    int err = ta_folder_read(folder, journal_name, JOURNAL_LIMIT, &text, NULL);
    for (char *p = text.data, *end = text.data + text.size; p && p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
        if (n)
            take_line(j, p, n);
        p += n + 1;
    }
    sort_tasks(j);
    ta_buf_release(&text);
    return err == TA_ERR_NOT_FOUND ? 0 : err;
}

int ta_journal_load(struct ta_journal *j, const char *dir)
{
    struct ta_folder folder;
    *j = (struct ta_journal){0};
    int err = ta_folder_hold(&folder, dir, NULL);
    if (err >= 0)
        err = ta_journal_load_in(j, &folder);
    ta_folder_close(&folder);
    return err == TA_ERR_NOT_FOUND ? 0 : err;
}

void ta_journal_release(struct ta_journal *j)
{
    free(j->made_by);
    free(j->folder);
    free(j->tasks);
    *j = (struct ta_journal){0};
}

// ---- writing ----

// Does a line that an earlier run could not finish stand at the end?
static bool ends_in_half_a_line(int fd)
{
    char last = '\n';
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int ta_journal_append(const struct ta_folder *folder, char *line, struct ta_log *log)
{
    char *path = ta_path_join(folder->path, journal_name);
    struct ta_buf b = {0};
    int fd = ta_folder_open_append(folder, journal_name, log), err = TA_MIN(fd, 0);
    // One writer at a time, whichever process it is in: what is at the end stays at the end.
    while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
        continue;
    if (fd >= 0 && ends_in_half_a_line(fd)) // it must not swallow this one
        ta_buf_putc(&b, '\n');
    ta_buf_printf(&b, "%s\n", line);
    if (fd >= 0)
        err = ta_file_append_fd(fd, path, b.data, b.size, log);
    ta_buf_release(&b);
    free(path);
    free(line);
    return err;
}
