// Where networks work on sound: against noise, and for treble.
#include <stdlib.h>

#include <terminalai/error.h>

#include "audio/network.h"
#include "audio/voice.h"
#include "base/log.h"
#include "base/mem.h"
#include "plan/decide.h"
#include "plan/sound_parts.h"

// Up to where narrow sound reaches, surely; the rate that tells by itself, the least with room for treble,
// and what sound with less is read at.
static const double NARROW_HZ = 8500, SURE = 0.5;
enum { NARROW_RATE = 17000, ROOM_RATE = 32000, FULL_RATE = 48000 };

// The options of a stage of networks; NULL after a message.
static void *add_networks(struct ta_sound_choosing *c, const struct ta_sound_network_facts *f)
{
    if (!f || f->err < 0) {
        if (c->err >= 0)
            c->err = f ? f->err : TA_ERR_USAGE;
        ta_error(c->d->log, "%s", f && f->why ? f->why : "no network for sound was looked for");
        return NULL;
    }
    void *opts = ta_sound_add_stage(c, f->info->stage);
    ta_sound_network_set(opts, f);
    return opts;
}

void ta_sound_add_voice(struct ta_sound_choosing *c)
{
    const struct ta_sound_network_facts *f = c->d->facts->denoiser;
    struct ta_sound_voice_opts *o = add_networks(c, f);
    if (!o)
        return;
    o->reduction = c->recipe.reduction;
    o->link = c->recipe.link;
    ta_sound_settle_stage(c);
    ta_decision_tell(c->d, "sound", "stream %d: noise is taken out by the network %s%s%s", c->plan->stream,
                     f->info->name, f->instead ? ": " : "", f->instead ? f->instead : "");
}

static bool is_narrow(const struct ta_sound_facts *f)
{
    const struct ta_sound_value *width = &f->heard.bandwidth_hz;
    return f->format.rate <= NARROW_RATE || (width->confidence >= SURE && width->value <= NARROW_HZ);
}

void ta_sound_choose_treble(struct ta_sound_choosing *c, struct ta_sound_facts *raised)
{
    const struct ta_sound_facts *f = c->facts;
    c->narrow = is_narrow(f);
    c->treble = c->recipe.extend == TA_EXTEND_ALWAYS || (c->recipe.extend == TA_EXTEND_NARROW && c->narrow);
    if (!c->treble || f->format.rate >= ROOM_RATE)
        return;
    AVRational from = {1, f->format.rate}, to = {1, FULL_RATE};
    *raised = *f;
    raised->format.rate = FULL_RATE;
    raised->start = ta_rescale(f->start, from, to);
    raised->end = ta_rescale(f->end, from, to);
    raised->true_rate = av_mul_q(f->true_rate, (AVRational){FULL_RATE, f->format.rate});
    raised->anchors = ta_xcalloc((size_t)f->anchor_count + 1, sizeof *raised->anchors);
    for (int i = 0; i < f->anchor_count; i++)
        raised->anchors[i] = (struct ta_sound_anchor){f->anchors[i].pts,
                                                      ta_rescale(f->anchors[i].place, from, to)};
    c->facts = raised;
}

void ta_sound_add_treble(struct ta_sound_choosing *c)
{
    if (!c->treble || !add_networks(c, c->d->facts->extender))
        return;
    ta_sound_settle_stage(c);
    if (c->narrow)
        ta_decision_tell(
            c->d, "sound",
            "stream %d: it reaches up to %.1f kHz: the treble above 8 kHz is guessed by a network",
            c->plan->stream, c->facts->heard.bandwidth_hz.value / 1000);
}
