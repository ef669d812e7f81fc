#include "dsp/sound_kernels.h"
