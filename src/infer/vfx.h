// NVIDIA VFX: Video Super Resolution and TrueHDR, by the functions that its library exports; no header of the
// vendor. Pictures are handed over in the caller's memory and go to the device by the vendor's own functions.
// Not yet seen on a device.
#ifndef TA_INFER_VFX_H
#define TA_INFER_VFX_H

#include <stddef.h>
#include <stdint.h>

#include "infer/engine.h"

enum ta_vfx_kind {
    TA_VFX_SUPER_RES, // 8 bit RGBA to 8 bit RGBA, one to four times as large
    TA_VFX_TRUE_HDR,  // 8 bit RGBA to 10 bit RGBA in 32 bits (red in the lowest), BT.2020 and PQ, same size
};

// What Video Super Resolution does, with the vendor's numbers.
enum ta_vfx_quality {
    TA_VFX_BICUBIC = 0,
    TA_VFX_LOW = 1, // to ULTRA: enlarges, takes artefacts of compression away
    TA_VFX_MEDIUM = 2,
    TA_VFX_HIGH = 3,
    TA_VFX_ULTRA = 4,
    TA_VFX_DENOISE_LOW = 8, // to DEBLUR_ULTRA: the size stays
    TA_VFX_DENOISE_ULTRA = 11,
    TA_VFX_DEBLUR_LOW = 12,
    TA_VFX_DEBLUR_ULTRA = 15,
    TA_VFX_CLEAN_LOW = 16, // for sources that lost little in compression
    TA_VFX_CLEAN_ULTRA = 19,
};

enum { TA_VFX_STREAMS_MAX = 32, TA_VFX_FACTOR_MAX = 4 };

struct ta_vfx_config {
    enum ta_vfx_kind kind;
    int quality; // of SUPER_RES
    int width, height, out_width, out_height;
    int streams; // pictures at work at a time, 1 to 32: as many effects, each with its memory
    unsigned contrast, saturation, middle_grey,
        luminance; // of TRUE_HDR: 0-200, 0-200, 10-100, 400-2000 cd/m2
};

// Effects at work. Thread-safety: Unsafe.
struct ta_vfx;

// Could it start with this, as far as that is known without a device? TA_ERR_UNSUPPORTED with a phrase in
// `why`.
int ta_vfx_check(const struct ta_vfx_config *config, struct ta_buf *why);
// `e` is an open ta_engine_nvvfx, and lives longer. All memory is allocated here. TA_ERR_* after a message
// that says what to do.
int ta_vfx_create(struct ta_vfx **out, struct ta_engine *e, const struct ta_vfx_config *config,
                  struct ta_log *log);
void ta_vfx_destroy(struct ta_vfx **v); // NULL-safe

// Pictures in[i] become out[i], for 1 to `streams` of them: 4 bytes a pixel, `in_pitch` and `out_pitch` bytes
// from row to row. Blocks. The first pictures are looked at: some drivers give black ones without any error,
// which is TA_ERR_INTERNAL here.
int ta_vfx_run(struct ta_vfx *v, const uint8_t *const *in, ptrdiff_t in_pitch, uint8_t *const *out,
               ptrdiff_t out_pitch, int count, struct ta_log *log);

#endif
