#define TA_HDR_TABLE ta_hdr_dsp_avx512
#define TA_HDR_NAME "avx512"
#include "dsp/hdr_kernels.h"
