// Vectors of 16-bit samples for the kernels that are written once for all widths (*_simd.h): VEC, LANES and
// V(op); load() and store(), and load_bytes() and store_bytes() for samples that lie in bytes, touch `left`
// samples where that is less than LANES; where_greater() chooses by whether signed a > b. Empty in files
// compiled without these instructions.
#ifndef TA_DSP_VECTORS_SSE41_H
#define TA_DSP_VECTORS_SSE41_H
#ifdef __SSE4_1__

#include <smmintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define VEC __m128i
#define LANES 8
#define V(op) _mm_##op
#define V_AND _mm_and_si128
#define V_OR _mm_or_si128
#define V_XOR _mm_xor_si128

INLINE VEC load(const uint16_t *p, int left)
{
    if (left >= LANES)
        return _mm_loadu_si128((const __m128i *)(const void *)p);
    uint16_t part[LANES] = {0};
    memcpy(part, p, (size_t)left * sizeof *p);
    return _mm_loadu_si128((const __m128i *)(const void *)part);
}

INLINE void store(uint16_t *p, VEC v, int left)
{
    if (left >= LANES) {
        _mm_storeu_si128((__m128i *)(void *)p, v);
        return;
    }
    uint16_t part[LANES];
    _mm_storeu_si128((__m128i *)(void *)part, v);
    memcpy(p, part, (size_t)left * sizeof *p);
}

INLINE VEC load_bytes(const uint8_t *p, int left)
{
    uint8_t part[LANES] = {0};
    memcpy(part, p, (size_t)(left < LANES ? left : LANES));
    return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)part));
}

INLINE void store_bytes(uint8_t *p, VEC v, int left)
{
    uint8_t part[2 * LANES];
    _mm_storeu_si128((__m128i *)(void *)part, _mm_packus_epi16(v, v));
    memcpy(p, part, (size_t)(left < LANES ? left : LANES));
}

INLINE VEC where_greater(VEC a, VEC b, VEC yes, VEC no)
{
    return _mm_blendv_epi8(no, yes, _mm_cmpgt_epi16(a, b));
}

#endif
#endif
