// Encoders in graphics hardware: not reproducible, and taken only when the user asks for them.
#ifndef TA_MEDIA_ENCODE_ENCODER_HARDWARE_H
#define TA_MEDIA_ENCODE_ENCODER_HARDWARE_H

#include <libavutil/hwcontext.h>

#include "media/encode/encoder_row.h"

// One kind of hardware; libav names its encoders CODEC_KIND ("h264_nvenc").
struct ta_hardware_kind {
    const char *name;
    const char *summary;
    // Frames go to the device before the encoder gets them; NONE: the encoder does that itself.
    enum AVHWDeviceType upload;
    enum AVPixelFormat uploaded; // their format then
    // x264's speeds in its own words, from fastest to best: the ladders are the vendors'. NULL for none.
    const char *speed_option;
    const char *speeds[TA_ENCODER_SPEEDS];
    void (*set_quality)(struct ta_encoder_settings *s, int quality);
};
extern const struct ta_hardware_kind
    ta_hardware_kinds[]; // in the order in which they are tried; ends with name NULL

// The kind of an encoder by its name in libav, NULL for software.
const struct ta_hardware_kind *ta_hardware_of(const char *codec);
// Libav's name of that encoder in that hardware; to be freed.
char *ta_hardware_codec(const struct ta_encoder_info *info, const struct ta_hardware_kind *kind);

// Settings for one kind, as ta_encoder_plan() makes them for software; opens nothing. TA_ERR_UNSUPPORTED with
// the reason in `why` when there is no such encoder. The user's crf is the constant quality of the kind (cq,
// global_quality, qp) as it is: no equivalence has been measured.
int ta_hardware_plan(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                     const struct ta_hardware_kind *kind, const struct ta_encoder_wish *wish,
                     const struct ta_format *in, struct ta_buf *why);
// What the hardware of this machine encodes, found by trying it; plain data.
struct ta_hardware_fact {
    char *codec; // libav's name: "h264_nvenc"
    char *why;   // why it does not; NULL: it does
};
struct ta_hardware_facts {
    struct ta_hardware_fact *list;
    int count;
};
// Opens each and encodes a few small pictures.
void ta_hardware_look(struct ta_hardware_facts *out);
// Notes that one does not encode what was planned after all.
void ta_hardware_refute(struct ta_hardware_facts *facts, const char *codec, const char *why);
void ta_hardware_facts_release(struct ta_hardware_facts *facts);

// The first kind that works by wish->hardware; TA_ERR_UNSUPPORTED with one line that says why each does not.
// Opens nothing.
int ta_hardware_choose(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                       const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log);

#endif
