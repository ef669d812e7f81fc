#include "plan/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"

// Bits a pixel that restored tapes take at --crf 18, and what share of the uncompressed size lossless video
// keeps. Noise that stays in the picture costs several times as much: this is an estimate, and told as one.
static const struct {
    const char *encoder;
    double bits_at_18, share;
} costs[] = {
    {"h264", 0.07, 0}, {"hevc", 0.045, 0}, {"av1", 0.04, 0},
    {"ffv1", 0, 0.4},  {"prores", 3.5, 0}, {"raw", 0, 1},
};
static const double CRF_HALVES = 6, DEFAULT_AUDIO_RATE = 160000;

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

void ta_plan_estimate(const struct ta_plan *p, struct ta_estimate *out)
{
    const struct ta_format *f = &p->out_format;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    double raw = d ? (double)f->width * f->height * av_get_bits_per_pixel(d) / 8 : 0;
    double pixels = (double)f->width * f->height, each = raw;
    const json_t *crf = json_object_get(json_object_get(p->recipe, "crf"), "value");
    double quality = json_is_string(crf) ? strtod(json_string_value(crf), NULL) : 18;
    for (size_t i = 0; i < TA_COUNT(costs); i++) {
        if (!p->encoder.name || strcmp(costs[i].encoder, p->encoder.name))
            continue;
        bool fixed = !strcmp(p->encoder.name, "prores");
        each = costs[i].share > 0
                   ? raw * costs[i].share
                   : pixels * costs[i].bits_at_18 / 8 * (fixed ? 1 : exp2((18 - quality) / CRF_HALVES));
    }
    *out = (struct ta_estimate){.exact = p->encoder.name && !strcmp(p->encoder.name, "raw")};
    out->segment_bytes = (int64_t)(each * (double)p->out_frames);
    out->output_bytes = out->segment_bytes + ta_estimate_other_streams(p);
    out->peak_bytes = out->segment_bytes + out->output_bytes;
}
