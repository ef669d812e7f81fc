// The scan type as JSON, and back.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/reading.h"
#include "diagnose/scan_type.h"

void ta_scan_result_release(struct ta_scan_result *r)
{
    free(r->runs);
    free(r->film);
    *r = (struct ta_scan_result){0};
}

json_t *ta_scan_result_summary(const struct ta_scan_result *r)
{
    json_t *runs = json_array();
    for (int i = 0; i < r->run_count; i++)
        json_array_append_new(runs, json_pack("{s:I, s:I, s:s}", "first", (json_int_t)r->runs[i].first,
                                              "count", (json_int_t)r->runs[i].count, "type",
                                              ta_scan_type_name(r->runs[i].type)));
    return json_pack("{s:s, s:f, s:s, s:b, s:b, s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "type",
                     ta_scan_type_name(r->type), "confidence", r->confidence, "flagged",
                     ta_scan_type_name(r->flagged), "telecine_suspected", r->telecine_suspected, "full",
                     r->full, "frames", "measured", (json_int_t)r->frames_measured, "progressive",
                     (json_int_t)r->frames_progressive, "tff", (json_int_t)r->frames_tff, "bff",
                     (json_int_t)r->frames_bff, "still", (json_int_t)r->frames_still, "runs", runs);
}

json_t *ta_scan_result_to_json(const struct ta_scan_result *r)
{
    json_t *o = ta_scan_result_summary(r), *film = json_array();
    for (int i = 0; i < r->film_count; i++) {
        struct ta_buf pattern = {0};
        ta_film_write_pattern(&r->film[i], &pattern);
        json_array_append_new(film, json_pack("{s:I, s:s}", "count", (json_int_t)r->film[i].count, "pattern",
                                              ta_buf_text(&pattern)));
        ta_buf_release(&pattern);
    }
    if (r->film)
        json_object_set_new(o, "film", film);
    else
        json_decref(film);
    return o;
}

static enum ta_scan_type read_type(struct ta_reading *in, const json_t *o, const char *key)
{
    int type = ta_scan_type_from_name(ta_read_text(in, o, key));
    if (type < 0)
        ta_read_refuse(in, "unknown scan type");
    return type < 0 ? TA_SCAN_PROGRESSIVE : (enum ta_scan_type)type;
}

static void read_runs(struct ta_reading *in, struct ta_scan_result *out, const json_t *value, int64_t frames)
{
    json_t *list = ta_read_array(in, value, "runs"), *o;
    size_t n = json_array_size(list), i;
    int64_t next = 0;
    if (n < 1 || (int64_t)n > frames) {
        ta_read_refuse(in, "the number of runs does not fit the frames");
        return;
    }
    out->runs = ta_xcalloc(n, sizeof(*out->runs));
    json_array_foreach(list, i, o)
    {
        struct ta_scan_run *r = &out->runs[out->run_count++];
        r->first = ta_read_int(in, o, "first", next, next);
        r->count = ta_read_int(in, o, "count", 1, frames - next);
        r->type = read_type(in, o, "type");
        if (in->err)
            return;
        next += r->count;
    }
    if (next != frames)
        ta_read_refuse(in, "the runs do not cover the frames");
}

static void read_film(struct ta_reading *in, struct ta_scan_result *out, const json_t *value, int64_t frames)
{
    json_t *list = ta_read_array(in, value, "film?"), *o;
    size_t n = json_array_size(list), i;
    int64_t next = 0;
    if (!list)
        return;
    if (n < 1 || (int64_t)n > frames) {
        ta_read_refuse(in, "the number of film runs does not fit the frames");
        return;
    }
    out->film = ta_xcalloc(n, sizeof(*out->film));
    json_array_foreach(list, i, o)
    {
        struct ta_film_run *r = &out->film[out->film_count++];
        r->first = next;
        r->count = ta_read_int(in, o, "count", 1, frames - next);
        if (ta_film_read_pattern(r, ta_read_text(in, o, "pattern")) < 0 || r->period > r->count)
            ta_read_refuse(in, "a pattern of film is garbled");
        if (in->err)
            return;
        next += r->count;
    }
    if (next != frames)
        ta_read_refuse(in, "the film runs do not cover the frames");
}

int ta_scan_result_from_json(struct ta_scan_result *out, const json_t *value, int64_t frames,
                             const char *where, struct ta_log *log)
{
    struct ta_reading in = {.where = where, .log = log};
    *out = (struct ta_scan_result){0};
    out->type = read_type(&in, value, "type");
    out->flagged = read_type(&in, value, "flagged");
    out->confidence = ta_read_number(&in, value, "confidence");
    out->telecine_suspected = ta_read_bool(&in, value, "telecine_suspected");
    out->full = ta_read_bool(&in, value, "full");
    const json_t *counts = ta_read_object(&in, value, "frames");
    out->frames_measured = ta_read_int(&in, counts, "measured", 0, frames);
    out->frames_progressive = ta_read_int(&in, counts, "progressive", 0, frames);
    out->frames_tff = ta_read_int(&in, counts, "tff", 0, frames);
    out->frames_bff = ta_read_int(&in, counts, "bff", 0, frames);
    out->frames_still = ta_read_int(&in, counts, "still", 0, frames);
    if (!in.err)
        read_runs(&in, out, value, frames);
    if (!in.err)
        read_film(&in, out, value, frames);
    return in.err;
}
