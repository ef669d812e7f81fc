// A test for each set of instructions that kernels are written for: one that the machine lacks is counted as
// skipped and never as passed. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_SETS_H
#define TA_TESTS_UNIT_SETS_H

#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"

// Each with those below it, so that dispatch takes its kernels and no better ones.
enum {
    SET_SSE41 = TA_CPU_SSE2 | TA_CPU_SSSE3 | TA_CPU_SSE41,
    SET_AVX2 = SET_SSE41 | TA_CPU_AVX2,
    SET_AVX512 = SET_AVX2 | TA_CPU_AVX512,
    SET_VNNI = SET_AVX512 | TA_CPU_VNNI,
};

static inline unsigned set_flags(const char *name)
{
    static const struct {
        const char *name;
        unsigned flags;
    } sets[] = {
        {"none", 0}, {"sse4.1", SET_SSE41}, {"avx2", SET_AVX2}, {"avx512", SET_AVX512}, {"vnni", SET_VNNI}};
    for (size_t i = 0; i < TA_COUNT(sets); i++)
        if (!strcmp(sets[i].name, name))
            return sets[i].flags;
    fail_msg("there is no set %s", name);
    return 0;
}

static inline int unmask_sets(void **state)
{
    (void)state;
    ta_cpu_mask(~0u);
    return 0;
}

// An entry in a list of tests: `function` with one set, "avx2".
#define SET_TEST(function, set)                                     \
    {                                                               \
#function "_" set, function, NULL, unmask_sets, (void *)set \
    }

// At the start of such a test: from here on there is this set and nothing above it. Returns its name.
static inline const char *use_set(void **state)
{
    const char *name = *state;
    ta_cpu_mask(~0u);
    if ((ta_cpu_flags() & set_flags(name)) != set_flags(name)) {
        print_message("this CPU has no %s\n", name);
        skip();
    }
    ta_cpu_mask(set_flags(name));
    return name;
}

#endif
