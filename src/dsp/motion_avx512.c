#define TA_MOTION_TABLE ta_motion_dsp_avx512
#define TA_MOTION_NAME "avx512"
#include "dsp/motion_kernels.h"
