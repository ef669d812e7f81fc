// What was measured of a tape, as the plan takes it, and in words.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "plan/decide.h"
#include "video/denoise.h"

static double number(const struct ta_measured *m, const char *key)
{
    double v = m ? json_number_value(json_object_get(m->value, key)) : 0;
    return isfinite(v) ? v : 0;
}

struct ta_tape ta_plan_tape(const struct ta_plan_facts *facts)
{
    const struct ta_measured *noise = ta_measured_find(facts->measured, facts->measured_count, "noise"),
                             *levels = ta_measured_find(facts->measured, facts->measured_count, "levels"),
                             *torn = ta_measured_find(facts->measured, facts->measured_count,
                                                      "head_switching");
    return (struct ta_tape){
        .known = noise != NULL,
        .luma = TA_MIN(TA_MAX(number(noise, "luma"), 0), 64),
        .chroma = TA_MIN(TA_MAX(number(noise, "chroma"), 0), 64),
        .across = number(noise, "across"),
        .down = number(noise, "down"),
        .coded = noise && json_is_true(json_object_get(noise->value, "coded")),
        .sure = noise ? noise->confidence : 0,
        .black = number(levels, "black"),
        .white = number(levels, "white"),
        .levels_sure = levels ? levels->confidence : 0,
        .torn = (int)TA_MIN(TA_MAX(number(torn, "lines"), 0), 64),
    };
}

// A tape smears its noise along the lines, a film's grain is alike in both directions, and what coding has
// left says neither.
static const char *kind_of(const struct ta_tape *t)
{
    bool along = !t->coded && t->across > 0.3 && t->across > t->down + 0.2;
    if (t->luma < 0.8)
        return "hardly any";
    if (t->luma >= 2 && (along || t->torn))
        return t->luma < 6 ? "as of a tape" : "as of a worn tape";
    if (t->luma < 12 && t->down > 0.2 && !t->coded)
        return "even in all directions, as the grain of a film";
    return t->luma < 2.5 ? "a little" : t->luma < 6 ? "some" : "much";
}

void ta_plan_tell_tape(struct ta_decision *d)
{
    struct ta_tape t = ta_plan_tape(d->facts);
    if (!t.known)
        return;
    if (t.sure > 0)
        ta_decision_tell(d, "noise", "luma %.1f, chroma %.1f of 255, measured: %s%s", t.luma, t.chroma,
                         kind_of(&t),
                         t.coded        ? "; less certain, because coding has flattened it"
                         : t.sure < 0.4 ? "; less certain, because little stands still"
                                        : "");
    if (t.levels_sure > 0)
        ta_decision_tell(d, "levels", "darkest %.0f, brightest %.0f of 255, measured", t.black, t.white);
    if (t.torn)
        ta_decision_tell(d, "torn lines", "the last %d lines are torn by switching heads, measured", t.torn);
}

void ta_plan_set_noise(struct ta_decision *d, struct ta_denoise_motion_opts *o)
{
    struct ta_tape t = ta_plan_tape(d->facts);
    bool measured = t.known && t.sure > 0;
    if (o->sigma_luma >= 0 && o->sigma_chroma >= 0)
        return;
    if (o->sigma_luma < 0)
        o->sigma_luma = measured ? round(TA_MIN(t.luma, TA_NOISE_MOST) * 100) / 100 : TA_NOISE_UNKNOWN;
    if (o->sigma_chroma < 0)
        o->sigma_chroma = measured ? round(TA_MIN(t.chroma, TA_NOISE_MOST) * 100) / 100 : TA_NOISE_UNKNOWN;
    ta_decision_tell_more(d, "denoise", "motion, for noise of %.1f in luma and %.1f in chroma, %s",
                          o->sigma_luma, o->sigma_chroma,
                          measured ? "as measured" : "a guess: nothing was measured");
}
