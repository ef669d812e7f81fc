#include "dsp/hqdn3d.h"

#include <math.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/mem.h"

enum { MOST = UINT16_MAX };

const struct ta_hqdn3d_dsp *ta_hqdn3d_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512)
        return &ta_hqdn3d_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_hqdn3d_dsp_avx2;
#endif
    return &ta_hqdn3d_dsp_c;
}

void ta_hqdn3d_curve_init(struct ta_hqdn3d_curve *c, double strength, int depth)
{
    const double strongest = 252, hardly = 0.00001; // keep the logarithm away from 0 and from infinity
    c->step = depth == 16 ? 0 : 4;
    int half = (MOST >> c->step) + 1, size = 1 << c->step;
    c->memory = ta_xcalloc(2 * (size_t)half + 1, sizeof *c->memory); // kernels may read one behind
    c->pull = c->memory + half;
    if (!(strength > 0))
        return;
    // (1 - strength / 255) ^ gamma = 1/4
    double gamma = log(0.25) / log(1 - fmin(strength, strongest) / 255 - hardly);
    for (int i = -half; i < half; i++) {
        double middle = (2 * i * size + size - 1) / 2.0 /
                        256; // of the differences that share this entry, in levels of 8 bits
        double alike = 1 - fabs(middle) / 255;
        c->pull[i] = alike > 0 ? (int16_t)lrint(pow(alike, gamma) * 256 * middle) : 0;
    }
}

void ta_hqdn3d_curve_release(struct ta_hqdn3d_curve *c)
{
    ta_freep(&c->memory);
    c->pull = NULL;
}
