// From wishes to frozen settings, and their JSON form.
#include "media/encode/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tree.h"
#include "media/encode/encoder_hardware.h"

#define MAX_THREADS 64

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
    // FFV1's slices would be less than a line of chroma there.
    if (!strcmp(info->name, "ffv1") && TA_MIN(in->width, in->height) < 16 &&
        (in->width > 352 || in->height > 288)) {
        ta_error(log, "the ffv1 encoder does not take pictures as narrow as %dx%d", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    if (info->lossless)
        return 0;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    int wide = 1 << d->log2_chroma_w, high = 1 << d->log2_chroma_h;
    // Each field of 4:2:0 has its own chroma lines.
    if (in->scan != TA_SCAN_PROGRESSIVE && !strcmp(info->name, "h264"))
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

// One of three numbers: for SD, HD, and what is larger.
static int by_size(const struct ta_format *in, int sd, int hd, int larger)
{
    int64_t pixels = (int64_t)in->width * in->height;
    return pixels <= 720 * 576 ? sd : pixels <= 1920 * 1088 ? hd : larger;
}

static void set(struct ta_encoder_settings *s, const char *key, const char *value)
{
    if (av_dict_set(&s->options, key, value, 0) < 0)
        abort(); // out of memory; small objects abort
}

static void set_number(struct ta_encoder_settings *s, const char *key, double value)
{
    struct ta_buf text = {0};
    ta_number_append(&text, value);
    set(s, key, ta_buf_text(&text));
    ta_buf_release(&text);
}

static void set_text(struct ta_encoder_settings *s, const char *key, char *value)
{
    set(s, key, value);
    free(value);
}

// cpu-independent: no choice by what the CPU is good at; stitchable: headers that do not depend on the
// pictures.
static void plan_h264(struct ta_encoder_settings *s, const struct ta_format *in)
{
    s->threads = by_size(in, 4, 6, 8);
    const char *fields = in->scan == TA_SCAN_TFF ? ":tff=1" : in->scan == TA_SCAN_BFF ? ":bff=1" : "";
    set_text(s, "x264-params",
             ta_xprintf("cpu-independent=1:stitchable=1:lookahead-threads=1:sliced-threads=0%s", fields));
    set(s, "g", "250");
    set(s, "a53cc", "1");
}

// Adds the display that HDR10 was made for (SMPTE ST 2086) to the parameters of x265 or SVT-AV1: BT.2020 with
// D65, up to `peak` cd/m2, and black. How bright the pictures really are is not known before they are
// encoded: that goes into the container alone.
static void add_mastering(struct ta_encoder_settings *s, const char *params, int peak)
{
    const char *old = av_dict_get(s->options, params, NULL, 0)->value;
    // x265 counts colours in 0.00002 and light in 0.0001 cd/m2, and without cll=0 says that the pictures'
    // brightness is unknown.
    if (!strcmp(params, "x265-params"))
        set_text(s, params,
                 ta_xprintf(
                     "%s:cll=0:master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(%d,1)",
                     old, peak * 10000));
    else
        set_text(s, params,
                 ta_xprintf("%s:mastering-display=G(0.17,0.797)B(0.131,0.046)R(0.708,0.292)WP(0.3127,0.329)"
                            "L(%d,0.0001)",
                            old, peak));
}

// Frame threads change x265's output, the size of the pool does not, but without a pool there is no WPP,
// which does. info: no version and settings in the stream, so that builds of x265 agree.
static void plan_hevc(struct ta_encoder_settings *s, const struct ta_format *in)
{
    s->threads = by_size(in, 2, 3, 4);
    set_text(s, "x265-params",
             ta_xprintf("info=0:log-level=none:frame-threads=%d:pools=4:wpp=1:pmode=0:pme=0:open-gop=0",
                        s->threads));
    set(s, "g", "250");
}

static void plan_av1(struct ta_encoder_settings *s, const struct ta_format *in)
{
    // Its bytes are the same for any number. On 16 cores 4 took half the time of 2, and more gained nothing
    // but memory (1.4, preset 8, 30 frames of 720x480: 1.52, 0.77, 0.82 s and 131, 171, 325 MB for 2, 4, 8;
    // 16 frames of 1440x1080: 1.72, 1.00, 1.29 s).
    s->threads = by_size(in, 4, 4, 6);
    set_text(s, "svtav1-params", ta_xprintf("lp=%d:pin=0", s->threads));
    set(s, "g", "241"); // 15 of the encoder's groups of 16 pictures, and the key frame
}

// Cut into `n`, do the last slice of the luma and that of the chroma end at the same place? Version 3 of the
// format can't say it where they do not.
static bool slices_fit(int size, int n, int chroma_shift)
{
    int step = 1 << chroma_shift, last = size - (int)((int64_t)size * (n - 1) / n);
    return size % step == 0 || last % step != 0;
}

// FFV1's slices are rectangles of about the picture's shape: one for small pictures, else a grid of 2x2 and
// more rows and columns, fewer than twice as many columns as rows. The number is the one of these that fits
// and is nearest to what is good for the size; 0 when none fits.
static int ffv1_slices(const struct ta_format *in, enum AVPixelFormat pix_fmt)
{
    if (in->width <= 352 && in->height <= 288)
        return 1;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
    int wanted = in->width < 64 || in->height < 64 ? 4 : by_size(in, 4, 16, 24), best = 0;
    for (int rows = 2; rows <= 8; rows++)
        for (int columns = rows; columns < 2 * rows; columns++) {
            int n = rows * columns;
            if (slices_fit(in->width, columns, d->log2_chroma_w) &&
                slices_fit(in->height, rows, d->log2_chroma_h) &&
                (!best || abs(n - wanted) < abs(best - wanted)))
                best = n;
        }
    return best;
}

static int plan_ffv1(struct ta_encoder_settings *s, const struct ta_format *in, struct ta_log *log)
{
    int slices = ffv1_slices(in, s->pix_fmt);
    if (!slices) {
        ta_error(log, "the ffv1 encoder can't cut %dx%d %s into slices: crop it to an even size", in->width,
                 in->height, av_get_pix_fmt_name(s->pix_fmt));
        return TA_ERR_UNSUPPORTED;
    }
    s->threads = TA_MIN(slices, 4);
    set(s, "level", "3");
    set(s, "g", "1");
    set_number(s, "slices", slices);
    set(s, "slicecrc", "1");
    set(s, "coder", "range_tab");
    set(s, "context", "1");
    return 0;
}

static void plan_prores(struct ta_encoder_settings *s)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->pix_fmt);
    s->threads = 4;
    set(s, "profile", d->log2_chroma_w ? "hq" : "4444");
    set(s, "vendor", "apl0"); // some programs take no other
    if (has_alpha(d))
        set(s, "alpha_bits", "16");
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
    set(s, "preset", preset);
    set_number(s, "crf", ta_encoder_crf(info, wish->crf));
    return 0;
}

static void sort_options(AVDictionary **options)
{
    AVDictionary *sorted = NULL;
    while (av_dict_count(*options)) {
        const AVDictionaryEntry *e = NULL, *first = NULL;
        while ((e = av_dict_get(*options, "", e, AV_DICT_IGNORE_SUFFIX)))
            if (!first || strcmp(e->key, first->key) < 0)
                first = e;
        if (av_dict_set(&sorted, first->key, first->value, 0) < 0)
            abort();
        av_dict_set(options, first->key, NULL, AV_DICT_MATCH_CASE);
    }
    av_dict_free(options);
    *options = sorted;
}

static int plan_hardware(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                         const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log)
{
    int err = ta_hardware_choose(out, info, wish, in, log);
    if (err >= 0)
        sort_options(&out->options);
    return err;
}

bool ta_encoder_is_reproducible(const struct ta_encoder_settings *s)
{
    return !ta_hardware_of(s->codec);
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

    out->name = ta_xstrdup(info->name);
    out->codec = ta_xstrdup(info->codec);
    out->pix_fmt = pix_fmt;
    out->threads = 1;
    set_text(out, "flags",
             ta_xprintf("+global_header+cgop+bitexact%s", in->scan != TA_SCAN_PROGRESSIVE ? "+ildct" : ""));
    if (!strcmp(info->name, "h264"))
        plan_h264(out, in);
    else if (!strcmp(info->name, "hevc"))
        plan_hevc(out, in);
    else if (!strcmp(info->name, "av1"))
        plan_av1(out, in);
    else if (!strcmp(info->name, "ffv1"))
        err = plan_ffv1(out, in, log);
    else if (!strcmp(info->name, "prores"))
        plan_prores(out);
    if (wish->hdr_peak && !strcmp(info->codec, "libx265"))
        add_mastering(out, "x265-params", wish->hdr_peak);
    if (wish->hdr_peak && !strcmp(info->codec, "libsvtav1"))
        add_mastering(out, "svtav1-params", wish->hdr_peak);
    if (!err && !info->lossless && !info->lossy_intra)
        err = plan_lossy(out, info, wish, log);
    if (err < 0) {
        ta_encoder_settings_release(out);
        return err;
    }
    sort_options(&out->options);
    return 0;
}

void ta_encoder_settings_release(struct ta_encoder_settings *s)
{
    free(s->name);
    free(s->codec);
    av_dict_free(&s->options);
    *s = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
}

json_t *ta_encoder_settings_to_json(const struct ta_encoder_settings *s)
{
    const char *pix_fmt = av_get_pix_fmt_name(s->pix_fmt);
    json_t *o = json_object(), *options = json_object();
    json_object_set_new(o, "name", json_string(s->name));
    json_object_set_new(o, "codec", json_string(s->codec));
    json_object_set_new(o, "pix_fmt", json_string(pix_fmt ? pix_fmt : "none"));
    json_object_set_new(o, "threads", json_integer(s->threads));
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(s->options, "", e, AV_DICT_IGNORE_SUFFIX)))
        json_object_set_new(options, e->key, json_string(e->value));
    json_object_set_new(o, "options", options);
    json_object_set_new(o, "reproducible", json_boolean(ta_encoder_is_reproducible(s)));
    return o;
}

// By software or by a kind of hardware.
static bool makes(const struct ta_encoder_info *info, const char *codec)
{
    const struct ta_hardware_kind *kind = ta_hardware_of(codec);
    char *name = kind ? ta_hardware_codec(info, kind) : ta_xstrdup(info->codec);
    bool same = !strcmp(name, codec);
    free(name);
    return same;
}

int ta_encoder_settings_from_json(struct ta_encoder_settings *s, const json_t *object, const char *where,
                                  struct ta_log *log)
{
    *s = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    const char *name = "", *codec = "", *pix_fmt = "", *key;
    json_t *options = NULL, *value;
    int64_t threads = 0;
    int err = ta_json_get_string(object, where, "name", &name, log);
    if (!err)
        err = ta_json_get_string(object, where, "codec", &codec, log);
    if (!err)
        err = ta_json_get_string(object, where, "pix_fmt", &pix_fmt, log);
    if (!err)
        err = ta_json_get_int(object, where, "threads", 1, MAX_THREADS, &threads, log);
    if (!err)
        err = ta_json_get_object(object, where, "options", &options, log);
    if (err < 0)
        return err;

    const struct ta_encoder_info *info = ta_encoder_find(name);
    if (!info || !makes(info, codec)) {
        ta_error(log, "%s: there is no encoder \"%s\" of the codec \"%s\"", where, name, codec);
        return TA_ERR_FORMAT;
    }
    s->pix_fmt = av_get_pix_fmt(pix_fmt);
    if (s->pix_fmt == AV_PIX_FMT_NONE) {
        ta_error(log, "%s: pix_fmt \"%s\" is unknown", where, pix_fmt);
        return TA_ERR_FORMAT;
    }
    s->name = ta_xstrdup(name);
    s->codec = ta_xstrdup(codec);
    s->threads = (int)threads;
    json_object_foreach(options, key, value)
    {
        if (!json_is_string(value)) {
            ta_error(log, "%s: options.%s must be a text", where, key);
            ta_encoder_settings_release(s);
            return TA_ERR_FORMAT;
        }
        set(s, key, json_string_value(value));
    }
    sort_options(&s->options);
    return 0;
}
