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

// An effect at work in a stage. What the stage makes itself: the converters; the rest is ta_rtx_start()'s.
struct ta_rtx_run {
    struct ta_vfx *vfx;
    struct ta_converter *to_rgb, *from_rgb;
    AVFrame *made; // planes of what came back
    uint8_t *in[TA_VFX_STREAMS_MAX], *out[TA_VFX_STREAMS_MAX];
    int pitch_in, pitch_out; // bytes of a line
};

// Creates the effect and the memory of its streams. `made`: the format of run->made. Logs its errors; what
// is there is released by ta_rtx_end() in any case.
int ta_rtx_start(struct ta_stage *s, struct ta_rtx_run *run, struct ta_engine *e,
                 const struct ta_vfx_config *c, enum AVPixelFormat made);
// For process_many() of stages: takes `count` pictures and has `emit` make the stage's own of each answer.
int ta_rtx_process(struct ta_stage *s, struct ta_rtx_run *run, AVFrame **in, int count,
                   int (*emit)(struct ta_stage *s, const AVFrame *in, const uint8_t *pixels));
void ta_rtx_end(struct ta_rtx_run *run);

#endif
