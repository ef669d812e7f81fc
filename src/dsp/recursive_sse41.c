#include "dsp/recursive.h"
#include "dsp/vectors_sse41.h"

#define TABLE ta_recursive_dsp_sse41
#define TABLE_NAME "sse4.1"
#include "dsp/recursive_simd.h"
