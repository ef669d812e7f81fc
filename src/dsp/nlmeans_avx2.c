#define TA_NLMEANS_TABLE ta_nlmeans_dsp_avx2
#define TA_NLMEANS_NAME "avx2"
#include "dsp/nlmeans_kernels.h"
