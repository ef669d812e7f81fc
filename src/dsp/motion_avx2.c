#define TA_MOTION_TABLE ta_motion_dsp_avx2
#define TA_MOTION_NAME "avx2"
#include "dsp/motion_kernels.h"
