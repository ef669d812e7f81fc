// One plane to another size (not smaller) and depth by our own kernels: zimg's bits in less time.
#ifndef TA_MEDIA_PICTURE_RESAMPLE_H
#define TA_MEDIA_PICTURE_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "media/picture/convert.h"

// One side of a plane. `offset`: how far its samples' places lie from the middle of what they stand for, in
// samples: chroma of 4:2:0 that lies on the luma sample at its left is at (0.5 - 2 / 2) / 2 = -0.25.
struct ta_resample_side {
    int width, height, depth; // depth: 8 to 16 bits
    double offset_x, offset_y;
};

// Thread-safety: Unsafe.
struct ta_resampler;
// NULL where zimg is to be used: to smaller sizes, from very small ones, to fewer bits other than 8 of up to
// 10, and on machines without kernels for it.
struct ta_resampler *ta_resampler_create(const struct ta_resample_side *from,
                                         const struct ta_resample_side *to, enum ta_scale_kernel kernel);
// Strides in bytes. Planes need no alignment.
void ta_resampler_run(struct ta_resampler *r, const uint8_t *src, ptrdiff_t src_stride, uint8_t *dst,
                      ptrdiff_t dst_stride);
void ta_resampler_destroy(struct ta_resampler **r);

#endif
