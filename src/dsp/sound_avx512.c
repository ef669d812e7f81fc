#define TA_SOUND_TABLE ta_sound_dsp_avx512
#define TA_SOUND_NAME "avx512"
#include "dsp/sound_kernels.h"
