// The parts of a source whose pictures change, in a plan's JSON: "parts" of "video"; absent where all are
// alike.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/av.h"
#include "plan/plan.h"

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

static int refuse(const char *where, const char *what, struct ta_log *log)
{
    ta_error(log, "%s: %s", where, what);
    return TA_ERR_FORMAT;
}

static int read_place(const json_t *o, const char *where, const struct ta_format *frame, struct ta_place *out,
                      struct ta_log *log)
{
    const json_t *list = json_object_get(o, "place");
    int64_t v[4];
    for (size_t i = 0; i < 4; i++) {
        const json_t *n = json_array_get(list, i);
        v[i] = json_integer_value(n);
        if (!json_is_integer(n) || v[i] < (i >= 2) || v[i] > 65536)
            return refuse(where, "the place of a part's pictures is garbled", log);
    }
    if (v[0] + v[2] > frame->width || v[1] + v[3] > frame->height)
        return refuse(where, "a part's pictures stand outside the frame", log);
    *out = (struct ta_place){(int)v[0], (int)v[1], (int)v[2], (int)v[3]};
    return 0;
}

int ta_plan_parts_from_json(struct ta_plan *p, const json_t *video, const char *where, struct ta_log *log)
{
    json_t *list;
    if (!json_object_get(video, "parts"))
        return 0;
    int err = ta_json_get_array(video, where, "parts", &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n < 1 || n > INT32_MAX / sizeof *p->parts)
        return refuse(where, "the number of parts can't be meant", log);
    p->parts = ta_xcalloc(n, sizeof *p->parts);
    int64_t next = 0, width, height;
    for (size_t i = 0; i < n && err >= 0; i++) {
        const json_t *o = json_array_get(list, i);
        struct ta_part *q = &p->parts[i];
        err = ta_json_get_int(o, where, "first", next, INT32_MAX, &q->first, log);
        if (err >= 0)
            err = ta_json_get_int(o, where, "count", 1, INT32_MAX, &q->count, log);
        if (err >= 0)
            err = ta_json_get_int(o, where, "width", 1, 65536, &width, log);
        if (err >= 0)
            err = ta_json_get_int(o, where, "height", 1, 65536, &height, log);
        if (err >= 0)
            err = ta_json_get_rational(o, where, "sar", &q->sar, log);
        int interlaced = 0;
        if (err >= 0)
            err = ta_json_get_bool(o, where, "interlaced", &interlaced, log);
        q->interlaced = interlaced;
        if (err >= 0)
            err = read_place(o, where, &p->source_format, &q->place, log);
        if (err < 0)
            break;
        q->width = (int)width;
        q->height = (int)height;
        next = q->first + q->count;
        p->part_count++;
    }
    return err;
}
