#define TA_TEMPORAL_TABLE ta_temporal_dsp_avx2
#define TA_TEMPORAL_NAME "avx2"
#include "dsp/temporal_kernels.h"
