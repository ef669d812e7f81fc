// SHA-256 (FIPS 180-4), in plain C and with the SHA instructions of x86.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_SHA_INSTRUCTIONS 1
#else
#define HAVE_SHA_INSTRUCTIONS 0
#endif

#define BLOCK 64

typedef void (*blocks_fn)(uint32_t state[8], const uint8_t *data, size_t blocks);

struct ta_sha256 {
    uint32_t state[8];
    uint64_t size;  // bytes so far
    size_t pending; // bytes in `block`
    uint8_t block[BLOCK];
    blocks_fn blocks;
};

// Fractions of the cube roots of the first 64 primes.
_Alignas(16) static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void blocks_c(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    for (; blocks; blocks--, data += BLOCK) {
        uint32_t w[64];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 |
                   (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
        for (int i = 16; i < 64; i++) {
            uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
            uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        uint32_t v[8];
        memcpy(v, state, sizeof(v));
        for (int base = 0; base < 64; base += 8) {
            // Instead of moving the eight words on by one, each round numbers them anew; unrolled, that costs
            // nothing.
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) {
                const uint32_t a = v[(8 - i) & 7], b = v[(9 - i) & 7], c = v[(10 - i) & 7];
                const uint32_t e = v[(12 - i) & 7], f = v[(13 - i) & 7], g = v[(14 - i) & 7];
                uint32_t t = v[(15 - i) & 7] + round_constants[base + i] + w[base + i];
                t += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g));
                v[(11 - i) & 7] += t;
                v[(15 - i) & 7] = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                                  ((a & b) ^ (a & c) ^ (b & c));
            }
        }
        for (int i = 0; i < 8; i++)
            state[i] += v[i];
    }
}

#if HAVE_SHA_INSTRUCTIONS
// The instructions keep the eight words as two vectors (highest lane first) ABEF and CDGH, and do two rounds
// at once.
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_sha(uint32_t state[8], const uint8_t *data,
                                                                   size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203); // big-endian words
    __m128i dcba = _mm_loadu_si128((const __m128i *)state),
            hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; blocks; blocks--, data += BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4]; // the last sixteen words of the message schedule
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i now = w[i & 3];
            __m128i k = _mm_add_epi32(now, _mm_load_si128((const __m128i *)(round_constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
            if (i < 12) { // four words for sixteen rounds later
                __m128i last = w[(i + 3) & 3];
                __m128i sum = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
                w[i & 3] = _mm_sha256msg2_epu32(sum, last);
            }
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

static void init(struct ta_sha256 *s)
{
    // Fractions of the square roots of the first eight primes.
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *s = (struct ta_sha256){.blocks = blocks_c};
    memcpy(s->state, start, sizeof(start));
#if HAVE_SHA_INSTRUCTIONS
    if (ta_cpu_flags() & TA_CPU_SHA)
        s->blocks = blocks_sha;
#endif
}

struct ta_sha256 *ta_sha256_create(void)
{
    struct ta_sha256 *s = ta_xcalloc(1, sizeof(*s));
    init(s);
    return s;
}

void ta_sha256_update(struct ta_sha256 *s, const void *data, size_t size)
{
    const uint8_t *p = data;
    if (!size)
        return; // `data` may be NULL then
    s->size += size;
    if (s->pending) {
        size_t n = TA_MIN(size, BLOCK - s->pending);
        memcpy(s->block + s->pending, p, n);
        s->pending += n;
        p += n;
        size -= n;
        if (s->pending < BLOCK)
            return;
        s->blocks(s->state, s->block, 1);
        s->pending = 0;
    }
    if (size >= BLOCK)
        s->blocks(s->state, p, size / BLOCK);
    p += size / BLOCK * BLOCK;
    s->pending = size % BLOCK;
    if (s->pending)
        memcpy(s->block, p, s->pending);
}

static void finish(struct ta_sha256 *s, char out[TA_SHA256_HEX])
{
    // A one bit, zeros, and the length in bits as 64-bit number at the end of a block.
    const uint64_t bits = s->size * 8;
    uint8_t padding[BLOCK + 8] = {0x80};
    size_t length = (s->pending < 56 ? 56 : 120) - s->pending;
    for (int i = 0; i < 8; i++)
        padding[length + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    ta_sha256_update(s, padding, length + 8);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 64; i++)
        out[i] = digits[s->state[i / 8] >> (28 - i % 8 * 4) & 15];
    out[64] = '\0';
}

void ta_sha256_finish(struct ta_sha256 **s, char out[TA_SHA256_HEX])
{
    finish(*s, out);
    ta_freep(s);
}

void ta_sha256_hex(const void *data, size_t size, char out[TA_SHA256_HEX])
{
    struct ta_sha256 s;
    init(&s);
    ta_sha256_update(&s, data, size);
    finish(&s, out);
}

// The 32 bytes that 64 digits write.
static void bytes_of(const char *hex, uint8_t out[32])
{
    for (int i = 0; i < 32; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

void ta_hmac_sha256_hex(const void *key, size_t key_size, const void *data, size_t size,
                        char out[TA_SHA256_HEX])
{
    uint8_t pad[BLOCK] = {0}, sum[32];
    struct ta_sha256 s;
    if (key_size > BLOCK) {
        ta_sha256_hex(key, key_size, out);
        bytes_of(out, pad);
    } else if (key_size) {
        memcpy(pad, key, key_size);
    }
    for (int i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    init(&s);
    ta_sha256_update(&s, pad, BLOCK);
    ta_sha256_update(&s, data, size);
    finish(&s, out);
    bytes_of(out, sum);
    for (int i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    init(&s);
    ta_sha256_update(&s, pad, BLOCK);
    ta_sha256_update(&s, sum, sizeof(sum));
    finish(&s, out);
}

static int report(struct ta_log *log, const char *path, const char *what)
{
    int errnum = errno;
    char reason[128];
    ta_error(log, "%s: can't %s: %s", path, what, strerror_r(errnum, reason, sizeof(reason)));
    return ta_error_from_errno(errnum);
}

int ta_sha256_fd(int fd, const char *path, char out[TA_SHA256_HEX], struct ta_log *log)
{
    const size_t buffer_size = (size_t)1 << 20;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    uint8_t *buffer = ta_xcalloc(buffer_size, 1);
    struct ta_sha256 s;
    init(&s);
    int ret = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, buffer_size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ret = report(log, path, "read");
        if (n <= 0)
            break;
        ta_sha256_update(&s, buffer, (size_t)n);
    }
    if (!ret)
        finish(&s, out);
    free(buffer);
    return ret;
}

int ta_sha256_file(const char *path, char out[TA_SHA256_HEX], struct ta_log *log)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report(log, path, "open");
    int ret = ta_sha256_fd(fd, path, out, log);
    close(fd);
    return ret;
}
