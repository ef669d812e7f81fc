#include <smmintrin.h>
#include <string.h>

#include "dsp/recursive.h"

#define TABLE ta_recursive_dsp_sse41
#define TABLE_NAME "sse4.1"
#define INLINE static inline __attribute__((always_inline))
#define VEC __m128i
#define LANES 8
#define V(op) _mm_##op
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

INLINE VEC load8(const uint8_t *p, int left)
{
    uint8_t part[LANES] = {0};
    memcpy(part, p, (size_t)(left < LANES ? left : LANES));
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)part);
    return _mm_slli_epi16(_mm_cvtepu8_epi16(bytes), 8);
}

INLINE void store8(uint8_t *p, VEC v, int left)
{
    v = _mm_srli_epi16(v, 8);
    uint8_t part[2 * LANES];
    _mm_storeu_si128((__m128i *)(void *)part, _mm_packus_epi16(v, v));
    memcpy(p, part, (size_t)(left < LANES ? left : LANES));
}

#include "dsp/recursive_simd.h"
