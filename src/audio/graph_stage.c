#include "audio/graph_stage.h"

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/sound/graph.h"

static void layout_of(const struct ta_sound_format *f, AVChannelLayout *l)
{
    *l = (AVChannelLayout){.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = f->channels};
    if (f->mask)
        av_channel_layout_from_mask(l, f->mask);
    else if (f->channels <= 2)
        av_channel_layout_default(l, f->channels);
}

int ta_sound_graph_stage_init(struct ta_sound_stage *s)
{
    struct ta_buf text = {0};
    AVChannelLayout from, to;
    layout_of(&s->in, &from);
    layout_of(&s->out, &to);
    s->info->describe(s->opts, &s->in, &s->out, &text);
    int err = ta_sound_graph_create((struct ta_sound_graph **)s->priv, ta_buf_text(&text), s->in.rate, &from,
                                    &to, s->log);
    av_channel_layout_uninit(&from);
    av_channel_layout_uninit(&to);
    ta_buf_release(&text);
    return err;
}

static int forward(void *priv, float *const *planes, size_t samples)
{
    return ta_sound_stage_emit(priv, planes, samples);
}

int ta_sound_graph_stage_run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    return ta_sound_graph_run(*(struct ta_sound_graph **)s->priv, planes, samples, forward, s);
}

void ta_sound_graph_stage_release(struct ta_sound_stage *s)
{
    if (s->priv)
        ta_sound_graph_destroy((struct ta_sound_graph **)s->priv);
}
