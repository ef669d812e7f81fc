// Vectors of 16-bit samples for the kernels that are written once for all widths (*_simd.h): VEC, LANES and
// V(op); load() and store(), and load_bytes() and store_bytes() for samples that lie in bytes, touch `left`
// samples where that is less than LANES; where_greater() chooses by whether signed a > b. Empty in files
// compiled without these instructions.
#ifndef TA_DSP_VECTORS_AVX2_H
#define TA_DSP_VECTORS_AVX2_H
#ifdef __AVX2__

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define VEC __m256i
#define LANES 16
#define V(op) _mm256_##op
#define V_AND _mm256_and_si256
#define V_OR _mm256_or_si256
#define V_XOR _mm256_xor_si256

INLINE VEC load(const uint16_t *p, int left)
{
    if (left >= LANES)
        return _mm256_loadu_si256((const __m256i *)(const void *)p);
    uint16_t part[LANES] = {0};
    memcpy(part, p, (size_t)left * sizeof *p);
    return _mm256_loadu_si256((const __m256i *)(const void *)part);
}

INLINE void store(uint16_t *p, VEC v, int left)
{
    if (left >= LANES) {
        _mm256_storeu_si256((__m256i *)(void *)p, v);
        return;
    }
    uint16_t part[LANES];
    _mm256_storeu_si256((__m256i *)(void *)part, v);
    memcpy(p, part, (size_t)left * sizeof *p);
}

INLINE VEC load_bytes(const uint8_t *p, int left)
{
    uint8_t part[LANES] = {0};
    const uint8_t *from = p;
    if (left < LANES) {
        memcpy(part, p, (size_t)left);
        from = part;
    }
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
    return _mm256_cvtepu8_epi16(bytes);
}

INLINE void store_bytes(uint8_t *p, VEC v, int left)
{
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    if (left >= LANES) {
        _mm_storeu_si128((__m128i *)(void *)p, bytes);
        return;
    }
    uint8_t part[LANES];
    _mm_storeu_si128((__m128i *)(void *)part, bytes);
    memcpy(p, part, (size_t)left);
}

INLINE VEC where_greater(VEC a, VEC b, VEC yes, VEC no)
{
    return _mm256_blendv_epi8(no, yes, _mm256_cmpgt_epi16(a, b));
}

#endif
#endif
