#include "cli/watch_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "base/words.h"
#include "cli/watch.h"
#include "jobs/job.h"

struct ta_watch_table {
    json_t **jobs; // by id
    size_t count, capacity;
    bool paused;
    int drawn; // lines of the last one
};

struct ta_watch_table *ta_watch_table_create(void)
{
    return ta_xcalloc(1, sizeof(struct ta_watch_table));
}

void ta_watch_table_destroy(struct ta_watch_table **t)
{
    if (!*t)
        return;
    for (size_t i = 0; i < (*t)->count; i++)
        json_decref((*t)->jobs[i]);
    free((*t)->jobs);
    ta_freep(t);
}

static json_int_t id_of(const json_t *job)
{
    return json_integer_value(json_object_get(job, "id"));
}

static size_t place_of(const struct ta_watch_table *t, json_int_t id)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (id_of(t->jobs[middle]) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static json_t *find(const struct ta_watch_table *t, json_int_t id)
{
    size_t at = place_of(t, id);
    return at < t->count && id_of(t->jobs[at]) == id ? t->jobs[at] : NULL;
}

void ta_watch_table_set(struct ta_watch_table *t, const json_t *job)
{
    size_t at = place_of(t, id_of(job));
    if (find(t, id_of(job))) {
        json_decref(t->jobs[at]);
    } else {
        if (t->count == t->capacity) {
            t->capacity = TA_MAX(t->capacity * 2, (size_t)64);
            t->jobs = ta_xrealloc(t->jobs, t->capacity * sizeof(json_t *));
        }
        memmove(t->jobs + at + 1, t->jobs + at, (t->count - at) * sizeof(json_t *));
        t->count++;
    }
    t->jobs[at] = json_deep_copy(job);
}

void ta_watch_table_progress(struct ta_watch_table *t, const json_t *progress)
{
    json_t *job = find(t, id_of(progress));
    if (job)
        json_object_set_new(job, "progress", json_deep_copy(progress));
}

void ta_watch_table_remove(struct ta_watch_table *t, json_int_t id)
{
    size_t at = place_of(t, id);
    if (!find(t, id))
        return;
    json_decref(t->jobs[at]);
    t->count--;
    memmove(t->jobs + at, t->jobs + at + 1, (t->count - at) * sizeof(json_t *));
}

void ta_watch_table_pause(struct ta_watch_table *t, bool paused)
{
    t->paused = paused;
}

// ---- drawing ----

static enum ta_job_state state_of(const json_t *job)
{
    enum ta_job_state state = TA_JOB_QUEUED;
    ta_job_state_from_name(ta_json_member_text(job, "state"), &state);
    return state;
}

// At work, waiting, ended.
static int class_of(const json_t *job)
{
    enum ta_job_state state = state_of(job);
    return ta_job_state_is_active(state) ? 0 : ta_job_state_is_final(state) ? 2 : 1;
}

static double number(const json_t *job, const char *key)
{
    return json_number_value(json_object_get(job, key));
}

static int by_turn(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int order = class_of(x) - class_of(y);
    if (order)
        return order;
    if (class_of(x) == 2)
        return number(x, "changed_ms") < number(y, "changed_ms") ? 1 : -1;
    if (number(x, "priority") != number(y, "priority"))
        return number(x, "priority") < number(y, "priority") ? 1 : -1;
    return number(x, "position") < number(y, "position") ? -1 : 1;
}

// Appends at most `columns` characters of a text, what could drive the terminal made visible.
static void append_cut(struct ta_buf *out, const char *text, int columns)
{
    struct ta_buf shown = {0};
    ta_buf_visible(&shown, text, false);
    const char *all = ta_buf_text(&shown);
    size_t bytes = 0;
    int count = 0;
    for (; all[bytes] && count < columns; count++) {
        bytes++;
        while ((all[bytes] & 0xc0) == 0x80)
            bytes++;
    }
    ta_buf_append(out, all, bytes);
    ta_buf_release(&shown);
}

static void append_bar(struct ta_buf *out, double part)
{
    enum { CELLS = 12 };
    int full = (int)(TA_MAX(0.0, TA_MIN(1.0, part)) * CELLS + 0.5);
    ta_buf_putc(out, '[');
    for (int i = 0; i < CELLS; i++)
        ta_buf_putc(out, i < full ? '#' : '.');
    ta_buf_puts(out, "] ");
}

static void append_job(struct ta_buf *out, const json_t *job, int columns)
{
    struct ta_buf line = {0};
    char *far = ta_watch_how_far(job);
    ta_buf_printf(&line, "%6" PRId64 " %-11s %4d  ", (int64_t)id_of(job), ta_json_member_text(job, "state"),
                  (int)number(job, "priority"));
    if (class_of(job) == 0)
        append_bar(&line, number(json_object_get(job, "progress"), "total"));
    ta_buf_puts(&line, ta_path_name(ta_json_member_text(job, "input")));
    if (*far)
        ta_buf_printf(&line, "  %s", far);
    append_cut(out, ta_buf_text(&line), columns);
    ta_buf_release(&line);
    free(far);
}

static void append_counts(struct ta_buf *out, const struct ta_watch_table *t, int columns)
{
    int counts[TA_JOB_STATE_COUNT] = {0};
    struct ta_buf line = {0};
    for (size_t i = 0; i < t->count; i++)
        counts[state_of(t->jobs[i])]++;
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        if (counts[i])
            ta_buf_printf(&line, "%s%d %s", line.size ? ", " : "", counts[i],
                          ta_job_state_name((enum ta_job_state)i));
    if (!line.size)
        ta_buf_puts(&line, "there are no jobs");
    if (t->paused)
        ta_buf_puts(&line, "; the queue is paused");
    append_cut(out, ta_buf_text(&line), columns);
    ta_buf_release(&line);
}

void ta_watch_table_draw(struct ta_watch_table *t, int rows, int columns, struct ta_buf *out)
{
    static const char clear_line[] = "\033[K\n";
    json_t **order = ta_xcalloc(t->count + 1, sizeof(json_t *));
    int room = TA_MAX(1, rows - 4), lines = 0; // head, counts, what is left out, the cursor
    memcpy(order, t->jobs, t->count * sizeof(json_t *));
    qsort(order, t->count, sizeof(json_t *), by_turn);
    if (t->drawn)
        ta_buf_printf(out, "\033[%dA", t->drawn);
    append_cut(out, "    ID STATE       PRIO  FILE", columns);
    ta_buf_puts(out, clear_line);
    for (; lines < room && (size_t)lines < t->count; lines++) {
        append_job(out, order[lines], columns);
        ta_buf_puts(out, clear_line);
    }
    int left = (int)t->count - lines;
    if (left > 0) {
        ta_buf_printf(out, "       and %d more", left);
        ta_buf_puts(out, clear_line);
    }
    append_counts(out, t, columns);
    ta_buf_puts(out, clear_line);
    ta_buf_puts(out, "\033[J"); // what a longer one has left
    t->drawn = lines + 2 + (left > 0);
    free(order);
}
