// What the tests of encoders share. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_ENCODER_KIT_H
#define TA_TESTS_UNIT_ENCODER_KIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libavutil/pixdesc.h>
#include <terminalai/error.h>
#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder.h"
#include "media/encode/encoder_check.h"
#include "media/encode/encoder_hardware.h"

// The messages of one case.
static struct ta_buf said;
static struct ta_log *log_;

static inline void hear(void *priv, enum ta_log_level level, const char *component, const char *message,
                        const char *code)
{
    (void)code;
    (void)level;
    (void)component;
    ta_buf_printf(priv, "%s\n", message);
}

static inline int setup(void **state)
{
    (void)state;
    ta_encoder_silence();
    av_log_set_level(AV_LOG_QUIET);
    return ta_log_create(&log_, hear, &said);
}

static inline int teardown(void **state)
{
    (void)state;
    ta_log_destroy(&log_);
    ta_buf_release(&said);
    return 0;
}

static inline struct ta_format format(enum AVPixelFormat p, int width, int height)
{
    struct ta_format f = {
        .pix_fmt = p,
        .width = width,
        .height = height,
        .sar = {1, 1},
        .frame_rate = {25, 1},
        .time_base = {1, 25},
        .primaries = AVCOL_PRI_UNSPECIFIED,
        .transfer = AVCOL_TRC_UNSPECIFIED,
        .matrix = AVCOL_SPC_UNSPECIFIED,
    };
    ta_format_resolve_colour(&f);
    return f;
}

#endif
