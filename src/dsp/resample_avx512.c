#define TABLE ta_resample_dsp_avx512
#define TABLE_NAME "avx512"
#include "dsp/resample_avx512.h"
