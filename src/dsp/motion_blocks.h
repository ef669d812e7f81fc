// Those of motion.h's kernels that compilers make little of: sums of differences, blocks between samples and
// over each other, sums over neighbours. In plain C, and for AVX2, which AVX-512 takes over. Included by
// motion_kernels.h.
#ifndef TA_DSP_MOTION_BLOCKS_H
#define TA_DSP_MOTION_BLOCKS_H

#include "dsp/motion_places.h"

#ifdef __AVX2__
#include "dsp/motion_blocks_avx2.h"
#else
#include "dsp/motion_blocks_c.h"
#endif

static void overlap(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                    const struct ta_motion_block *below, int cells, int rows)
{
    for (int c = 0; c < cells; c++, dst += STEP)
        if (same_place(above + c, below + c))
            for (int y = 0; y < rows; y++)
                memcpy(dst + y * dst_step, above[c + 1].at + y * above[c + 1].step, STEP * sizeof *dst);
        else
            blend(dst, dst_step, above + c, below + c, rows);
}

#endif
