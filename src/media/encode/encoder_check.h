// Does an encoder really work here?
#ifndef TA_MEDIA_ENCODE_ENCODER_CHECK_H
#define TA_MEDIA_ENCODE_ENCODER_CHECK_H

#include "media/encode/encoder_settings.h"

struct ta_hardware_kind;

// Encodes a few frames with these settings. 0, or an error with the reason in `why` (may be NULL).
int ta_encoder_try(const struct ta_encoder_settings *s, const struct ta_format *f, struct ta_buf *why);
// The same at 640x480, for `encoders` and `doctor`; `hardware` is one of ta_hardware_kinds, NULL for
// software.
int ta_encoder_test(const struct ta_encoder_info *info, const struct ta_hardware_kind *hardware,
                    struct ta_buf *why);

#endif
