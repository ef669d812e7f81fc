#include "dsp/sound.h"

#include "base/cpu.h"

const struct ta_sound_dsp *ta_sound_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512)
        return &ta_sound_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_sound_dsp_avx2;
#endif
    return &ta_sound_dsp_c;
}
