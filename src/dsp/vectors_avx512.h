// Vectors of 16-bit samples for the kernels that are written once for all widths (*_simd.h): VEC, LANES and
// V(op); load() and store(), and load_bytes() and store_bytes() for samples that lie in bytes, touch `left`
// samples where that is less than LANES; where_greater() chooses by whether signed a > b. Empty in files
// compiled without these instructions.
#ifndef TA_DSP_VECTORS_AVX512_H
#define TA_DSP_VECTORS_AVX512_H
#ifdef __AVX512BW__

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define VEC __m512i
#define LANES 32
#define V(op) _mm512_##op
#define V_AND _mm512_and_si512
#define V_OR _mm512_or_si512
#define V_XOR _mm512_xor_si512

INLINE __mmask32 first(int left)
{
    return (__mmask32)((1u << left) - 1);
}

INLINE VEC load(const uint16_t *p, int left)
{
    return left >= LANES ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16(first(left), p);
}

INLINE void store(uint16_t *p, VEC v, int left)
{
    if (left >= LANES)
        _mm512_storeu_si512(p, v);
    else
        _mm512_mask_storeu_epi16(p, first(left), v);
}

INLINE VEC load_bytes(const uint8_t *p, int left)
{
    __m256i bytes = left >= LANES ? _mm256_loadu_si256((const __m256i *)(const void *)p)
                                  : _mm256_maskz_loadu_epi8(first(left), p);
    return _mm512_cvtepu8_epi16(bytes);
}

INLINE void store_bytes(uint8_t *p, VEC v, int left)
{
    if (left >= LANES)
        _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi16_epi8(v));
    else
        _mm512_mask_cvtepi16_storeu_epi8(p, first(left), v);
}

INLINE VEC where_greater(VEC a, VEC b, VEC yes, VEC no)
{
    return _mm512_mask_mov_epi16(no, _mm512_cmpgt_epi16_mask(a, b), yes);
}

#endif
#endif
