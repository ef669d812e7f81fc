// Formats of sound, and stages in plans. A new stage is one line in the list.
#include "audio/stages.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

// clang-format off
const struct ta_sound_stage_info *const ta_sound_stages[] = {
    &ta_sound_channels,
    &ta_sound_stage_hum,
    &ta_sound_stage_buzz,
    &ta_sound_stage_clicks,
    &ta_sound_gain,
    &ta_sound_highpass,
    &ta_sound_lowpass,
    &ta_sound_peak,
    &ta_sound_compressor,
    &ta_sound_limiter,
    &ta_sound_stage_hiss,
    &ta_sound_deepfilter,
    &ta_sound_gtcrn,
    &ta_sound_rnnoise,
    &ta_sound_flashsr,
    &ta_sound_mix,
    &ta_sound_upmix_simple,
    &ta_sound_upmix_matrix,
    &ta_sound_upmix_surround,
    NULL,
};
// clang-format on

const struct ta_sound_stage_info *ta_sound_stage_find(const char *name)
{
    for (const struct ta_sound_stage_info *const *s = ta_sound_stages; *s; s++)
        if (!strcmp((*s)->name, name))
            return *s;
    return NULL;
}

// ---- formats ----

char *ta_sound_layout_text(const struct ta_sound_format *f)
{
    AVChannelLayout l = {0};
    char text[128] = "";
    if (f->mask && av_channel_layout_from_mask(&l, f->mask) >= 0)
        av_channel_layout_describe(&l, text, sizeof text);
    av_channel_layout_uninit(&l);
    return *text ? ta_xstrdup(text) : ta_xprintf("%d channels", f->channels);
}

json_t *ta_sound_format_json(const struct ta_sound_format *f)
{
    char *layout = ta_sound_layout_text(f);
    json_t *o = json_pack("{s:i, s:i, s:s}", "rate", f->rate, "channels", f->channels, "layout",
                          f->mask ? layout : "unknown");
    free(layout);
    return o;
}

int ta_sound_format_read(struct ta_sound_format *f, const json_t *o)
{
    const json_t *rate = json_object_get(o, "rate"), *channels = json_object_get(o, "channels");
    const char *layout = json_string_value(json_object_get(o, "layout"));
    *f = (struct ta_sound_format){.rate = (int)json_integer_value(rate),
                                  .channels = (int)json_integer_value(channels)};
    if (!json_is_integer(rate) || !json_is_integer(channels) || !layout || f->rate < 1 || f->rate > 768000 ||
        json_integer_value(rate) != f->rate || f->channels < 1 || f->channels > TA_SOUND_CHANNELS ||
        json_integer_value(channels) != f->channels)
        return TA_ERR_FORMAT;
    AVChannelLayout l = {0};
    if (strcmp(layout, "unknown") != 0) {
        bool known = av_channel_layout_from_string(&l, layout) >= 0 && l.order == AV_CHANNEL_ORDER_NATIVE &&
                     l.nb_channels == f->channels;
        f->mask = known ? l.u.mask : 0;
        av_channel_layout_uninit(&l);
        return known ? 0 : TA_ERR_FORMAT;
    }
    return 0;
}

bool ta_sound_format_equal(const struct ta_sound_format *a, const struct ta_sound_format *b)
{
    return a->rate == b->rate && a->channels == b->channels && a->mask == b->mask;
}

// ---- stages ----

int ta_sound_stage_emit(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    return s->emit(s->receiver, planes, samples);
}

void ta_sound_stage_plan_init(struct ta_sound_stage_plan *p, const struct ta_sound_stage_info *info,
                              const struct ta_sound_format *in)
{
    *p = (struct ta_sound_stage_plan){.info = info, .in = *in, .out = *in};
    if (info->options_size)
        p->opts = ta_xcalloc(1, info->options_size);
    if (info->options)
        ta_opt_defaults(info->options, p->opts);
}

int ta_sound_stage_plan_configure(struct ta_sound_stage_plan *p, struct ta_log *log)
{
    struct ta_buf why = {0};
    p->out = p->in;
    int err = p->info->configure ? p->info->configure(p->opts, &p->in, &p->out, &why) : 0;
    if (err < 0)
        ta_error(log, "%s: %s", p->info->name, why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_buf_release(&why);
    return err;
}

void ta_sound_stage_plan_release(struct ta_sound_stage_plan *p)
{
    if (p->info && p->info->options && p->opts)
        ta_opt_release(p->info->options, p->opts);
    ta_freep(&p->opts);
}
