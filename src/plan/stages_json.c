// Stages of a chain in a plan's JSON, with what follows from them.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/json_read.h"
#include "video/chain.h"
#include "video/stages.h"

enum { MAX_STAGES = 64, MAX_CONVERSIONS = 6 };

json_t *ta_stages_json(const struct ta_stage_plan *stages, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const struct ta_stage_plan *s = &stages[i];
        json_t *options = s->info->options ? ta_opt_to_json(s->info->options, s->opts) : json_object();
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "stage", s->info->name, "options", options,
                                              "output", ta_format_to_json(&s->out)));
    }
    return list;
}

// The number of the slot that a stage fills.
static int slot_of(const struct ta_stage_info *info)
{
    int i = 0;
    while (ta_slots[i].name && (strncmp(info->name, ta_slots[i].name, strlen(ta_slots[i].name)) ||
                                info->name[strlen(ta_slots[i].name)] != '.'))
        i++;
    return i;
}

// A recipe fills each of its slots once, in their order; inverse telecine alone has a deinterlacer behind it.
// Conversions stand wherever the plan needs them, a scaler of a fixed factor has an exact one
// behind it.
static void check_place(struct ta_reading *in, const struct ta_stage_plan *stages, int i)
{
    const struct ta_stage_info *info = stages[i].info;
    int slot = slot_of(info), last = -1, conversions = 0, scalings = 0;
    for (int k = 0; k <= i; k++) {
        bool planned = ta_slots[slot_of(stages[k].info)].planned;
        conversions += planned;
        scalings += !strcmp(ta_slots[slot_of(stages[k].info)].name, "scale");
        if (k < i && !planned)
            last = TA_MAX(last, slot_of(stages[k].info));
    }
    bool after_film = i && stages[i - 1].info == &ta_stage_ivtc && info != &ta_stage_ivtc;
    bool in_order = ta_slots[slot].planned || last < slot || (last == slot && after_film);
    if (!in_order || conversions > MAX_CONVERSIONS || scalings > 2)
        ta_read_refuse(in, "the stages are not in an order that this program puts them in");
}

static void read_options(struct ta_reading *in, const json_t *options, struct ta_stage_plan *s)
{
    const struct ta_opt *table = s->info->options;
    if (in->err)
        return;
    if (!table) {
        if (json_object_size(options))
            ta_read_refuse(in, "a stage has options that it does not know");
        return;
    }
    ta_opt_release(table, s->opts);
    memset(s->opts, 0, s->info->options_size);
    ta_read_note(in, ta_opt_require_all(table, options, in->where, in->log));
    if (!in->err)
        ta_read_note(in, ta_opt_from_json(table, s->opts, options, in->where, in->log));
}

static bool same_format(const struct ta_format *a, const struct ta_format *b)
{
    json_t *x = ta_format_to_json(a), *y = ta_format_to_json(b);
    bool same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

static void read_stage(struct ta_reading *in, const json_t *o, const struct ta_format *from,
                       struct ta_stage_plan *stages, int *count)
{
    const char *name = ta_read_text(in, o, "stage");
    const json_t *options = ta_read_object(in, o, "options");
    const struct ta_stage_info *info = in->err ? NULL : ta_stage_find(name);
    struct ta_format out;
    if (!info) {
        ta_read_refuse(in, "unknown stage");
        return;
    }
    struct ta_stage_plan *s = &stages[*count];
    ta_stage_plan_init(s, info, from);
    ++*count;
    check_place(in, stages, *count - 1);
    read_options(in, options, s);
    if (!in->err)
        ta_read_note(in, ta_stage_plan_configure(s, in->log));
    if (!in->err)
        ta_read_note(in, ta_format_from_json(&out, json_object_get(o, "output"), in->where, in->log));
    // What the stage gives follows from its options: a plan that says otherwise was altered.
    if (!in->err && !same_format(&out, &s->out))
        ta_read_refuse(in, "a stage's output does not follow from its options");
}

void ta_read_stages(struct ta_reading *in, const json_t *owner, const struct ta_format *source,
                    struct ta_stage_plan **stages, int *count)
{
    const json_t *list = ta_read_array(in, owner, "stages");
    size_t n = json_array_size(list);
    if (n > MAX_STAGES)
        ta_read_refuse(in, "too many stages");
    *stages = ta_xcalloc((in->err ? 0 : n) + 1, sizeof **stages);
    struct ta_format cur = *source;
    for (size_t i = 0; i < n && !in->err; i++) {
        read_stage(in, json_array_get(list, i), &cur, *stages, count);
        if (!in->err)
            cur = (*stages)[i].out;
    }
}

struct ta_reach ta_read_reach(struct ta_reading *in, const json_t *owner, const struct ta_stage_plan *stages,
                              int count)
{
    const json_t *o = ta_read_object(in, owner, "reach");
    struct ta_reach r;
    r.before = ta_read_small(in, o, "before", 0, INT32_MAX);
    r.after = ta_read_small(in, o, "after", 0, INT32_MAX);
    struct ta_reach needed = in->err ? r : ta_chain_reach(stages, count);
    if (r.before != needed.before || r.after != needed.after)
        ta_read_refuse(in, "the frames around a segment are not those that its stages need");
    return r;
}

void ta_read_encoder(struct ta_reading *in, const json_t *owner, const struct ta_format *pictures,
                     int hdr_peak, struct ta_encoder_settings *out)
{
    const json_t *o = ta_read_object(in, owner, "encoder");
    if (!in->err)
        ta_read_note(in, ta_encoder_settings_from_json(out, o, in->where, in->log));
    if (!in->err)
        ta_read_note(in, ta_encoder_settings_trust(out, pictures, hdr_peak, in->where, in->log));
}

AVRational ta_read_positive(struct ta_reading *in, const json_t *o, const char *key)
{
    AVRational r = {0, 1};
    if (!in->err)
        ta_read_note(in, ta_json_get_rational(o, in->where, key, &r, in->log));
    if (!in->err && r.num < 1)
        ta_read_refuse(in, "a rate or a unit of time must be positive");
    return r;
}
