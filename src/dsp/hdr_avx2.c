#define TA_HDR_TABLE ta_hdr_dsp_avx2
#define TA_HDR_NAME "avx2"
#include "dsp/hdr_kernels.h"
