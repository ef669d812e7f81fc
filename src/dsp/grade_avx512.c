#define TA_GRADE_TABLE ta_grade_dsp_avx512
#define TA_GRADE_NAME "avx512"
#include "dsp/grade_kernels.h"
