#include "restore/journal.h"

#include <errno.h>
#include <fcntl.h>
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

enum { JOURNAL_LIMIT = 64 << 20, MAX_LIGHT = 10000 };
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

// `entry` names the segment.
static char *result_line(json_t *entry, const struct ta_segment_result *r)
{
    json_t *e = json_pack("{s:I, s:I, s:I, s:I, s:i, s:s}", "frames", (json_int_t)r->frames, "bytes",
                          (json_int_t)r->bytes, "concealed", (json_int_t)r->concealed, "damaged",
                          (json_int_t)r->damaged, "delay", r->delay, "sha256", r->sha256);
    if (r->max_cll || r->max_fall) { // HDR10 alone has these
        json_object_set_new(e, "max_cll", json_integer(r->max_cll));
        json_object_set_new(e, "max_fall", json_integer(r->max_fall));
    }
    json_object_update(entry, e);
    json_decref(e);
    return checked_line(entry);
}

char *ta_journal_line(int segment, const struct ta_segment_result *r)
{
    return result_line(json_pack("{s:i}", "segment", segment), r);
}

char *ta_journal_keyed_line(const char *key, const struct ta_segment_result *r)
{
    return result_line(json_pack("{s:s}", "key", key), r);
}

char *ta_journal_head_line(const char *plan, const char *made_by, const char *folder)
{
    json_t *entry = json_pack("{s:s, s:s}", "plan_sha256", plan, "made_by", made_by);
    json_t *where = json_string(folder); // NULL for a name that is no UTF-8: it is a help only
    if (where)
        json_object_set_new(entry, "folder", where);
    return checked_line(entry);
}

char *ta_journal_joining_line(void)
{
    return checked_line(json_pack("{s:b}", "joining", 1));
}

char *ta_journal_joined_line(const char *sha256, int64_t bytes, const char *redo)
{
    json_t *entry = json_pack("{s:s, s:I}", "joined_sha256", sha256, "bytes", (json_int_t)bytes);
    if (redo[0])
        json_object_set_new(entry, "redo_sha256", json_string(redo));
    return checked_line(entry);
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

static bool parse_result(const json_t *e, struct ta_segment_result *out)
{
    int64_t delay = 0, max_cll = 0, max_fall = 0;
    const char *sum = NULL;
    *out = (struct ta_segment_result){0};
    bool ok = e && ta_json_get_int(e, "", "frames", 1, INT64_MAX, &out->frames, NULL) >= 0 &&
              ta_json_get_int(e, "", "bytes", 1, INT64_MAX, &out->bytes, NULL) >= 0 &&
              ta_json_get_int(e, "", "concealed", 0, INT64_MAX, &out->concealed, NULL) >= 0 &&
              ta_json_get_int(e, "", "damaged", 0, INT64_MAX, &out->damaged, NULL) >= 0 &&
              ta_json_get_int(e, "", "delay", 0, 1024, &delay, NULL) >= 0 &&
              ta_json_get_string(e, "", "sha256", &sum, NULL) >= 0 && strlen(sum) == 64;
    if (ok && json_object_get(e, "max_cll"))
        ok = ta_json_get_int(e, "", "max_cll", 0, MAX_LIGHT, &max_cll, NULL) >= 0 &&
             ta_json_get_int(e, "", "max_fall", 0, max_cll, &max_fall, NULL) >= 0;
    if (ok) {
        memcpy(out->sha256, sum, 65);
        out->max_cll = (int)max_cll;
        out->max_fall = (int)max_fall;
        out->delay = (int)delay;
    }
    return ok;
}

static bool parse_segment(const json_t *e, int *segment, struct ta_segment_result *out)
{
    int64_t number = -1;
    bool ok = e && ta_json_get_int(e, "", "segment", 0, INT32_MAX, &number, NULL) >= 0 &&
              parse_result(e, out);
    if (ok)
        *segment = (int)number;
    return ok;
}

bool ta_journal_parse(const char *line, size_t size, int *segment, struct ta_segment_result *out)
{
    json_t *e = entry_of(line, size);
    bool ok = parse_segment(e, segment, out);
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

static void take_keyed(struct ta_journal *j, const char key[65], const struct ta_segment_result *result)
{
    j->keyed = ta_xrealloc(j->keyed, ((size_t)j->keyed_count + 1) * sizeof *j->keyed);
    j->keyed[j->keyed_count].result = *result;
    memcpy(j->keyed[j->keyed_count++].key, key, 65);
}

struct ta_segment_result ta_journal_find(const struct ta_journal *j, const struct ta_plan *plan, int k)
{
    const struct ta_segment_name *name = plan->names ? &plan->names[k] : NULL;
    int number = name ? name->number : k;
    if (number >= 0)
        return number < j->segment_count ? j->done[number] : (struct ta_segment_result){0};
    for (int i = j->keyed_count - 1; i >= 0; i--)
        if (!strcmp(j->keyed[i].key, name->key))
            return j->keyed[i].result;
    return (struct ta_segment_result){0};
}

static void take_line(struct ta_journal *j, const char *line, size_t size)
{
    json_t *e = entry_of(line, size);
    struct ta_segment_result result;
    int segment = -1;
    char key[65];
    if (parse_segment(e, &segment, &result) && segment < j->segment_count) {
        j->done[segment] = result;
    } else if (take_sum(e, "key", key) && parse_result(e, &result)) {
        take_keyed(j, key, &result);
    } else if (take_sum(e, "plan_sha256", j->plan)) {
        set_text(&j->made_by, e, "made_by");
        set_text(&j->folder, e, "folder");
    } else if (take_sum(e, "joined_sha256", j->joined)) {
        j->joined_bytes = json_integer_value(json_object_get(e, "bytes"));
        if (!take_sum(e, "redo_sha256", j->joined_redo))
            j->joined_redo[0] = 0;
    } else if (json_is_true(json_object_get(e, "joining"))) {
        j->joining = true;
    } else {
        j->bad_lines++;
    }
    json_decref(e);
}

int ta_journal_load(struct ta_journal *j, const char *dir, int segment_count)
{
    *j = (struct ta_journal){.segment_count = segment_count};
    j->done = ta_xcalloc((size_t)segment_count + 1, sizeof *j->done);
    char *path = ta_path_join(dir, journal_name);
    struct ta_buf text = {0};
    int err = access(path, F_OK) < 0 && errno == ENOENT ? 0 : ta_file_read(path, JOURNAL_LIMIT, &text, NULL);
    for (char *p = text.data, *end = text.data + text.size; p && p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
        if (n)
            take_line(j, p, n);
        p += n + 1;
    }
    ta_buf_release(&text);
    free(path);
    return err;
}

void ta_journal_release(struct ta_journal *j)
{
    free(j->made_by);
    free(j->folder);
    free(j->done);
    free(j->keyed);
    *j = (struct ta_journal){0};
}

// ---- writing ----

// Does a line that an earlier run could not finish stand at the end?
static bool ends_in_half_a_line(const char *path)
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

int ta_journal_append(const char *dir, char *line, struct ta_log *log)
{
    char *path = ta_path_join(dir, journal_name);
    struct ta_buf b = {0};
    // One writer at a time, whichever process it is in: what is at the end stays at the end.
    int turn = open(path, O_RDWR | O_CLOEXEC);
    while (turn >= 0 && flock(turn, LOCK_EX) < 0 && errno == EINTR)
        continue;
    if (ends_in_half_a_line(path)) // it must not swallow this one
        ta_buf_putc(&b, '\n');
    ta_buf_printf(&b, "%s\n", line);
    int err = ta_file_append_sync(path, b.data, b.size, log);
    if (turn >= 0)
        close(turn);
    ta_buf_release(&b);
    free(path);
    free(line);
    return err;
}
