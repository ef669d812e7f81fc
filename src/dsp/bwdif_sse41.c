#include "dsp/bwdif.h"
#include "dsp/vectors_sse41.h"

#define TABLE ta_bwdif_dsp_sse41
#define TABLE_NAME "sse4.1"
#include "dsp/bwdif_simd.h"
