#include "diagnose/samples.h"

#include <string.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"

bool ta_samples_of(const AVFrame *f, int component, struct ta_samples *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (!d || d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_PAL |
                          AV_PIX_FMT_FLAG_FLOAT))
        return false;
    bool rgb = d->flags & AV_PIX_FMT_FLAG_RGB;
    int colours = d->nb_components - !!(d->flags & AV_PIX_FMT_FLAG_ALPHA);
    if (component && (rgb || component >= colours))
        return false;
    const AVComponentDescriptor *c = &d->comp[rgb ? 1 : component];
    if (c->depth < 8 || c->depth > 16 || !f->data[c->plane])
        return false;
    *out = (struct ta_samples){
        .data = f->data[c->plane] + c->offset,
        .stride = f->linesize[c->plane],
        .step = c->step,
        .width = component ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width,
        .height = component ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height,
        .low = c->shift,
        .bits = c->depth,
        .wide = c->depth > 8 || c->shift > 0,
        .big_endian = d->flags & AV_PIX_FMT_FLAG_BE,
    };
    return true;
}

void ta_samples_row(int16_t *out, const struct ta_samples *s, int x, int y, int count)
{
    const uint8_t *src = s->data + y * s->stride + (ptrdiff_t)x * s->step;
    if (!s->wide) {
        for (int i = 0; i < count; i++)
            out[i] = (int16_t)(src[(ptrdiff_t)i * s->step] << 4);
        return;
    }
    int high = s->big_endian ? 0 : 1, up = TA_MAX(12 - s->bits, 0), down = s->low + TA_MAX(s->bits - 12, 0);
    for (int i = 0; i < count; i++) {
        const uint8_t *v = src + (ptrdiff_t)i * s->step;
        out[i] = (int16_t)((v[high] << 8 | v[1 - high]) >> down << up);
    }
}
