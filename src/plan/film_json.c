// The timeline of inverse telecine in a plan's JSON.
#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "plan/json_read.h"

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

static void read_film_run(const struct ta_plan *p, const json_t *o, int64_t next, struct ta_film_run *r,
                          struct ta_reading *in)
{
    int64_t end = p->first_frame + p->frame_count;
    r->first = ta_read_int(in, o, "first", next, next);
    r->count = ta_read_int(in, o, "count", 1, end - next);
    const char *pattern = ta_read_text(in, o, "pattern");
    if (!in->err && ta_film_read_pattern(r, pattern) < 0)
        ta_read_refuse(in, "a pattern of film is garbled");
    if (r->period > r->count)
        ta_read_refuse(in, "a pattern of film is longer than its run");
    if (in->err || !json_object_get(o, "repeat"))
        return;
    r->repeat = ta_read_small(in, o, "repeat", 1, TA_FILM_MAX_REPEAT);
    if (!p->constant_rate.num)
        ta_read_refuse(in, "frames are repeated without a constant rate");
}

void ta_plan_read_film(struct ta_plan *p, const json_t *video, struct ta_reading *in)
{
    if (in->err || !json_object_get(video, "film"))
        return;
    const json_t *o = ta_read_object(in, video, "film");
    if (!json_object_get(o, "rate"))
        ta_read_refuse(in, "the rate of film is missing");
    if (!json_is_null(json_object_get(o, "rate")))
        p->constant_rate = ta_read_positive(in, o, "rate");
    const json_t *list = ta_read_array(in, o, "runs");
    size_t n = json_array_size(list);
    if (n < 1 || n > (size_t)p->frame_count)
        ta_read_refuse(in, "the number of film runs does not fit the frames");
    if (in->err)
        return;
    p->film = ta_xcalloc(n, sizeof *p->film);
    int64_t next = p->first_frame, last = INT64_MIN;
    for (size_t i = 0; i < n && !in->err; i++) {
        struct ta_film_run *r = &p->film[i];
        read_film_run(p, json_array_get(list, i), next, r, in);
        if (!in->err && check_rise(p, r, &last) < 0)
            ta_read_refuse(in, "the times of film frames must rise");
        next += r->count;
        p->film_count += !in->err;
    }
    if (next != p->first_frame + p->frame_count)
        ta_read_refuse(in, "the film runs do not cover the frames");
    if (!in->err && ta_plan_index_film(p) < 0) {
        ta_error(in->log, "%s: out of memory", in->where);
        ta_read_note(in, TA_ERR_NOMEM);
    }
}
