#include "dsp/bwdif.h"
#include "dsp/vectors_avx512.h"

#define TABLE ta_bwdif_dsp_avx512
#define TABLE_NAME "avx512"
#include "dsp/bwdif_simd.h"
