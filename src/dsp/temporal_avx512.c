#define TA_TEMPORAL_TABLE ta_temporal_dsp_avx512
#define TA_TEMPORAL_NAME "avx512"
#include "dsp/temporal_kernels.h"
