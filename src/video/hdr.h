// What the stages of HDR share.
#ifndef TA_VIDEO_HDR_H
#define TA_VIDEO_HDR_H

#include "dsp/hdr.h"
#include "video/stage.h"

// Of all of them, so that --hdr-method changes nothing but the stage.
extern const struct ta_opt ta_hdr_options[];

// From yuv444p16 of SDR to that of HDR with this transfer. TA_ERR_UNSUPPORTED with the reason in `why`.
int ta_hdr_configure(const struct ta_format *in, struct ta_format *out, struct ta_buf *why,
                     enum AVColorTransferCharacteristic transfer);
// Takes away what a frame says of its light, and notes this of HDR10. TA_ERR_NOMEM without a message.
int ta_hdr_tag_light(const struct ta_stage *s, AVFrame *f, const struct ta_hdr_light *light);

#endif
