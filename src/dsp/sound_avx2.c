#define TA_SOUND_TABLE ta_sound_dsp_avx2
#define TA_SOUND_NAME "avx2"
#include "dsp/sound_kernels.h"
