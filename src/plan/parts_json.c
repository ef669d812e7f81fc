// The parts of a source whose pictures change, in a plan's JSON: "parts" of "video"; absent where all are
// alike.
#include "base/mem.h"
#include "media/av.h"
#include "plan/json_read.h"

json_t *ta_plan_parts_to_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->part_count; i++) {
        const struct ta_part *q = &p->parts[i];
        json_array_append_new(list, json_pack("{s:I, s:I, s:i, s:i, s:o, s:b, s:[i, i, i, i]}", "first",
                                              (json_int_t)q->first, "count", (json_int_t)q->count, "width",
                                              q->width, "height", q->height, "sar", ta_json_rational(q->sar),
                                              "interlaced", q->interlaced, "place", q->place.x, q->place.y,
                                              q->place.width, q->place.height));
    }
    return list;
}

static struct ta_place read_place(struct ta_reading *in, const json_t *o, const struct ta_format *frame)
{
    const json_t *list = ta_read_array(in, o, "place");
    int64_t v[4] = {0, 0, 1, 1};
    if (json_array_size(list) != TA_COUNT(v))
        ta_read_refuse(in, "the place of a part's pictures is garbled");
    for (size_t i = 0; i < TA_COUNT(v) && !in->err; i++) {
        const json_t *n = json_array_get(list, i);
        v[i] = json_integer_value(n);
        if (!json_is_integer(n) || v[i] < (i >= 2) || v[i] > TA_FORMAT_SIDE_MAX)
            ta_read_refuse(in, "the place of a part's pictures is garbled");
    }
    if (!in->err && (v[0] + v[2] > frame->width || v[1] + v[3] > frame->height))
        ta_read_refuse(in, "a part's pictures stand outside the frame");
    return (struct ta_place){(int)v[0], (int)v[1], (int)v[2], (int)v[3]};
}

// Parts may begin before the plan's range and end behind it: they are told of the whole source.
void ta_plan_read_parts(struct ta_plan *p, const json_t *video, struct ta_reading *in)
{
    if (in->err || !json_object_get(video, "parts"))
        return;
    const json_t *list = ta_read_array(in, video, "parts");
    size_t n = json_array_size(list);
    if (n < 1 || n > INT32_MAX / sizeof *p->parts)
        ta_read_refuse(in, "the number of parts can't be meant");
    if (in->err)
        return;
    p->parts = ta_xcalloc(n, sizeof *p->parts);
    int64_t next = 0;
    for (size_t i = 0; i < n && !in->err; i++) {
        const json_t *o = json_array_get(list, i);
        struct ta_part *q = &p->parts[p->part_count++];
        q->first = ta_read_int(in, o, "first", next, INT32_MAX);
        q->count = ta_read_int(in, o, "count", 1, INT32_MAX);
        q->width = ta_read_small(in, o, "width", 1, TA_FORMAT_SIDE_MAX);
        q->height = ta_read_small(in, o, "height", 1, TA_FORMAT_SIDE_MAX);
        if (!in->err)
            ta_read_note(in, ta_json_get_rational(o, in->where, "sar", &q->sar, in->log));
        if (!in->err && (q->sar.num < 0 || q->sar.den < 1))
            ta_read_refuse(in, "the shape of a part's pixels can't be meant");
        q->interlaced = ta_read_bool(in, o, "interlaced");
        q->place = read_place(in, o, &p->source_format);
        next = q->first + q->count;
    }
}
