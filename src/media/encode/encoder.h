// Video encoders: one table row each, and the reproducible settings that a plan freezes.
#ifndef TA_MEDIA_ENCODE_ENCODER_H
#define TA_MEDIA_ENCODE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "media/av.h"
#include "media/format.h"

struct ta_encoder_info {
    const char *name;       // "h264": what --encoder takes
    const char *codec;      // "libx264": libav's name
    const char *summary;    // one line for `encoders`
    const char *containers; // "mp4 mkv mov": those it may be put in, the first is its default
    bool lossless;          // takes no --crf
    bool lossy_intra;       // ProRes: takes no --crf either
    // Limits of the encoder itself, found by opening it; sides in pixels.
    int min_side, max_width, max_height;
    bool interlaced;                    // can code interlaced pictures as such
    const enum AVPixelFormat *pix_fmts; // those that are used, ends with AV_PIX_FMT_NONE
};

// Priority order; ends with name NULL.
extern const struct ta_encoder_info ta_encoders[];
const struct ta_encoder_info *ta_encoder_find(const char *name); // also by libav's name; NULL when unknown

// What the user wants, before it is frozen.
struct ta_encoder_wish {
    double crf;          // 0..51 on x264's scale
    const char *speed;   // "ultrafast".."placebo" on x264's scale; NULL: by quality
    const char *quality; // "fast", "good" (also NULL), "best": working depth, and speed when `speed` is NULL
    bool hardware;       // the first graphics hardware that works, see encoder_hardware.h
    int hdr_peak;        // HDR10: the brightest that the pictures were made for, in cd/m2; else 0
};

// The user's scales on each encoder's own; the tables and how they were measured are in encoder_maps.c. The
// speed is NULL when the name is unknown; both are for the lossy encoders h264, hevc and av1.
double ta_encoder_crf(const struct ta_encoder_info *info, double crf);
const char *ta_encoder_speed(const struct ta_encoder_info *info, const char *speed);
extern const char *const ta_encoder_speeds[];              // x264's names, fastest first; ends with NULL
int ta_encoder_speed_number(const char *speed);            // place among them; -1 for NULL and unknown names
const char *ta_encoder_quality_speed(const char *quality); // "fast" -> "veryfast"; NULL when unknown

// Everything that decides the encoder's output. Plain data, in the plan as JSON.
struct ta_encoder_settings {
    char *name; // row of the table
    char *codec;
    enum AVPixelFormat pix_fmt;
    int threads;           // a constant of the plan by output size, never of the machine
    AVDictionary *options; // private and generic options as text, all of them, sorted by key
};

// Picks the pixel format for pictures `in` and the frozen options. h264 is 8 bit 4:2:0 (what plays
// everywhere); hevc and av1 are 4:2:0 with 10 bit, or with 8 where `in` has 8 and the quality is "fast"; the
// lossless ones keep depth, subsampling and alpha as far as codec and container hold them; ProRes is 4:2:2,
// or 4:4:4 for RGB, 4:4:4 and alpha. in->pix_fmt may differ from the result: the plan adds a format stage.
// Interlaced pictures are coded as such where the codec can, else TA_ERR_UNSUPPORTED; sizes beyond the
// encoder's limits are refused too, here at plan time (also odd sizes for 4:2:0). The reason is logged.
// Hardware is opened, and encodes some frames.
int ta_encoder_plan(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                    const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log);
void ta_encoder_settings_release(struct ta_encoder_settings *s);
json_t *ta_encoder_settings_to_json(const struct ta_encoder_settings *s);
int ta_encoder_settings_from_json(struct ta_encoder_settings *s, const json_t *object, const char *where,
                                  struct ta_log *log);

// Rough need of one running encoder for pictures of this size, for the memory budget. Measured, see
// encoder_maps.c.
int64_t ta_encoder_memory_bytes(const struct ta_encoder_settings *s, int width, int height);

// libsvtav1 writes messages to standard error by itself; only the environment can stop it. Unless the user
// has set SVT_LOG, sets it. Call from the program before any thread starts.
void ta_encoder_silence(void);

// A running encoder. Its times are ordinals: it numbers the frames 0, 1, 2, ... in the order they come (time
// base 1/frame rate). Thread-safety: Unsafe.
struct ta_encoder;
// `f` is the format of the frames (pix_fmt, size, sar, scan, frame rate, colour). TA_ERR_UNSUPPORTED when the
// encoder can't be opened; the reason is logged. An unknown frame rate counts as 25: it only steers the rate
// control.
int ta_encoder_open(struct ta_encoder **out, const struct ta_encoder_settings *s, const struct ta_format *f,
                    struct ta_log *log);
const AVCodecContext *ta_encoder_context(const struct ta_encoder *e); // extradata, codecpar source
// Takes `frame`, also on failure; NULL: end of stream. Sets its pts, and its field marks and picture type to
// what `f` says. Receive until nothing comes before the next send.
int ta_encoder_send(struct ta_encoder *e, AVFrame *frame);
int ta_encoder_receive(struct ta_encoder *e,
                       AVPacket *packet); // 1: a packet; 0: none now (or none any more after the end)
void ta_encoder_close(struct ta_encoder **e);

// Encodes a few frames with these settings. 0, or an error with the reason in `why` (may be NULL).
int ta_encoder_try(const struct ta_encoder_settings *s, const struct ta_format *f, struct ta_buf *why);
// The same at 640x480, for `encoders` and `doctor`; `hardware` is one of ta_hardware_kinds, NULL for
// software.
struct ta_hardware_kind;
int ta_encoder_test(const struct ta_encoder_info *info, const struct ta_hardware_kind *hardware,
                    struct ta_buf *why);
// Can there be only one such encoder at a time in a process? Then ta_encoder_open() waits until the one that
// is open is closed: never hold one and open another.
bool ta_encoder_is_alone(const struct ta_encoder_settings *s);
// Same input, same bytes, on every machine? Hardware does not promise that.
bool ta_encoder_is_reproducible(const struct ta_encoder_settings *s);

#endif
