#include "video/denoise.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "video/stage.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

// Four numbers; none: by what is measured.
static int parse_strength(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    if (strcmp(text, "auto") != 0)
        return ta_opt_floats.parse(o, text, field, why);
    *(struct ta_floats *)field = (struct ta_floats){0};
    return 0;
}

static void format_strength(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    const struct ta_floats *f = field;
    if (f->count)
        ta_opt_floats.format(o, field, out);
    else
        ta_buf_puts(out, "auto");
}

static const struct ta_opt_kind kind_strength = {.name = "strength",
                                                 .syntax = "L:C:TL:TC|auto",
                                                 .parse = parse_strength,
                                                 .format = format_strength,
                                                 .type = TA_OPT_TYPE_FLOATS};

const struct ta_opt ta_denoise_options[] = {
    {.name = "strength",
     .kind = &kind_strength,
     TA_FIELD(struct ta_denoise_opts, strength, struct ta_floats),
     .def = "3:2:3:2",
     .min = 0,
     .max = 255,
     .min_count = 4,
     .max_count = 4,
     .help = "luma and chroma strength in space, then in time; auto is by the noise that was "
             "measured"},
    {0},
};

// Distances of samples grow with the noise, and strengths with their square (denoise_recursive.c). The
// factors are those of the best PSNR on scenes and footage with noise of 2 to 12 codes
// (docs/quality.md).
void ta_denoise_set_measured(void *opts, const struct ta_stage_measured *m, struct ta_buf *why)
{
    const double in_space = 0.6, in_time = 2, chroma_in_space = 1, chroma_in_time = 3;
    struct ta_floats *f = &((struct ta_denoise_opts *)opts)->strength;
    if (f->count)
        return;
    if (!m->known) {
        *f = (struct ta_floats){.v = {3, 2, 3, 2}, .count = 4};
        ta_buf_puts(why, "the usual strength, because the noise is not known");
        return;
    }
    double luma = m->noise_luma * m->noise_luma, chroma = m->noise_chroma * m->noise_chroma;
    const double v[] = {in_space * luma, chroma_in_space * chroma, in_time * luma, chroma_in_time * chroma};
    f->count = (int)TA_COUNT(v);
    for (int i = 0; i < f->count; i++)
        f->v[i] = round(TA_MIN(v[i], 255) * 10) / 10;
    ta_buf_printf(why, "strength %g:%g:%g:%g for noise of %.1f in luma, %.1f in chroma", f->v[0], f->v[1],
                  f->v[2], f->v[3], m->noise_luma, m->noise_chroma);
}

bool ta_denoise_is_neutral(const void *opts, const struct ta_format *in)
{
    (void)in;
    const struct ta_floats *f = &((const struct ta_denoise_opts *)opts)->strength;
    bool any = f->count == 0;
    for (int i = 0; i < f->count; i++)
        any |= f->v[i] > 0;
    return !any;
}

int ta_denoise_check_all(const struct ta_denoise_opts *o, const struct ta_format *in, struct ta_buf *why)
{
    if (o->strength.count == 4)
        return ta_denoise_check(in, why);
    ta_buf_puts(why, "takes four numbers for its strength");
    return TA_ERR_INVALID;
}

int ta_denoise_check(const struct ta_format *in, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    bool planar_yuv = d && d->nb_components == 3 && av_pix_fmt_count_planes(in->pix_fmt) == 3 &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
    if (!planar_yuv || d->comp[0].depth < 8 || d->comp[0].depth > 16 || d->comp[0].shift ||
        (d->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL))) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}
