#include "diagnose/measured.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/reading.h"

const char *ta_depth_name(enum ta_depth depth)
{
    return depth == TA_DEPTH_FULL ? "full" : "sample";
}

static void release(struct ta_measured *m)
{
    free(m->name);
    free(m->unit);
    json_decref(m->value);
    json_decref(m->series);
    *m = (struct ta_measured){0};
}

void ta_measured_free(struct ta_measured **list, int count)
{
    for (int i = 0; *list && i < count; i++)
        release(&(*list)[i]);
    ta_freep(list);
}

const struct ta_measured *ta_measured_find(const struct ta_measured *list, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i].name, name))
            return &list[i];
    return NULL;
}

json_t *ta_measured_json(const struct ta_measured *m)
{
    json_t *o = json_pack("{s:s, s:s, s:O, s:f, s:s}", "name", m->name, "unit", m->unit, "value", m->value,
                          "confidence", m->confidence, "depth", ta_depth_name(m->depth));
    if (m->wants_full)
        json_object_set_new(o, "wants_full", json_true());
    if (m->series)
        json_object_set(o, "series", m->series);
    return o;
}

static void check_series(struct ta_reading *in, const json_t *series)
{
    size_t i;
    json_t *v;
    if (json_array_size(series) > TA_SERIES_MAX)
        ta_read_refuse(in, "a series has too many points");
    json_array_foreach(series, i, v)
    {
        if (!json_is_number(v))
            ta_read_refuse(in, "a series has points that are no numbers");
    }
}

int ta_measured_read(struct ta_measured *out, const json_t *o, const char *where, struct ta_log *log)
{
    struct ta_reading in = {.where = where, .log = log};
    *out = (struct ta_measured){.name = ta_read_copy(&in, o, "name"), .unit = ta_read_copy(&in, o, "unit")};
    out->confidence = ta_read_number(&in, o, "confidence");
    out->wants_full = ta_read_bool(&in, o, "wants_full?");
    const char *depth = ta_read_text(&in, o, "depth");
    out->depth = strcmp(depth, "full") ? TA_DEPTH_SAMPLE : TA_DEPTH_FULL;
    if (strcmp(depth, ta_depth_name(out->depth)))
        ta_read_refuse(&in, "unknown depth of a measure");
    json_t *value = json_object_get(o, "value"), *series = ta_read_array(&in, o, "series?");
    if (!value)
        ta_read_refuse(&in, "a measure has no value");
    if (!(out->confidence >= 0 && out->confidence <= 1))
        ta_read_refuse(&in, "a confidence is not in 0..1");
    check_series(&in, series);
    out->value = json_incref(value);
    out->series = json_incref(series);
    if (in.err)
        release(out);
    return in.err;
}
