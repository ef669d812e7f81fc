// Pictures to another size, pixel format, depth or range, by zimg. Used by the scaling stages.
#ifndef TA_MEDIA_PICTURE_CONVERT_H
#define TA_MEDIA_PICTURE_CONVERT_H

#include <stdbool.h>

#include "media/format.h"

struct ta_buf;
struct ta_log;

enum ta_scale_kernel { TA_KERNEL_BILINEAR = 0, TA_KERNEL_BICUBIC, TA_KERNEL_SPLINE36, TA_KERNEL_LANCZOS };
enum ta_dither_kind { TA_DITHER_KIND_NONE = 0, TA_DITHER_KIND_ORDERED, TA_DITHER_KIND_ERROR_DIFFUSION };

// Planar YUV, RGB and gray of 8 to 16 bits, with or without alpha, native byte order.
bool ta_convert_takes(enum AVPixelFormat p);
// Are both sides of that kind, and not gray and RGB? TA_ERR_UNSUPPORTED with the reason in `why` (may be
// NULL). Builds nothing; zimg itself may still refuse, which ta_converter_create() finds.
int ta_convert_check(const struct ta_format *from, const struct ta_format *to, struct ta_buf *why);

// Formats that a conversion is made between. Only pixel format, size, scan, colour and range count. Gray to
// YUV gets neutral chroma, YUV to gray loses it, alpha is scaled along or left out. Interlaced pictures are
// worked on field by field where lines of both would mix. Both sides must name a matrix where YUV meets RGB.
// Primaries and transfer are left alone but where the primaries differ and between SDR and HDR. There SDR
// white is 203 cd/m2, and what is brighter than the other side's brightest is clipped: good enough to look
// at. Thread-safety: Unsafe.
struct ta_converter;
// TA_ERR_UNSUPPORTED with the reason in `why` (may be NULL) for what zimg can't do.
int ta_converter_create(struct ta_converter **out, const struct ta_format *from, const struct ta_format *to,
                        enum ta_scale_kernel kernel, enum ta_dither_kind dither, struct ta_buf *why);
// A new frame made from `in` (which stays the caller's), with its properties and the colour tags of `to`.
// Frames come from a pool.
int ta_converter_run(struct ta_converter *c, const AVFrame *in, AVFrame **out, struct ta_log *log);
void ta_converter_destroy(struct ta_converter **c);

#endif
