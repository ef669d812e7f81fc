// What the stages of NVIDIA's effects share (infer/vfx.h): the library as planned, and pictures as it takes
// them. Not yet seen on a device.
#ifndef TA_VIDEO_RTX_H
#define TA_VIDEO_RTX_H

#include "infer/vfx.h"
#include "video/stage.h"

// The library, opened by now or before. `version`: that which the plan was made with, NULL or "" for any;
// another one is TA_ERR_MISMATCH after a message.
int ta_rtx_engine(const struct ta_env *env, const char *version, struct ta_engine **e, struct ta_log *log);
// For check() of stages: the library must be here; what the card says of it is found out when it starts.
int ta_rtx_check(const struct ta_env *env, const char *version, struct ta_buf *why);
// How many pictures are at work at a time.
int ta_rtx_streams(const struct ta_env *env);
// GBRP of full range, of that size.
struct ta_format ta_rtx_rgb(const struct ta_format *f);
// Planes of green, blue and red to bytes of red, green, blue and alpha.
void ta_rtx_pack(const AVFrame *f, uint8_t *out);

#endif
