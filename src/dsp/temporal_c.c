#include "dsp/temporal_kernels.h"
