#include "dsp/recursive.h"
#include "dsp/vectors_avx512.h"

#define TABLE ta_recursive_dsp_avx512
#define TABLE_NAME "avx512"
#include "dsp/recursive_simd.h"
