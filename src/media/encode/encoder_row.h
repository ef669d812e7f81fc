// The rows of the table of video encoders: everything that is about one encoder alone. Each is in a file of
// its own and listed in encoder_table.c. How to add one: docs/encoders.md.
#ifndef TA_MEDIA_ENCODE_ENCODER_ROW_H
#define TA_MEDIA_ENCODE_ENCODER_ROW_H

#include "media/encode/encoder_settings.h"

// x264's crf, and the encoder's own number that gives the same quality.
struct ta_crf_point {
    double x264, own;
};

struct ta_encoder_info {
    const char *name;       // "h264": what --encoder takes, and what plans say
    const char *codec;      // "libx264": libav's name
    const char *summary;    // one line for `encoders`
    const char *containers; // "mp4 mkv mov": those it may be put in, the first is its default
    bool lossless;          // takes no --crf
    bool lossy_intra;       // ProRes: takes no --crf either
    bool hdr;               // may be chosen for HDR when the user names none
    bool hardware;          // graphics hardware makes it too, see encoder_hardware.h

    // ---- what it takes ----
    // Limits of the encoder itself, found by opening it; sides in pixels.
    int min_side, max_width, max_height;
    bool interlaced;   // can code interlaced pictures as such
    bool field_chroma; // each field has chroma lines of its own then: 4:2:0 needs heights in steps of four
    const enum AVPixelFormat *pix_fmts; // those that are used, ends with AV_PIX_FMT_NONE
    // Other limits: TA_ERR_UNSUPPORTED after a message. NULL for none.
    int (*check)(const struct ta_format *in, enum AVPixelFormat pix_fmt, struct ta_log *log);

    // ---- the user's scales on its own; lossy encoders that are not intra alone ----
    const struct ta_crf_point *crf; // rising, to 51 of x264; NULL: x264's own numbers
    int crf_count;
    double crf_steps;          // that it takes from one number to the next: 1 whole ones, 10 one decimal
    const char *const *speeds; // TA_ENCODER_SPEEDS of them, fastest first; NULL: x264's names

    // ---- what it is told: threads and private options, besides preset and crf; NULL for nothing ----
    int (*plan)(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log);

    // ---- what it costs ----
    // Memory of a running one: `frame` is the size of a picture in bytes. NULL: 8 MiB and 8 pictures.
    int64_t (*memory)(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame);
    // Milliseconds of one core for a million pixels at each speed; of those without speeds the first alone.
    // For the length of segments, see encoder_scales.c.
    double cost[TA_ENCODER_SPEEDS];
    // Bits a pixel that restored tapes take at --crf 18 (lossy_intra: always). 0: see `share`.
    double bits;
    double share; // of the uncompressed size; 1: exactly that

    // ---- how it is run ----
    // There can be only one of its kind at a time in a process, see ta_encoder_open().
    bool alone;
    bool must_end; // may not be closed before it has had a frame and the end of the stream
    // Its code looks at libav's CPU flags for more than speed: results are equal on all machines only
    // without.
    bool portable;
    const char *quiet_env; // environment variable whose "1" keeps it from writing to standard error; or NULL
};

// In the order of preference, NULL-terminated.
extern const struct ta_encoder_info *const ta_encoders[];
extern const struct ta_encoder_info ta_encoder_x264, ta_encoder_x265, ta_encoder_svtav1, ta_encoder_ffv1,
    ta_encoder_prores, ta_encoder_rawvideo;

const struct ta_encoder_info *ta_encoder_find(const char *name); // also by libav's name; NULL when unknown
// The first that may be put in the container (NULL: any), and is good for HDR when that is asked; the first
// of all when none is.
const struct ta_encoder_info *ta_encoder_default(const char *container, bool hdr);
bool ta_encoder_may_be_in(const struct ta_encoder_info *info, const char *container);

// Bits a pixel to expect, for pictures that take `raw` bits uncompressed.
double ta_encoder_bits(const struct ta_encoder_info *info, double crf, double raw);

// ---- for rows ----

void ta_encoder_set(struct ta_encoder_settings *s, const char *key, const char *value);
void ta_encoder_set_number(struct ta_encoder_settings *s, const char *key, double value);
void ta_encoder_set_text(struct ta_encoder_settings *s, const char *key, char *value); // takes `value`
void ta_encoder_sort_options(struct ta_encoder_settings *s);
// One of three numbers: for SD, HD, and what is larger.
int ta_encoder_by_size(const struct ta_format *in, int sd, int hd, int larger);
// Memory of an encoder that holds `frames[speed]` pictures beside what it holds whatever the size.
int64_t ta_encoder_memory_by_speed(const struct ta_encoder_settings *s, int base_mib,
                                   const int frames[TA_ENCODER_SPEEDS], int64_t frame);

#endif
