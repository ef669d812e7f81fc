#include "dsp/grade.h"

#include "base/cpu.h"

const struct ta_grade_dsp *ta_grade_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512)
        return &ta_grade_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_grade_dsp_avx2;
#endif
    return &ta_grade_dsp_c;
}
