// The timeline of inverse telecine in a plan's JSON.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/av.h"
#include "plan/plan.h"

json_t *ta_plan_film_to_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->film_count; i++) {
        const struct ta_film_run *r = &p->film[i];
        struct ta_buf pattern = {0};
        ta_film_write_pattern(r, &pattern);
        json_t *o = json_pack("{s:I, s:I, s:s}", "first", (json_int_t)r->first, "count", (json_int_t)r->count,
                              "pattern", ta_buf_text(&pattern));
        if (r->repeat)
            json_object_set_new(o, "repeat", json_integer(r->repeat));
        json_array_append_new(list, o);
        ta_buf_release(&pattern);
    }
    return json_pack("{s:o, s:o}", "rate",
                     p->constant_rate.num ? ta_json_rational(p->constant_rate) : json_null(), "runs", list);
}

static int refuse(const char *where, const char *what, struct ta_log *log)
{
    ta_error(log, "%s: %s", where, what);
    return TA_ERR_FORMAT;
}

// Where a run shows its output frames in parts of frame durations: they must rise.
static int check_rise(const struct ta_plan *p, const struct ta_film_run *r, int64_t *last)
{
    // Two periods at the start and one at the end; what lies between repeats.
    int64_t head = TA_MIN(r->count, 2 * r->period), tail = TA_MIN(r->count - head, r->period);
    for (int64_t i = 0; i < head + tail; i++) {
        int64_t n = r->first + (i < head ? i : r->count - (head + tail - i));
        struct ta_film_frame f = ta_film_at(r, n);
        if (!ta_film_gives(f.action))
            continue;
        int64_t at = TA_FILM_PARTS * n + f.shift;
        if (at <= *last || at < TA_FILM_PARTS * p->first_frame)
            return TA_ERR_FORMAT;
        *last = at + (ta_film_is_video(f.action) ? (p->fields - 1) * TA_FILM_PARTS / 2 : 0);
    }
    return 0;
}

static int read_film_run(const struct ta_plan *p, const json_t *o, const char *where, int64_t next,
                         struct ta_film_run *r, struct ta_log *log)
{
    const char *pattern;
    int64_t end = p->first_frame + p->frame_count;
    int err = ta_json_get_int(o, where, "first", next, next, &r->first, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "count", 1, end - next, &r->count, log);
    if (err >= 0)
        err = ta_json_get_string(o, where, "pattern", &pattern, log);
    if (err >= 0 && ta_film_read_pattern(r, pattern) < 0)
        err = refuse(where, "a pattern of film is garbled", log);
    if (err >= 0 && r->period > r->count)
        err = refuse(where, "a pattern of film is longer than its run", log);
    int64_t repeat = 0;
    if (err >= 0 && json_object_get(o, "repeat"))
        err = ta_json_get_int(o, where, "repeat", 1, p->constant_rate.num ? TA_FILM_MAX_REPEAT : 1, &repeat,
                              log);
    if (err >= 0 && repeat && !p->constant_rate.num)
        err = refuse(where, "frames are repeated without a constant rate", log);
    r->repeat = (int)repeat;
    return err;
}

int ta_plan_film_from_json(struct ta_plan *p, const json_t *video, const char *where, struct ta_log *log)
{
    json_t *o, *list;
    if (!json_object_get(video, "film"))
        return 0;
    int err = ta_json_get_object(video, where, "film", &o, log);
    if (err >= 0 && !json_is_null(json_object_get(o, "rate"))) {
        err = ta_json_get_rational(o, where, "rate", &p->constant_rate, log);
        if (err >= 0 && (p->constant_rate.num < 1 || p->constant_rate.den < 1))
            err = refuse(where, "the rate of film must be positive", log);
    }
    if (err >= 0)
        err = ta_json_get_array(o, where, "runs", &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n < 1 || n > (size_t)p->frame_count)
        return refuse(where, "the number of film runs does not fit the frames", log);
    p->film = ta_xcalloc(n, sizeof *p->film);
    int64_t next = p->first_frame, last = INT64_MIN;
    for (size_t i = 0; i < n && err >= 0; i++) {
        struct ta_film_run *r = &p->film[i];
        err = read_film_run(p, json_array_get(list, i), where, next, r, log);
        if (err >= 0 && check_rise(p, r, &last) < 0)
            err = refuse(where, "the times of film frames must rise", log);
        next += r->count;
        p->film_count += err >= 0;
    }
    if (err >= 0 && next != p->first_frame + p->frame_count)
        err = refuse(where, "the film runs do not cover the frames", log);
    if (err >= 0 && (err = ta_plan_index_film(p)) < 0)
        ta_error(log, "%s: out of memory", where);
    return err;
}
