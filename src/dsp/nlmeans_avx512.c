#define TA_NLMEANS_TABLE ta_nlmeans_dsp_avx512
#define TA_NLMEANS_NAME "avx512"
#include "dsp/nlmeans_kernels.h"
