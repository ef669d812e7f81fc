#include "dsp/grade_kernels.h"
