#define TABLE ta_resample_dsp_vnni
#define TABLE_NAME "avx512vnni"
#define DOT _mm512_dpwssd_epi32
#include "dsp/resample_avx512.h"
