#include "base/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define IS_X86 1
#else
#define IS_X86 0
#endif

#define ALL_FLAGS \
    (TA_CPU_SSE2 | TA_CPU_SSSE3 | TA_CPU_SSE41 | TA_CPU_AVX2 | TA_CPU_AVX512 | TA_CPU_VNNI | TA_CPU_SHA)
#define FLAG_COUNT 7

static const char *const flag_names[FLAG_COUNT] = {"sse2",   "ssse3", "sse4.1", "avx2",
                                                   "avx512", "vnni",  "sha"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned detected;
static char texts[1 << FLAG_COUNT][48]; // of every subset, so that callers need not free
static _Atomic unsigned mask = ALL_FLAGS;

#if IS_X86
// Which register sets the operating system saves: bit 1 SSE, 2 AVX, 5 to 7 AVX-512.
static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static unsigned detect(void)
{
    unsigned a, b, c, d, flags = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    if (d & bit_SSE2)
        flags |= TA_CPU_SSE2;
    if (c & bit_SSSE3)
        flags |= TA_CPU_SSSE3;
    if (c & bit_SSE4_1)
        flags |= TA_CPU_SSE41;
    unsigned saved = c & bit_OSXSAVE ? saved_registers() : 0;
    bool fma = (c & bit_FMA) && (c & bit_AVX);
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return flags;
    if ((b & bit_SHA) && (flags & TA_CPU_SSE41))
        flags |= TA_CPU_SHA;
    const unsigned avx_state = 0x06, avx512_state = 0xe6;
    if (fma && (b & bit_AVX2) && (b & bit_BMI2) && (saved & avx_state) == avx_state)
        flags |= TA_CPU_AVX2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
    if ((flags & TA_CPU_AVX2) && (b & avx512) == avx512 && (saved & avx512_state) == avx512_state) {
        flags |= TA_CPU_AVX512;
        if (c & bit_AVX512VNNI)
            flags |= TA_CPU_VNNI;
    }
    return flags;
}
#else
static unsigned detect(void)
{
    return 0;
}
#endif

static void init_once(void)
{
    detected = detect();
    for (unsigned flags = 0; flags <= ALL_FLAGS; flags++) {
        char *text = texts[flags];
        strcpy(text, flags ? "" : "none");
        for (int i = 0; i < FLAG_COUNT; i++) {
            if (!(flags >> i & 1))
                continue;
            if (*text)
                strcat(text, " ");
            strcat(text, flag_names[i]);
        }
    }
}

unsigned ta_cpu_detected(void)
{
    pthread_once(&once, init_once);
    return detected;
}

unsigned ta_cpu_flags(void)
{
    return ta_cpu_detected() & atomic_load_explicit(&mask, memory_order_relaxed);
}

void ta_cpu_mask(unsigned allowed)
{
    atomic_store(&mask, allowed);
}

void ta_cpu_limit(unsigned allowed)
{
    pthread_once(&once, init_once);
    detected &= allowed;
}

int ta_cpu_mask_from_name(const char *name, unsigned *allowed)
{
    static const struct {
        const char *name;
        unsigned flags;
    } levels[] = {
        {"none", 0},
        {"sse2", TA_CPU_SSE2},
        {"ssse3", TA_CPU_SSSE3},
        {"sse4.1", TA_CPU_SSE41 | TA_CPU_SHA},
        {"avx2", TA_CPU_AVX2},
        {"avx512", TA_CPU_AVX512},
        {"all", ALL_FLAGS},
    };
    unsigned flags = 0;
    for (size_t i = 0; i < TA_COUNT(levels); i++) {
        flags |= levels[i].flags;
        if (!strcmp(name, levels[i].name)) {
            *allowed = flags;
            return 0;
        }
    }
    return TA_ERR_INVALID;
}

const char *ta_cpu_text(unsigned flags)
{
    pthread_once(&once, init_once);
    return texts[flags & ALL_FLAGS];
}
