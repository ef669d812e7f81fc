#define TA_GRADE_TABLE ta_grade_dsp_avx2
#define TA_GRADE_NAME "avx2"
#include "dsp/grade_kernels.h"
