#include "cli/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/opt.h"
#include "base/thread.h"
#include "base/words.h"
#include "base/utf8.h"
#include "cli/console.h"
#include "restore/outcome.h"
#include "cli/signals.h"

// Seconds between plain lines: few at first, when people watch, and more when it gets long.
#define PLAIN_INTERVAL_MIN 5.0
#define PLAIN_INTERVAL_MAX 60.0
#define PLAIN_LINES 20 // one for each twentieth of the time so far

const struct ta_choice ta_progress_choices[] = {
    {"auto", "a line on a terminal, plain lines elsewhere"},
    {"line", "one line that is rewritten"},
    {"plain", "a new line every few seconds, less often when it takes long"},
    {"json",
     "a JSON object a line on standard output (on standard error when the video goes there), for programs"},
    {"none", "nothing"},
    {0},
};

void ta_append_duration(struct ta_buf *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        ta_buf_puts(out, "-:--");
        return;
    }
    int64_t s = llround(seconds);
    if (s >= 3600)
        ta_buf_printf(out, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    else
        ta_buf_printf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void ta_append_span(struct ta_buf *out, double seconds)
{
    if (seconds > 0 && seconds < 0.95)
        ta_buf_printf(out, "%.1f s", fmax(seconds, 0.1));
    else
        ta_append_duration(out, seconds);
}

void ta_append_bytes(struct ta_buf *out, int64_t bytes)
{
    char text[TA_BYTES_TEXT];
    ta_buf_puts(out, ta_bytes_text(bytes, text));
}

// --- the line ---

enum field {
    FIELD_FILE,
    FIELD_PHASE,
    FIELD_PERCENT,
    FIELD_FRAMES,
    FIELD_FPS,
    FIELD_SPEED,
    FIELD_ETA,
    FIELD_SIZE,
    FIELD_COUNT
};

// What goes first when the line is too long.
static const enum field least_important_first[] = {FIELD_SIZE, FIELD_SPEED, FIELD_FRAMES, FIELD_FPS,
                                                   FIELD_FILE, FIELD_ETA,   FIELD_PHASE,  FIELD_PERCENT};

static void fill_fields(const struct ta_progress *p, double frame_rate, int index, int count,
                        struct ta_buf *fields)
{
    bool restoring = p->phase == TA_PHASE_SEGMENTS;
    if (count > 1)
        ta_buf_printf(&fields[FIELD_FILE], "[%d/%d]", index + 1, count);
    ta_buf_printf(&fields[FIELD_PHASE], "%-7s", ta_phase_name(p->phase));
    double fraction = restoring ? p->total : p->fraction;
    fraction = fmin(fmax(fraction, 0), 1);
    // Rounded down: 100 % is said when all is done.
    ta_buf_printf(&fields[FIELD_PERCENT], "%5.1f%%", floor(fraction * 1000) / 10);
    if (restoring && p->frames_total > 0)
        ta_buf_printf(&fields[FIELD_FRAMES], "%" PRId64 "/%" PRId64 " %s", p->frames_done, p->frames_total,
                      ta_plural(p->frames_total, "frame", "frames"));
    if (restoring && p->fps > 0)
        ta_buf_printf(&fields[FIELD_FPS], p->fps < 10 ? "%.2f fps" : "%.1f fps", p->fps);
    if (restoring && p->fps > 0 && frame_rate > 0)
        ta_buf_printf(&fields[FIELD_SPEED], "%.2fx", p->fps / frame_rate);
    if (p->eta > 0) {
        ta_buf_puts(&fields[FIELD_ETA], "ETA ");
        ta_append_duration(&fields[FIELD_ETA], p->eta);
    }
    if (p->bytes > 0)
        ta_append_bytes(&fields[FIELD_SIZE], p->bytes);
}

static void join_fields(const struct ta_buf *fields, struct ta_buf *out)
{
    ta_buf_clear(out);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (fields[i].size)
            ta_buf_printf(out, "%s%s", out->size ? (i == FIELD_PHASE ? " " : "  ") : "", fields[i].data);
}

void ta_progress_line(const struct ta_progress *p, double frame_rate, int index, int count, int columns,
                      struct ta_buf *out)
{
    struct ta_buf fields[FIELD_COUNT] = {{0}};
    fill_fields(p, frame_rate, index, count, fields);
    join_fields(fields, out);
    for (size_t i = 0; i < TA_COUNT(least_important_first) - 1; i++) {
        if ((int)ta_utf8_columns(ta_buf_text(out), out->size) <= columns)
            break;
        ta_buf_clear(&fields[least_important_first[i]]);
        join_fields(fields, out);
    }
    for (int i = 0; i < FIELD_COUNT; i++)
        ta_buf_release(&fields[i]);
}

// --- the view ---

void ta_progress_begin(struct ta_progress_view *v, const char *input, int index)
{
    v->input = input;
    v->index = index;
    v->frame_rate = 0;
    v->started = v->stopping = v->told = false;
    v->last_shown =
        ta_clock_seconds(); // a phase of less than the interval that comes first is not worth a line
    if (v->mode == TA_PROGRESS_AUTO)
        v->mode = ta_console_is_terminal(v->console) ? TA_PROGRESS_LINE : TA_PROGRESS_PLAIN;
}

void ta_progress_plan(struct ta_progress_view *v, const struct ta_plan *plan)
{
    // Where frames have times of their own, no rate of a header says how fast they pass.
    double seconds = ta_plan_seconds(plan);
    v->frame_rate = seconds > 0 ? (double)ta_plan_frames(plan) / seconds : 0;
}

void ta_progress_event(struct ta_progress_view *v, json_t *event)
{
    if (v->mode == TA_PROGRESS_JSON && v->json) {
        char *text = json_dumps(event, JSON_COMPACT);
        // A reader that went away must not stop the run.
        if (!text || fprintf(v->json, "%s\n", text) < 0 || fflush(v->json))
            v->json = NULL;
        free(text);
    }
    json_decref(event);
}

static void show_json(struct ta_progress_view *v, const struct ta_progress *p)
{
    json_t *event = json_object();
    json_object_set_new(event, "event", json_string("progress"));
    json_object_set_new(event, "input", json_string(v->input));
    json_object_set_new(event, "file", json_integer(v->index + 1));
    json_object_set_new(event, "files", json_integer(v->count));
    json_t *how_far = ta_progress_json(p, v->frame_rate);
    json_object_update(event, how_far);
    json_decref(how_far);
    ta_progress_event(v, event);
}

static void show_text(struct ta_progress_view *v, const struct ta_progress *p)
{
    struct ta_buf line = {0};
    // The last column stays free: some terminals wrap when it is written.
    int columns = v->mode == TA_PROGRESS_LINE ? ta_console_columns(STDERR_FILENO) - 1 : 200;
    ta_progress_line(p, v->frame_rate, v->index, v->count, columns, &line);
    if (v->mode == TA_PROGRESS_LINE)
        ta_console_status(v->console, ta_buf_text(&line));
    else
        ta_console_print(v->console, "%s", ta_buf_text(&line));
    ta_buf_release(&line);
}

// What was told of a phase comes to an end: all of it, so that no number stands where nothing moves any more.
// A phase that nothing was told of, because it was short, says nothing at its end either.
static void end_phase(struct ta_progress_view *v)
{
    if (v->told) {
        struct ta_progress done = v->last;
        done.fraction = 1;
        done.total = done.phase == TA_PHASE_SEGMENTS ? 1 : done.total;
        done.frames_done = done.phase == TA_PHASE_SEGMENTS ? done.frames_total : done.frames_done;
        done.eta = 0;
        show_text(v, &done);
    }
    v->told = false;
}

void ta_progress_show(void *view, const struct ta_progress *p)
{
    struct ta_progress_view *v = view;
    if (ta_signals_interrupted() && !v->stopping) {
        v->stopping = true;
        if (!ta_console_is_quiet(v->console))
            ta_console_print(v->console, v->streams
                                             ? "stopping (again to stop at once)"
                                             : "stopping; what is finished is kept (again to stop at once)");
    }
    double now = ta_clock_seconds();
    double interval = fmin(fmax(p->elapsed / PLAIN_LINES, PLAIN_INTERVAL_MIN), PLAIN_INTERVAL_MAX);
    bool new_phase = !v->started || p->phase != v->phase;
    if (v->mode == TA_PROGRESS_PLAIN && new_phase)
        end_phase(v);
    v->last = *p;
    v->started = true;
    v->phase = p->phase;
    if (v->mode == TA_PROGRESS_JSON) {
        show_json(v, p);
    } else if (v->mode == TA_PROGRESS_LINE && p->phase != TA_PHASE_DONE) {
        show_text(v, p);
    } else if (v->mode == TA_PROGRESS_PLAIN && p->phase != TA_PHASE_DONE && now - v->last_shown >= interval) {
        show_text(v, p);
        v->last_shown = now;
        v->told = true;
    }
}

void ta_progress_end(struct ta_progress_view *v)
{
    v->told = false; // what ends the last phase is the result's line, or the message
    ta_console_status(v->console, "");
}
