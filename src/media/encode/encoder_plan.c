// From wishes to frozen settings.
#include "media/encode/encoder_settings.h"

#include <string.h>

#include <libavutil/pixdesc.h>

#include <libavutil/imgutils.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder_hardware.h"
#include "media/encode/encoder_row.h"

static bool is_rgb(const AVPixFmtDescriptor *d)
{
    return d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL);
}

static bool has_alpha(const AVPixFmtDescriptor *d)
{
    return d->flags & AV_PIX_FMT_FLAG_ALPHA;
}

static bool is_gray(const AVPixFmtDescriptor *d)
{
    return !is_rgb(d) && d->nb_components <= 2;
}

// What goes wrong when pictures of format `from` are stored as `to`, worst first; lower is better.
static int64_t misfit(const AVPixFmtDescriptor *from, const AVPixFmtDescriptor *to, int depth)
{
    int64_t bad = 0;
    if (is_gray(to) && !is_gray(from))
        bad += 1 << 24; // no colour
    if (has_alpha(from) && !has_alpha(to))
        bad += 1 << 22;
    if (to->comp[0].depth < depth)
        bad += (int64_t)(depth - to->comp[0].depth) << 17;
    if (is_rgb(from) != is_rgb(to) && !is_gray(from))
        bad += 1 << 16; // not the same colours
    int w = is_gray(from) ? INT8_MAX : from->log2_chroma_w,
        h = is_gray(from) ? INT8_MAX : from->log2_chroma_h;
    if (to->log2_chroma_w > w)
        bad += (int64_t)(to->log2_chroma_w - w) << 14;
    if (to->log2_chroma_h > h)
        bad += (int64_t)(to->log2_chroma_h - h) << 14;
    // Among those that hold all of it, the smallest one.
    return bad + av_get_padded_bits_per_pixel(to) + (is_rgb(to) && is_gray(from) ? 256 : 0);
}

static enum AVPixelFormat pick_format(const struct ta_encoder_info *info, enum AVPixelFormat in, int depth)
{
    enum AVPixelFormat best = AV_PIX_FMT_NONE;
    int64_t least = INT64_MAX;
    for (const enum AVPixelFormat *p = info->pix_fmts; *p != AV_PIX_FMT_NONE; p++) {
        int64_t m = misfit(av_pix_fmt_desc_get(in), av_pix_fmt_desc_get(*p), depth);
        if (m < least) {
            least = m;
            best = *p;
        }
    }
    return best;
}

static enum AVPixelFormat plan_format(const struct ta_encoder_info *info, const struct ta_encoder_wish *wish,
                                      const struct ta_format *in)
{
    int depth = ta_format_depth(in);
    if (!info->lossless)
        depth = depth <= 8 && wish->quality && !strcmp(wish->quality, "fast") ? 8 : 10;
    return pick_format(info, in->pix_fmt, depth);
}

static int check_size(const struct ta_encoder_info *info, const struct ta_format *in, enum AVPixelFormat p,
                      struct ta_log *log)
{
    if (in->width < info->min_side || in->height < info->min_side || in->width > info->max_width ||
        in->height > info->max_height) {
        ta_error(log, "the %s encoder takes pictures from %dx%d to %dx%d, not %dx%d", info->name,
                 info->min_side, info->min_side, info->max_width, info->max_height, in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    if (av_image_check_size2((unsigned)in->width, (unsigned)in->height, INT64_MAX, AV_PIX_FMT_NONE, 0, NULL) <
        0) {
        ta_error(log, "pictures of %dx%d are larger than libav can hold", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    if (info->check) {
        int err = info->check(in, p, log);
        if (err < 0)
            return err;
    }
    if (info->lossless)
        return 0;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    int wide = 1 << d->log2_chroma_w, high = 1 << d->log2_chroma_h;
    // Each field of 4:2:0 has its own chroma lines.
    if (in->scan != TA_SCAN_PROGRESSIVE && info->field_chroma)
        high *= 2;
    if (in->width % wide || in->height % high) {
        ta_error(
            log,
            "the %s encoder needs a width that is a multiple of %d and a height that is a multiple of %d%s, not %dx%d",
            info->name, wide, high, high > 2 ? " for interlaced pictures" : "", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int plan_lossy(struct ta_encoder_settings *s, const struct ta_encoder_info *info,
                      const struct ta_encoder_wish *wish, struct ta_log *log)
{
    if (!(wish->crf >= 0 && wish->crf <= 51)) {
        ta_error(log, "crf %g is not between 0 and 51", wish->crf);
        return TA_ERR_INVALID;
    }
    const char *speed = wish->speed ? wish->speed : ta_encoder_quality_speed(wish->quality);
    const char *preset = ta_encoder_speed(info, speed);
    if (!preset) {
        if (wish->speed)
            ta_error(log,
                     "there is no encoder speed \"%s\"; x264's names are taken, from ultrafast to placebo",
                     speed);
        else
            ta_error(log, "there is no quality \"%s\"; it is fast, good or best", wish->quality);
        return TA_ERR_INVALID;
    }
    ta_encoder_set(s, "preset", preset);
    ta_encoder_set_number(s, "crf", ta_encoder_crf(info, wish->crf));
    return 0;
}

static int plan_hardware(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                         const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log)
{
    int err = ta_hardware_choose(out, info, wish, in, log);
    if (err >= 0)
        ta_encoder_sort_options(out);
    return err;
}

int ta_encoder_plan(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                    const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log)
{
    *out = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    ta_require(log, av_pix_fmt_desc_get(in->pix_fmt), TA_ERR_USAGE);
    if (wish->hardware)
        return plan_hardware(out, info, wish, in, log);
    if (in->scan != TA_SCAN_PROGRESSIVE && !info->interlaced) {
        ta_error(log,
                 "the %s encoder can't code interlaced pictures: deinterlace them, or choose another encoder",
                 info->name);
        return TA_ERR_UNSUPPORTED;
    }
    enum AVPixelFormat pix_fmt = plan_format(info, wish, in);
    int err = check_size(info, in, pix_fmt, log);
    if (err < 0)
        return err;

    out->info = info;
    out->name = ta_xstrdup(info->name);
    out->codec = ta_xstrdup(info->codec);
    out->pix_fmt = pix_fmt;
    out->threads = 1;
    ta_encoder_set_text(
        out, "flags",
        ta_xprintf("+global_header+cgop+bitexact%s", in->scan != TA_SCAN_PROGRESSIVE ? "+ildct" : ""));
    if (info->plan)
        err = info->plan(out, wish, in, log);
    if (!err && !info->lossless && !info->lossy_intra)
        err = plan_lossy(out, info, wish, log);
    if (err < 0) {
        ta_encoder_settings_release(out);
        return err;
    }
    ta_encoder_sort_options(out);
    return 0;
}
