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

#endif
