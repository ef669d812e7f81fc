// CPU features. The mask is for tests and for comparing results across machines: kernels ask ta_cpu_flags().
#ifndef TA_BASE_CPU_H
#define TA_BASE_CPU_H

enum ta_cpu_flag {
    TA_CPU_SSE2 = 1 << 0,
    TA_CPU_SSSE3 = 1 << 1,
    TA_CPU_SSE41 = 1 << 2,
    TA_CPU_AVX2 = 1 << 3,   // with FMA, BMI2 and operating system support
    TA_CPU_AVX512 = 1 << 4, // F, BW, CD, DQ, VL
    TA_CPU_VNNI = 1 << 5,   // AVX-512 VNNI
    TA_CPU_SHA = 1 << 6,    // SHA-256 instructions (goes with sse4.1 in the names below)
};

// Features of this machine and the process-wide mask, detected once. Thread-safety: Safe.
unsigned ta_cpu_flags(void);
// What the machine has, whatever the mask hides. Thread-safety: Safe.
unsigned ta_cpu_detected(void);
// Hides features from here on (a set bit stays visible); each call replaces the one before. Call before any
// work starts.
void ta_cpu_mask(unsigned allowed);
// Makes the machine count as having no more than these, for good: no later mask shows what is hidden so.
void ta_cpu_limit(unsigned allowed);
// The mask for "none", "sse2", "ssse3", "sse4.1", "avx2", "avx512", "all" (each includes those before it);
// TA_ERR_INVALID if unknown.
int ta_cpu_mask_from_name(const char *name, unsigned *allowed);
// Text such as "sse2 ssse3 sse4.1 avx2", or "none"; static storage.
const char *ta_cpu_text(unsigned flags);

#endif
