#include "media/format.h"

#include <math.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/av.h"

static const char *const scan_names[] = {"progressive", "tff", "bff"};

const char *ta_scan_type_name(enum ta_scan_type t)
{
    return (unsigned)t < TA_COUNT(scan_names) ? scan_names[t] : "unknown";
}

enum AVFieldOrder ta_scan_field_order(enum ta_scan_type t)
{
    return t == TA_SCAN_TFF ? AV_FIELD_TT : t == TA_SCAN_BFF ? AV_FIELD_BB : AV_FIELD_PROGRESSIVE;
}

int ta_scan_type_from_name(const char *name)
{
    for (size_t i = 0; name && i < TA_COUNT(scan_names); i++)
        if (!strcmp(name, scan_names[i]))
            return (int)i;
    return TA_ERR_INVALID;
}

int ta_format_depth(const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    return d ? d->comp[0].depth : 0;
}

bool ta_format_is_rgb(const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    return d && (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL));
}

bool ta_format_has_alpha(const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    return d && (d->flags & AV_PIX_FMT_FLAG_ALPHA);
}

static bool is_yuvj(const AVPixFmtDescriptor *d)
{
    return !strncmp(d->name, "yuvj", 4);
}

// 625 lines: the height says it where it is one of the classic ones, else the rate does.
static bool is_625(const struct ta_format *f)
{
    if (f->height == 576 || f->height == 288)
        return true;
    if (f->height == 480 || f->height == 486 || f->height == 240)
        return false;
    double rate = f->frame_rate.den ? av_q2d(f->frame_rate) : 0;
    return (rate > 24.9 && rate < 25.1) || (rate > 49.9 && rate < 50.1);
}

void ta_format_resolve_colour(struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    bool rgb = ta_format_is_rgb(f);
    enum AVColorPrimaries primaries = AVCOL_PRI_BT709;
    enum AVColorTransferCharacteristic transfer = AVCOL_TRC_BT709;
    enum AVColorSpace matrix = AVCOL_SPC_BT709;
    // What is stated decides what was left out: a file with a BT.709 matrix has BT.709 primaries, whatever
    // its size.
    bool wide = f->matrix == AVCOL_SPC_BT2020_NCL || f->matrix == AVCOL_SPC_BT2020_CL ||
                f->primaries == AVCOL_PRI_BT2020;
    bool says_709 = f->matrix == AVCOL_SPC_BT709 || f->primaries == AVCOL_PRI_BT709;
    bool says_601 = f->matrix == AVCOL_SPC_SMPTE170M || f->matrix == AVCOL_SPC_BT470BG ||
                    f->primaries == AVCOL_PRI_SMPTE170M || f->primaries == AVCOL_PRI_BT470BG;
    if (wide) {
        primaries = AVCOL_PRI_BT2020;
        matrix = AVCOL_SPC_BT2020_NCL;
    } else if (says_601 || (!says_709 && f->height <= 576)) {
        bool lines_625 = f->matrix == AVCOL_SPC_BT470BG || f->primaries == AVCOL_PRI_BT470BG ||
                         (!says_601 && is_625(f));
        primaries = lines_625 ? AVCOL_PRI_BT470BG : AVCOL_PRI_SMPTE170M;
        matrix = lines_625 ? AVCOL_SPC_BT470BG : AVCOL_SPC_SMPTE170M;
        transfer = AVCOL_TRC_SMPTE170M;
    }
    if (f->primaries == AVCOL_PRI_UNSPECIFIED || f->primaries == AVCOL_PRI_RESERVED0)
        f->primaries = primaries;
    if (f->transfer == AVCOL_TRC_UNSPECIFIED || f->transfer == AVCOL_TRC_RESERVED0)
        f->transfer = transfer;
    // Value 0 is RGB, which a YUV picture can't be, and what a forgotten field holds.
    if (rgb)
        f->matrix = AVCOL_SPC_RGB;
    else if (f->matrix == AVCOL_SPC_UNSPECIFIED || f->matrix == AVCOL_SPC_RESERVED ||
             (f->matrix == AVCOL_SPC_RGB && d && d->nb_components >= 3 && !is_yuvj(d)))
        f->matrix = matrix;
    // libav's own conversions take gray without a tag as full range.
    bool gray = d && d->nb_components <= 2 && !rgb;
    if (d && is_yuvj(d))
        f->range = AVCOL_RANGE_JPEG;
    else if (f->range == AVCOL_RANGE_UNSPECIFIED)
        f->range = rgb || gray ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    bool subsampled = d && !rgb && d->nb_components >= 3 && d->log2_chroma_w;
    if (!subsampled)
        f->chroma_location = AVCHROMA_LOC_UNSPECIFIED;
    else if (f->chroma_location == AVCHROMA_LOC_UNSPECIFIED)
        f->chroma_location = AVCHROMA_LOC_LEFT;
}

AVRational ta_usual_frame_rate(AVRational rate, double tolerance)
{
    static const AVRational usual[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001},
                                       {30, 1},       {48, 1}, {50, 1}, {60000, 1001},
                                       {60, 1},       {12, 1}, {15, 1}, {15000, 1001}};
    AVRational best = rate;
    double nearest = tolerance;
    for (size_t i = 0; rate.num > 0 && rate.den > 0 && i < TA_COUNT(usual); i++) {
        double off = fabs(av_q2d(usual[i]) / av_q2d(rate) - 1);
        if (off <= nearest) {
            best = usual[i];
            nearest = off;
        }
    }
    return best;
}

void ta_format_tag_frame(const struct ta_format *f, AVFrame *frame)
{
    frame->sample_aspect_ratio = f->sar;
    frame->color_primaries = f->primaries;
    frame->color_trc = f->transfer;
    frame->colorspace = f->matrix;
    frame->color_range = f->range;
    frame->chroma_location = f->chroma_location;
}

// Names of tags. libav's own lookups match a prefix only, so what they find is compared as a whole.
static const char *or_unknown(const char *name)
{
    return name ? name : "unknown";
}

static const char *range_name(enum AVColorRange r)
{
    return r == AVCOL_RANGE_JPEG ? "full" : r == AVCOL_RANGE_MPEG ? "limited" : "unknown";
}

json_t *ta_format_to_json(const struct ta_format *f)
{
    json_t *o = json_object();
    json_object_set_new(o, "pix_fmt", json_string(or_unknown(av_get_pix_fmt_name(f->pix_fmt))));
    json_object_set_new(o, "width", json_integer(f->width));
    json_object_set_new(o, "height", json_integer(f->height));
    json_object_set_new(o, "sar", ta_json_rational(f->sar));
    json_object_set_new(o, "scan", json_string(ta_scan_type_name(f->scan)));
    json_object_set_new(o, "mixed_scan", json_boolean(f->mixed_scan));
    json_object_set_new(o, "frame_rate", ta_json_rational(f->frame_rate));
    json_object_set_new(o, "time_base", ta_json_rational(f->time_base));
    json_object_set_new(o, "primaries", json_string(or_unknown(av_color_primaries_name(f->primaries))));
    json_object_set_new(o, "transfer", json_string(or_unknown(av_color_transfer_name(f->transfer))));
    json_object_set_new(o, "matrix", json_string(or_unknown(av_color_space_name(f->matrix))));
    json_object_set_new(o, "range", json_string(range_name(f->range)));
    json_object_set_new(o, "chroma_location",
                        json_string(or_unknown(av_chroma_location_name(f->chroma_location))));
    json_object_set_new(o, "rotation", json_integer(f->rotation));
    return o;
}

enum tag { TAG_PRIMARIES, TAG_TRANSFER, TAG_MATRIX, TAG_RANGE, TAG_CHROMA };

static const char *tag_name(enum tag tag, int value)
{
    switch (tag) {
    case TAG_PRIMARIES:
        return av_color_primaries_name(value);
    case TAG_TRANSFER:
        return av_color_transfer_name(value);
    case TAG_MATRIX:
        return av_color_space_name(value);
    case TAG_RANGE:
        return range_name(value);
    case TAG_CHROMA:
        return av_chroma_location_name(value);
    }
    return NULL;
}

static int get_tag(const json_t *object, const char *where, const char *key, enum tag tag, struct ta_log *log)
{
    const char *text = NULL;
    int err = ta_json_get_string(object, where, key, &text, log);
    if (err < 0)
        return err;
    for (int value = 0; value < 64; value++) {
        const char *name = tag_name(tag, value);
        if (text && name && !strcmp(text, name) && strcmp(text, "reserved"))
            return value;
    }
    ta_error(log, "%s: %s \"%.80s\" is unknown", where, key, text ? text : "");
    return TA_ERR_FORMAT;
}

static int get_colour(struct ta_format *f, const json_t *object, const char *where, struct ta_log *log)
{
    int value = get_tag(object, where, "primaries", TAG_PRIMARIES, log);
    if (value < 0)
        return value;
    f->primaries = value;
    if ((value = get_tag(object, where, "transfer", TAG_TRANSFER, log)) < 0)
        return value;
    f->transfer = value;
    if ((value = get_tag(object, where, "matrix", TAG_MATRIX, log)) < 0)
        return value;
    f->matrix = value;
    if ((value = get_tag(object, where, "range", TAG_RANGE, log)) < 0)
        return value;
    f->range = value;
    if ((value = get_tag(object, where, "chroma_location", TAG_CHROMA, log)) < 0)
        return value;
    f->chroma_location = value;
    return 0;
}

int ta_format_from_json(struct ta_format *f, const json_t *object, const char *where, struct ta_log *log)
{
    struct ta_format out = {0};
    const char *pix_fmt = NULL, *scan = NULL;
    int64_t width = 0, height = 0, rotation = 0;
    int mixed = 0, err;
    if ((err = ta_json_get_string(object, where, "pix_fmt", &pix_fmt, log)) < 0 ||
        (err = ta_json_get_int(object, where, "width", 1, TA_FORMAT_SIDE_MAX, &width, log)) < 0 ||
        (err = ta_json_get_int(object, where, "height", 1, TA_FORMAT_SIDE_MAX, &height, log)) < 0 ||
        (err = ta_json_get_rational(object, where, "sar", &out.sar, log)) < 0 ||
        (err = ta_json_get_string(object, where, "scan", &scan, log)) < 0 ||
        (err = ta_json_get_bool(object, where, "mixed_scan", &mixed, log)) < 0 ||
        (err = ta_json_get_rational(object, where, "frame_rate", &out.frame_rate, log)) < 0 ||
        (err = ta_json_get_rational(object, where, "time_base", &out.time_base, log)) < 0 ||
        (err = get_colour(&out, object, where, log)) < 0 ||
        (err = ta_json_get_int(object, where, "rotation", 0, 270, &rotation, log)) < 0)
        return err;

    // Every key is required here, so a missing one is caught below by its impossible default.
    const char *bad = NULL;
    int type = ta_scan_type_from_name(scan);
    out.pix_fmt = pix_fmt ? av_get_pix_fmt(pix_fmt) : AV_PIX_FMT_NONE;
    if (out.pix_fmt == AV_PIX_FMT_NONE)
        bad = "pix_fmt";
    else if (!width || !height)
        bad = width ? "height" : "width";
    else if (type < 0)
        bad = "scan";
    else if (out.sar.num < 0 || out.sar.den < 1)
        bad = "sar";
    else if (out.frame_rate.num < 0 || out.frame_rate.den < 1)
        bad = "frame_rate";
    else if (out.time_base.num < 1 || out.time_base.den < 1)
        bad = "time_base";
    else if (rotation % 90)
        bad = "rotation";
    if (bad) {
        ta_error(log, "%s: %s is missing or can't be used", where, bad);
        return TA_ERR_FORMAT;
    }
    out.width = (int)width;
    out.height = (int)height;
    out.scan = type;
    out.mixed_scan = mixed;
    out.rotation = (int)rotation;
    *f = out;
    return 0;
}

void ta_format_describe(const struct ta_format *f, struct ta_buf *out)
{
    ta_buf_printf(out, "%dx%d %s %s", f->width, f->height, or_unknown(av_get_pix_fmt_name(f->pix_fmt)),
                  ta_scan_type_name(f->scan));
    if (f->frame_rate.num)
        ta_buf_printf(out, " %d/%d", f->frame_rate.num, f->frame_rate.den);
    if (f->sar.num)
        ta_buf_printf(out, " sar %d/%d", f->sar.num, f->sar.den);
    const char *name = ta_format_is_rgb(f) ? "rgb" : av_color_space_name(f->matrix);
    ta_buf_printf(out, " %s %s", or_unknown(name), range_name(f->range));
    if (f->rotation)
        ta_buf_printf(out, " rotation %d", f->rotation);
}

// Each component in a plane of its own, whole bytes, little-endian, all of one depth.
static bool is_planar(const AVPixFmtDescriptor *d)
{
    const uint64_t refused = AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                             AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;
    if (d->flags & refused)
        return false;
    unsigned planes = 0;
    for (int i = 0; i < d->nb_components; i++) {
        const AVComponentDescriptor *c = &d->comp[i];
        if ((planes & 1u << c->plane) || c->shift || c->offset || c->depth != d->comp[0].depth ||
            c->step != (c->depth > 8 ? 2 : 1))
            return false;
        planes |= 1u << c->plane;
    }
    return true;
}

struct kind {
    bool rgb, alpha;
    int components, log2_w, log2_h;
};

// Lowest depth that is at least `depth`, or exactly `depth`.
static enum AVPixelFormat find_planar(const struct kind *k, int depth, bool exact)
{
    enum AVPixelFormat best = AV_PIX_FMT_NONE;
    int best_depth = 0;
    for (const AVPixFmtDescriptor *d = NULL; (d = av_pix_fmt_desc_next(d));) {
        int have = d->comp[0].depth;
        if (!is_planar(d) || is_yuvj(d) || have < depth || (exact && have != depth) ||
            d->nb_components != k->components || !(d->flags & AV_PIX_FMT_FLAG_RGB) != !k->rgb ||
            !(d->flags & AV_PIX_FMT_FLAG_ALPHA) != !k->alpha || d->log2_chroma_w != k->log2_w ||
            d->log2_chroma_h != k->log2_h)
            continue;
        if (best == AV_PIX_FMT_NONE || have < best_depth) {
            best = av_pix_fmt_desc_get_id(d);
            best_depth = have;
        }
    }
    return best;
}

static bool get_kind(enum AVPixelFormat p, struct kind *k, int *depth)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    const uint64_t refused = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;
    if (!d || (d->flags & refused) || !strncmp(d->name, "xyz", 3) || !d->nb_components)
        return false;
    *k = (struct kind){
        .rgb = d->flags & AV_PIX_FMT_FLAG_RGB,
        .alpha = d->flags & AV_PIX_FMT_FLAG_ALPHA,
        .components = d->nb_components,
        .log2_w = d->log2_chroma_w,
        .log2_h = d->log2_chroma_h,
    };
    *depth = 8;
    for (int i = 0; i < d->nb_components; i++)
        *depth = TA_MAX(*depth, d->comp[i].depth);
    if (d->flags & AV_PIX_FMT_FLAG_PAL)
        *k = (struct kind){.rgb = true, .alpha = true, .components = 4};
    else if (d->nb_components == 2) // gray with alpha exists packed only
        *k = (struct kind){.alpha = true, .components = 4};
    return true;
}

enum AVPixelFormat ta_pix_fmt_planar(enum AVPixelFormat p)
{
    struct kind k;
    int depth;
    if (!get_kind(p, &k, &depth))
        return AV_PIX_FMT_NONE;
    return is_planar(av_pix_fmt_desc_get(p)) ? p : find_planar(&k, depth, false);
}

enum AVPixelFormat ta_pix_fmt_with_depth(enum AVPixelFormat p, int depth)
{
    struct kind k;
    int have;
    if (!get_kind(p, &k, &have) || depth < 8)
        return AV_PIX_FMT_NONE;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    return is_planar(d) && d->comp[0].depth == depth ? p : find_planar(&k, depth, true);
}

enum AVPixelFormat ta_pix_fmt_plain(enum AVPixelFormat p)
{
    switch (p) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    default:
        return p;
    }
}
