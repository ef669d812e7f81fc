// The format of pictures as stages negotiate it, and its JSON form in plans.
#ifndef TA_MEDIA_FORMAT_H
#define TA_MEDIA_FORMAT_H

#include <stdbool.h>

#include <jansson.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <libavutil/rational.h>

struct ta_buf;
struct ta_log;

enum ta_scan_type { // how the lines of a frame were taken in time
    TA_SCAN_PROGRESSIVE = 0,
    TA_SCAN_TFF, // interlaced, top field first
    TA_SCAN_BFF, // interlaced, bottom field first
};
const char *ta_scan_type_name(enum ta_scan_type t);         // "progressive", "tff", "bff"
enum AVFieldOrder ta_scan_field_order(enum ta_scan_type t); // as libav's streams and encoders say it
int ta_scan_type_from_name(const char *name);               // or TA_ERR_INVALID

struct ta_format {
    enum AVPixelFormat pix_fmt;
    int width, height;
    AVRational sar;         // sample aspect ratio, 0/1 when unknown (then 1/1 is meant)
    enum ta_scan_type scan; // what most of the frames are; the plan's runs say it for each frame
    bool mixed_scan;        // some frames differ from `scan`
    AVRational frame_rate;  // nominal; 0/1 when variable and unknown
    AVRational time_base;   // of presentation times
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorSpace matrix;
    enum AVColorRange range;
    enum AVChromaLocation chroma_location;
    int rotation; // degrees clockwise to show it upright: 0, 90, 180, 270 (a tag: pixels are not turned)
};

int ta_format_depth(const struct ta_format *f); // bits per component
bool ta_format_is_rgb(const struct ta_format *f);
bool ta_format_has_alpha(const struct ta_format *f);
// Fills what is unspecified from what is stated, else from the size: SD (height <= 576) is BT.601 with 525 or
// 625 lines by height (and rate), larger is BT.709. Range is limited (full for yuvj formats, RGB and gray, as
// libav takes them); chroma is left-sited where it is subsampled (decoders tag what differs, such as PAL DV
// and MPEG-1).
void ta_format_resolve_colour(struct ta_format *f);
// The usual rate (24000/1001, 25, 30000/1001, ...) that `rate` is within `tolerance` (a part of it) of, else
// `rate`: containers that count milliseconds give 19001/634.
AVRational ta_usual_frame_rate(AVRational rate, double tolerance);
// The colour and geometry facts of `f` written on a frame (not pix_fmt and size).
void ta_format_tag_frame(const struct ta_format *f, AVFrame *frame);

// Reading refuses what no picture has: unknown names, sides beyond this, rates and shapes below 0.
enum { TA_FORMAT_SIDE_MAX = 32768 };
json_t *ta_format_to_json(const struct ta_format *f);
int ta_format_from_json(struct ta_format *f, const json_t *object, const char *where, struct ta_log *log);
void ta_format_describe(const struct ta_format *f,
                        struct ta_buf *out); // "720x480 yuv411p bff 30000/1001 sar 8/9 smpte170m limited"

// Planar format that holds `p` without loss and that filters take: yuyv422 -> yuv422p, rgb24 -> gbrp, nv12 ->
// yuv420p, pal8 -> gbrap, gray16be -> gray16le, yuvj420p -> yuvj420p ... AV_PIX_FMT_NONE when `p` can't be
// handled (Bayer, hardware, float).
enum AVPixelFormat ta_pix_fmt_planar(enum AVPixelFormat p);
// The format without the range in its name: yuvj420p is yuv420p, whose frames say AVCOL_RANGE_JPEG. Others
// are returned as they are.
enum AVPixelFormat ta_pix_fmt_plain(enum AVPixelFormat p);
// The format of the same kind (RGB/YUV/gray, subsampling, alpha) with `depth` bits (8, 9, 10, 12, 14, 16),
// little-endian; NONE when there is none.
enum AVPixelFormat ta_pix_fmt_with_depth(enum AVPixelFormat p, int depth);

#endif
