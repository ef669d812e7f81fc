#include "plan/redo_ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/mem.h"
#include "plan/json_read.h"
#include "video/chain.h"

enum { MAX_REDOS = 1000 };

// ---- names of segments ----

int ta_plan_numbers(const struct ta_plan *p)
{
    return p->names ? p->base_count : p->segment_count;
}

char *ta_plan_segment_stem(const struct ta_plan *p, int k)
{
    if (p->names && p->names[k].number < 0)
        return ta_xprintf("seg-%.16s", p->names[k].key);
    return ta_xprintf("seg-%05d", p->names ? p->names[k].number : k);
}

static json_t *reach_json(struct ta_reach r)
{
    return json_pack("{s:i, s:i}", "before", r.before, "after", r.after);
}

static void make_key(const struct ta_segment *s, char out[65])
{
    json_t *o = json_pack("{s:I, s:I}", "first", (json_int_t)s->source_first, "count",
                          (json_int_t)s->source_count);
    json_object_set_new(o, "stages", ta_stages_json(s->stages, s->stage_count));
    json_object_set_new(o, "reach", reach_json(s->reach));
    json_object_set_new(o, "encoder", ta_encoder_settings_to_json(s->encoder));
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    ta_sha256_hex(text ? text : "", text ? strlen(text) : 0, out);
    free(text);
    json_decref(o);
}

void ta_plan_name_segments(struct ta_plan *p)
{
    free(p->names);
    p->names = ta_xcalloc((size_t)p->segment_count, sizeof *p->names);
    for (int k = 0, base = 0; k < p->segment_count; k++) {
        struct ta_segment s = ta_plan_segment(p, k);
        while (p->base_cuts[base] < s.source_first)
            base++;
        bool whole = p->base_cuts[base] == p->cuts[k] && base < p->base_count &&
                     p->base_cuts[base + 1] == p->cuts[k + 1] && s.stages == p->stages;
        p->names[k].number = whole ? base : -1;
        if (!whole)
            make_key(&s, p->names[k].key);
    }
}

void ta_redo_sum(const struct ta_plan *p, char out[65])
{
    out[0] = 0;
    if (!p->redo_count)
        return;
    json_t *list = ta_redo_json(p);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    ta_sha256_hex(text, strlen(text), out);
    free(text);
    json_decref(list);
}

// ---- JSON ----

json_t *ta_redo_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->redo_count; i++) {
        const struct ta_redo *r = &p->redos[i];
        json_t *o = json_pack("{s:I, s:I}", "first", (json_int_t)r->first, "count", (json_int_t)r->count);
        json_object_set_new(o, "stages", ta_stages_json(r->stages, r->stage_count));
        char *chain = ta_chain_text(r->stages, r->stage_count);
        json_object_set_new(o, "chain", json_string(chain));
        free(chain);
        json_object_set_new(o, "reach", reach_json(r->reach));
        json_object_set_new(o, "encoder", ta_encoder_settings_to_json(&r->encoder));
        json_object_set(o, "changes", r->changes);
        json_array_append_new(list, o);
    }
    return list;
}

static bool same_pictures(const struct ta_format *a, const struct ta_format *b)
{
    return a->pix_fmt == b->pix_fmt && a->width == b->width && a->height == b->height;
}

bool ta_plan_is_cut(const struct ta_plan *p, int64_t frame)
{
    for (int i = 0; i <= p->segment_count; i++)
        if (p->cuts[i] == frame)
            return true;
    return false;
}

static void read_one(struct ta_plan *p, struct ta_redo *r, const json_t *o, struct ta_reading *in)
{
    int64_t end = p->first_frame + p->frame_count;
    r->first = ta_read_int(in, o, "first", p->first_frame, end - 1);
    r->count = ta_read_int(in, o, "count", 1, end - r->first);
    ta_read_stages(in, o, &p->source_format, &r->stages, &r->stage_count);
    r->reach = ta_read_reach(in, o, r->stages, r->stage_count);
    ta_read_encoder(in, o, &p->out_format, ta_plan_hdr10_peak(r->stages, r->stage_count), &r->encoder);
    r->changes = json_incref(ta_read_object(in, o, "changes"));
    const char *option;
    json_t *change;
    json_object_foreach(r->changes, option, change)
    {
        ta_read_text(in, change, "was");
        ta_read_text(in, change, "is");
    }
    if (in->err)
        return;
    const struct ta_format *gives = r->stage_count ? &r->stages[r->stage_count - 1].out : &p->source_format;
    if (!same_pictures(gives, p->show ? &p->show->chain : &p->out_format))
        ta_read_refuse(in, "a redone range gives other pictures than the rest");
    if (!ta_plan_is_cut(p, r->first) || !ta_plan_is_cut(p, r->first + r->count))
        ta_read_refuse(in, "a redone range does not end at cuts");
}

// The cuts before are among those now, or a segment would have no name.
static bool holds_base_cuts(const struct ta_plan *p)
{
    int i = 0, k = 0;
    for (; k <= p->segment_count && i <= p->base_count; k++)
        i += p->cuts[k] == p->base_cuts[i];
    return i > p->base_count;
}

void ta_plan_read_redo(struct ta_plan *p, const json_t *video, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, video, "redo");
    size_t n = json_array_size(list);
    if (n < 1 || n > MAX_REDOS)
        ta_read_refuse(in, "the number of redone ranges is not possible");
    if (!in->err && !holds_base_cuts(p))
        ta_read_refuse(in, "the cuts before a range was redone are not among the cuts");
    if (in->err)
        return;
    p->redos = ta_xcalloc(n, sizeof *p->redos);
    for (size_t i = 0; i < n && !in->err; i++)
        read_one(p, &p->redos[p->redo_count++], json_array_get(list, i), in);
    if (!in->err)
        ta_plan_name_segments(p);
}

void ta_redo_release(struct ta_plan *p)
{
    for (int i = 0; i < p->redo_count; i++) {
        struct ta_redo *r = &p->redos[i];
        for (int k = 0; k < r->stage_count; k++)
            ta_stage_plan_release(&r->stages[k]);
        free(r->stages);
        ta_encoder_settings_release(&r->encoder);
        json_decref(r->changes);
    }
    ta_freep(&p->redos);
    ta_freep(&p->names);
    ta_freep(&p->base_cuts);
    p->redo_count = 0;
}
