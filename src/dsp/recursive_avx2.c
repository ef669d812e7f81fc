#include "dsp/recursive.h"
#include "dsp/vectors_avx2.h"

#define TABLE ta_recursive_dsp_avx2
#define TABLE_NAME "avx2"
#include "dsp/recursive_simd.h"
