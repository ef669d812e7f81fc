#include "dsp/bwdif.h"
#include "dsp/vectors_avx2.h"

#define TABLE ta_bwdif_dsp_avx2
#define TABLE_NAME "avx2"
#include "dsp/bwdif_simd.h"
