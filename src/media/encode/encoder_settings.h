// From what the user wants to the reproducible settings that a plan freezes.
#ifndef TA_MEDIA_ENCODE_ENCODER_SETTINGS_H
#define TA_MEDIA_ENCODE_ENCODER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "media/av.h"
#include "media/encode/encoder_scales.h"
#include "media/format.h"

struct ta_encoder_info;

struct ta_hardware_facts;

// What the user wants, before it is frozen.
struct ta_encoder_wish {
    double crf;          // 0..51 on x264's scale
    const char *speed;   // "ultrafast".."placebo" on x264's scale; NULL: by quality
    const char *quality; // "fast", "good" (also NULL), "best": working depth, and speed when `speed` is NULL
    const struct ta_hardware_facts
        *hardware; // the first of it that works, see encoder_hardware.h; NULL: none
    int hdr_peak;  // HDR10: the brightest that the pictures were made for, in cd/m2; else 0
};

// Everything that decides the encoder's output. Plain data, in the plan as JSON.
struct ta_encoder_settings {
    const struct ta_encoder_info *info; // its row
    char *name;                         // of the row
    char *codec;                        // the row's, or that of a kind of hardware
    enum AVPixelFormat pix_fmt;
    int threads;           // a constant of the plan by output size, never of the machine
    AVDictionary *options; // private and generic options as text, all of them, sorted by key
};

// Picks the pixel format for pictures `in` and the frozen options. Lossless encoders keep depth, subsampling
// and alpha as far as codec and container hold them; the others get 10 bit, or 8 where `in` has 8 and the
// quality is "fast", as far as they have it. in->pix_fmt may differ from the result: the plan adds a format
// stage. Interlaced pictures are coded as such where the codec can, else TA_ERR_UNSUPPORTED; sizes beyond the
// encoder's limits are refused too, here at plan time (also odd sizes for 4:2:0). The reason is logged.
// Opens nothing.
int ta_encoder_plan(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                    const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log);
void ta_encoder_settings_release(struct ta_encoder_settings *s);
json_t *ta_encoder_settings_to_json(const struct ta_encoder_settings *s);
int ta_encoder_settings_from_json(struct ta_encoder_settings *s, const json_t *object, const char *where,
                                  struct ta_log *log);

// Are these settings, read from a file, such that this program would have chosen them for pictures `f` (in
// any pixel format), at some crf and speed? TA_ERR_FORMAT when not: a plan is data, and no way to hand
// options to libraries.
int ta_encoder_settings_trust(const struct ta_encoder_settings *s, const struct ta_format *f, int hdr_peak,
                              const char *where, struct ta_log *log);

// By the row's own encoder, and not by hardware?
bool ta_encoder_is_software(const struct ta_encoder_settings *s);
// Can there be only one such encoder at a time in a process? See ta_encoder_open().
bool ta_encoder_is_alone(const struct ta_encoder_settings *s);
// Same input, same bytes, on every machine? Hardware does not promise that.
bool ta_encoder_is_reproducible(const struct ta_encoder_settings *s);
// Milliseconds of one core for a million pixels, roughly and the same on every machine.
double ta_encoder_cost(const struct ta_encoder_settings *s);
// Rough need of one running encoder for pictures of this size, for the memory budget. Measured.
int64_t ta_encoder_memory_bytes(const struct ta_encoder_settings *s, int width, int height);

#endif
