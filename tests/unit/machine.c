// Part of every unit test: with TA_TEST_CPU=none, sse2, ssse3, sse4.1 or avx2 the machine looks to it as if
// it had no more than that, to kernels of ours and of libav alike.
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "media/av.h"

__attribute__((constructor)) static void be_a_lesser_machine(void)
{
    const char *name = getenv("TA_TEST_CPU");
    unsigned allowed;
    if (!name)
        return;
    if (ta_cpu_mask_from_name(name, &allowed) < 0) {
        fprintf(stderr, "TA_TEST_CPU=%s is no set of instructions\n", name);
        exit(2);
    }
    ta_cpu_limit(allowed);
    ta_av_apply_cpu_mask();
}
