// Formats of sound as libav's layouts.
#ifndef TA_RESTORE_SOUND_FORMAT_H
#define TA_RESTORE_SOUND_FORMAT_H

#include <libavutil/channel_layout.h>

#include "audio/stage.h"

// To be released with av_channel_layout_uninit().
static inline void ta_sound_layout(const struct ta_sound_format *f, AVChannelLayout *l)
{
    *l = (AVChannelLayout){.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = f->channels};
    if (f->mask)
        av_channel_layout_from_mask(l, f->mask);
}

#endif
