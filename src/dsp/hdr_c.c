#include "dsp/hdr_kernels.h"
