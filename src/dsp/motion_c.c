#include "dsp/motion_kernels.h"
