#include "dsp/bwdif.h"

#include "base/cpu.h"

const struct ta_bwdif_dsp *ta_bwdif_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512)
        return &ta_bwdif_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_bwdif_dsp_avx2;
    if (flags & TA_CPU_SSE41)
        return &ta_bwdif_dsp_sse41;
#endif
    return &ta_bwdif_dsp_c;
}
