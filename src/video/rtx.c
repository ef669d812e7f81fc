#include "video/rtx.h"

#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "infer/runtimes.h"

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

void ta_rtx_pack(const AVFrame *f, uint8_t *out)
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
