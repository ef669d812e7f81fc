#include "plan/estimate.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/encode/encoder_row.h"
#include "plan/sound.h"

static const double DEFAULT_AUDIO_RATE = 160000; // bits a second

int64_t ta_estimate_other_streams(const struct ta_plan *p)
{
    if (!p->index)
        return 0;
    double share = (double)p->frame_count / (double)TA_MAX(p->index->frame_count, 1), sum = 0;
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        if (s->stream == p->index->video || s->stream >= p->index->stream_count)
            continue;
        if (s->action == TA_STREAM_COPY)
            sum += (double)p->index->streams[s->stream].bytes * share;
        else if (s->action == TA_STREAM_TRANSCODE && s->kind == TA_STREAM_AUDIO)
            sum += (s->bit_rate ? (double)s->bit_rate : DEFAULT_AUDIO_RATE) / 8 * ta_plan_seconds(p);
    }
    return (int64_t)sum;
}

// Pieces of restored sound are floats, and there until the last task of their track has used them.
static int64_t sound_bytes(const struct ta_plan *p)
{
    int64_t sum = 0;
    for (int i = 0; i < p->sound_count; i++)
        sum += (p->sounds[i].end - p->sounds[i].start) * p->sounds[i].out.channels * (int64_t)sizeof(float);
    return sum;
}

void ta_plan_estimate(const struct ta_plan *p, struct ta_estimate *out)
{
    const struct ta_format *f = &p->out_format;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    double pixels = (double)f->width * f->height, raw = d ? av_get_bits_per_pixel(d) : 0;
    const json_t *crf = json_object_get(json_object_get(p->recipe, "crf"), "value");
    double quality = json_is_string(crf) ? strtod(json_string_value(crf), NULL) : 18;
    const struct ta_encoder_info *encoder = p->encoder.info;
    // Noise that stays in the picture costs several times as much: this is an estimate, and told as one.
    double each = pixels / 8 * (encoder ? ta_encoder_bits(encoder, quality, raw) : raw);
    *out = (struct ta_estimate){.exact = encoder && encoder->share == 1};
    int64_t bytes = (int64_t)(each * (double)p->out_frames);
    out->output_bytes = bytes + ta_estimate_other_streams(p);
    if (!strcmp(p->output, "-"))
        return; // nothing lies on the disk
    bytes += sound_bytes(p);
    out->segment_bytes = bytes;
    out->peak_bytes = bytes + out->output_bytes;
}
