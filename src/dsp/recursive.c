#include "dsp/recursive.h"

#include "base/cpu.h"

const struct ta_recursive_dsp *ta_recursive_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512)
        return &ta_recursive_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_recursive_dsp_avx2;
    if (flags & TA_CPU_SSE41)
        return &ta_recursive_dsp_sse41;
#endif
    return &ta_recursive_dsp_c;
}

struct ta_recursive_ramp ta_recursive_ramp(double limit, double top)
{
    struct ta_recursive_ramp r = {0};
    if (!(limit >= 1))
        return r;
    r.limit = limit < UINT16_MAX ? (uint16_t)limit : UINT16_MAX;
    // The limit fills the 16 bits, so that short ones keep their steps.
    while ((uint32_t)r.limit << (r.shift + 1) <= UINT16_MAX)
        r.shift++;
    r.scale = (uint16_t)(top * UINT16_MAX * 32768 / ((uint32_t)r.limit << r.shift));
    return r;
}
