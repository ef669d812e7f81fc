#include "dsp/nlmeans_kernels.h"
