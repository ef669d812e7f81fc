#include "video/rtx.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "infer/runtimes.h"
#include "media/picture/convert.h"

enum { USUAL_STREAMS = 4 };

int ta_rtx_engine(const struct ta_env *env, const char *version, struct ta_engine **e, struct ta_log *log)
{
    if (!env->runtimes) {
        ta_error(log, "there is no engine here");
        return TA_ERR_UNSUPPORTED;
    }
    int err = ta_runtimes_get(env->runtimes, ta_engine_nvvfx.name, 1, log, e);
    if (err < 0 || !version || !*version || !strcmp(version, (*e)->version))
        return err;
    ta_error(log,
             "planned with nvvfx %s, and here is %s: plan again, or name the other with --engine-library",
             version, (*e)->version);
    return TA_ERR_MISMATCH;
}

int ta_rtx_check(const struct ta_env *env, const char *version, struct ta_buf *why)
{
    struct ta_engine *e;
    struct ta_log *log = NULL;
    int err = ta_log_keep_first(&log, why);
    if (err >= 0)
        err = ta_rtx_engine(env, version, &e, log);
    ta_log_destroy(&log);
    if (err < 0 && err != TA_ERR_MISMATCH)
        ta_buf_printf(why, "; %s", ta_engine_nvvfx.advice);
    return err;
}

int ta_rtx_streams(const struct ta_env *env)
{
    if (env->tuning && !env->tuning->engine_batching)
        return 1;
    return env->batch > 0 ? TA_MIN(env->batch, TA_VFX_STREAMS_MAX) : USUAL_STREAMS;
}

struct ta_format ta_rtx_rgb(const struct ta_format *f)
{
    struct ta_format rgb = *f;
    rgb.pix_fmt = AV_PIX_FMT_GBRP;
    rgb.matrix = AVCOL_SPC_RGB;
    rgb.range = AVCOL_RANGE_JPEG;
    rgb.chroma_location = AVCHROMA_LOC_UNSPECIFIED;
    return rgb;
}

// Planes of green, blue and red to bytes of red, green, blue and alpha.
static void pack(const AVFrame *f, uint8_t *out)
{
    for (int y = 0; y < f->height; y++) {
        const uint8_t *g = f->data[0] + (ptrdiff_t)y * f->linesize[0];
        const uint8_t *b = f->data[1] + (ptrdiff_t)y * f->linesize[1];
        const uint8_t *r = f->data[2] + (ptrdiff_t)y * f->linesize[2];
        for (int x = 0; x < f->width; x++, out += 4) {
            out[0] = r[x];
            out[1] = g[x];
            out[2] = b[x];
            out[3] = 255;
        }
    }
}

int ta_rtx_start(struct ta_stage *s, struct ta_rtx_run *run, struct ta_engine *e,
                 const struct ta_vfx_config *c, enum AVPixelFormat made)
{
    int err = ta_vfx_create(&run->vfx, e, c, s->log);
    if (err < 0)
        return err;
    run->pitch_in = c->width * 4;
    run->pitch_out = c->out_width * 4;
    for (int i = 0; i < c->streams; i++) {
        run->in[i] = malloc((size_t)run->pitch_in * (size_t)c->height);
        run->out[i] = malloc((size_t)run->pitch_out * (size_t)c->out_height);
        if (!run->in[i] || !run->out[i])
            return ta_stage_no_memory(s);
    }
    run->made = av_frame_alloc();
    if (!run->made)
        return ta_stage_no_memory(s);
    run->made->format = made;
    run->made->width = c->out_width;
    run->made->height = c->out_height;
    return av_frame_get_buffer(run->made, 0) < 0 ? ta_stage_no_memory(s) : 0;
}

int ta_rtx_process(struct ta_stage *s, struct ta_rtx_run *run, AVFrame **in, int count,
                   int (*emit)(struct ta_stage *s, const AVFrame *in, const uint8_t *pixels))
{
    int err = 0;
    for (int i = 0; i < count && err >= 0; i++) {
        AVFrame *rgb = NULL;
        err = ta_converter_run(run->to_rgb, in[i], &rgb, s->log);
        if (err >= 0)
            pack(rgb, run->in[i]);
        av_frame_free(&rgb);
    }
    if (count > 0 && err >= 0)
        err = ta_vfx_run(run->vfx, (const uint8_t *const *)run->in, run->pitch_in, run->out, run->pitch_out,
                         count, s->log);
    for (int i = 0; i < count; i++) {
        if (err >= 0)
            err = emit(s, in[i], run->out[i]);
        av_frame_free(&in[i]);
    }
    return err;
}

void ta_rtx_end(struct ta_rtx_run *run)
{
    ta_vfx_destroy(&run->vfx);
    ta_converter_destroy(&run->to_rgb);
    ta_converter_destroy(&run->from_rgb);
    av_frame_free(&run->made);
    for (int i = 0; i < TA_VFX_STREAMS_MAX; i++) {
        free(run->in[i]);
        free(run->out[i]);
    }
}
