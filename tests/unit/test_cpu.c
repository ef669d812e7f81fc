#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/mem.h"

static const struct {
    const char *name; // in /proc/cpuinfo
    unsigned flag;
} known[] = {
    {"sse2", TA_CPU_SSE2},  {"ssse3", TA_CPU_SSSE3},     {"sse4_1", TA_CPU_SSE41},
    {"avx2", TA_CPU_AVX2},  {"avx512bw", TA_CPU_AVX512}, {"avx512_vnni", TA_CPU_VNNI},
    {"sha_ni", TA_CPU_SHA},
};

// The kernel's own list is the reference.
static void test_detection(void **state)
{
    (void)state;
    if (getenv("TA_TEST_CPU")) {
        print_message("this machine is told to look like a lesser one\n");
        skip();
    }
    FILE *file = fopen("/proc/cpuinfo", "r");
    char *line = NULL, *flags = NULL;
    size_t capacity = 0;
    while (file && !flags && getline(&line, &capacity, file) > 0)
        if (!strncmp(line, "flags", 5))
            flags = ta_xprintf(" %s ", strchr(line, ':') + 1);
    free(line);
    if (file)
        fclose(file);
    if (!flags) {
        print_message("no list of CPU flags to compare with\n");
        skip();
    }
    flags[strcspn(flags, "\n")] = ' ';
    for (size_t i = 0; i < TA_COUNT(known); i++) {
        char *word = ta_xprintf(" %s ", known[i].name);
        bool expected = strstr(flags, word) != NULL, found = ta_cpu_flags() & known[i].flag;
        if (expected != found)
            fail_msg("%s: %d in /proc/cpuinfo, %d here", known[i].name, expected, found);
        free(word);
    }
    free(flags);
}

static void test_masks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned has, lacks;
    } cases[] = {
        {"none", 0, ~0u},
        {"sse2", TA_CPU_SSE2, (unsigned)~TA_CPU_SSE2},
        {"ssse3", TA_CPU_SSE2 | TA_CPU_SSSE3, TA_CPU_SSE41 | TA_CPU_AVX2 | TA_CPU_SHA},
        {"sse4.1", TA_CPU_SSE2 | TA_CPU_SSSE3 | TA_CPU_SSE41, TA_CPU_AVX2 | TA_CPU_AVX512},
        {"avx2", TA_CPU_SSE2 | TA_CPU_SSSE3 | TA_CPU_SSE41 | TA_CPU_AVX2, TA_CPU_AVX512 | TA_CPU_VNNI},
        {"avx512", TA_CPU_AVX2 | TA_CPU_AVX512, TA_CPU_VNNI},
        {"all", TA_CPU_AVX2 | TA_CPU_AVX512 | TA_CPU_VNNI | TA_CPU_SHA, 0},
    };
    unsigned machine = ta_cpu_flags(), before = 0;
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        unsigned mask = 12345;
        assert_int_equal(ta_cpu_mask_from_name(cases[i].name, &mask), 0);
        assert_int_equal(mask & cases[i].has, cases[i].has);
        assert_int_equal(mask & cases[i].lacks, 0);
        assert_int_equal(mask & before, before); // each includes those before it
        before = mask;
        ta_cpu_mask(mask);
        assert_int_equal(ta_cpu_flags(), machine & mask);
        assert_int_equal(ta_cpu_detected(), machine);
    }
    ta_cpu_mask(~0u);
    assert_int_equal(ta_cpu_flags(), machine);
    static const char *const wrong[] = {"", "AVX2", "avx", "avx2 ", "neon"};
    for (size_t i = 0; i < TA_COUNT(wrong); i++) {
        unsigned mask = 12345;
        assert_int_equal(ta_cpu_mask_from_name(wrong[i], &mask), TA_ERR_INVALID);
        assert_int_equal(mask, 12345);
    }
}

static void test_text(void **state)
{
    (void)state;
    assert_string_equal(ta_cpu_text(0), "none");
    assert_string_equal(ta_cpu_text(TA_CPU_SSE2 | TA_CPU_AVX2), "sse2 avx2");
    assert_string_equal(ta_cpu_text(~0u), "sse2 ssse3 sse4.1 avx2 avx512 vnni sha");
    const char *before = ta_cpu_text(TA_CPU_SSSE3);
    ta_cpu_text(TA_CPU_SSE41);
    assert_string_equal(before, "ssse3"); // a later call does not overwrite it
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detection),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
