// The kernels of the temporal mean: each instruction set gives the bits of plain C, reads and writes nothing
// but what is named, at odd lengths and extreme values; plain C computes what is meant.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/motion.h"
#include "dsp/temporal.h"

#include "sets.h"

enum { MAX_N = 200, MOST = (1 << TA_MOTION_DEPTH) - 1, STEP = 40, ROUNDS = 4, SUMS = 24 };

static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129, MAX_N};
static const int limits[] = {0, 1, 77, 2047, 2048, TA_TEMPORAL_LIMIT};
static uint32_t seed = 1;

static uint32_t random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static uint16_t random_sample(int round, unsigned most)
{
    unsigned r = random_bits();
    return (uint16_t)(round == 0   ? (r & 1 ? most : 0)
                      : round == 1 ? r % (most + 1)
                      : round == 2 ? most / 2 + (r & 63)
                                   : 77);
}

// Exactly so many, so that a sanitizer sees what reads beyond.
static uint16_t *words(int count, int round, unsigned most)
{
    uint16_t *p = malloc((size_t)count * sizeof *p + 1);
    assert_non_null(p);
    for (int i = 0; i < count; i++)
        p[i] = random_sample(round, most);
    return p;
}

static void fill_references(struct ta_temporal_reference *r, uint16_t **blocks, int count, int round)
{
    int left = TA_TEMPORAL_ONE;
    for (int k = 0; k < count; k++) {
        // Just a block.
        blocks[k] = words(15 * STEP + 16, (round + k) % ROUNDS, MOST);
        int weight = round == 0 && !k ? left : (int)(random_bits() % (unsigned)(left + 1));
        left -= weight;
        int shift = round < 2 ? (int)(random_bits() % (2 * TA_TEMPORAL_LIMIT + 1)) - TA_TEMPORAL_LIMIT
                              : k - 3;
        r[k] = (struct ta_temporal_reference){blocks[k], STEP, (int16_t)shift, (int16_t)weight};
    }
}

static void blocks_of(const struct ta_temporal_dsp *own, int round, int count, int limit)
{
    struct ta_temporal_reference r[TA_TEMPORAL_REFERENCES];
    uint16_t *blocks[TA_TEMPORAL_REFERENCES], *here = words(15 * STEP + 16, round, MOST);
    fill_references(r, blocks, count, round);
    for (int half = 0; half < 2; half++) {
        int16_t a[8 * SUMS], b[8 * SUMS];
        for (int i = 0; i < 8 * SUMS; i++)
            a[i] = b[i] = (int16_t)(random_bits() % 99);
        ta_temporal_dsp_c.gather(a + 3, SUMS, here, STEP, r, count, limit, half);
        own->gather(b + 3, SUMS, here, STEP, r, count, limit, half);
        if (memcmp(a, b, sizeof a))
            fail_msg("%s: gather differs: round %d, %d references, limit %d, half %d", own->name, round,
                     count, limit, half);
    }
    for (int k = 0; k < count; k++)
        free(blocks[k]);
    free(here);
}

static void unlike_others(const struct ta_temporal_dsp *own, int round, int limit)
{
    uint16_t *here = words(7 * STEP + 8, round, MOST), *a = words(7 * STEP + 8, round, MOST),
             *b = words(7 * STEP + 8, (round + 1) % ROUNDS, MOST);
    const struct ta_motion_block others[2] = {{a, STEP}, {b, STEP}};
    uint8_t plain[8], fast[8];
    ta_temporal_dsp_c.unlike(plain, here, STEP, others, limit);
    own->unlike(fast, here, STEP, others, limit);
    if (memcmp(plain, fast, sizeof plain))
        fail_msg("%s: unlike differs: round %d, limit %d", own->name, round, limit);
    free(here);
    free(a);
    free(b);
}

static void rows_of(const struct ta_temporal_dsp *own, int n, int round)
{
    uint16_t a[MAX_N + 8], b[MAX_N + 8];
    memset(a, 0x5a, sizeof a);
    memset(b, 0x5a, sizeof b);
    uint16_t *src = words(n, round, MOST), *above = words(n, round, MOST),
             *below = words(n, (round + 1) % 4, MOST), *mid = words(n + 4, round, MOST);
    int16_t *sums = malloc((size_t)n * sizeof *sums + 1);
    for (int i = 0; i < n; i++)
        sums[i] = (int16_t)(random_bits() % 65536 - 32768);
    ta_temporal_dsp_c.add(a, src, sums, n);
    own->add(b, src, sums, n);
    assert_memory_equal(a, b, sizeof a);
    const uint16_t *rows[3] = {above, mid + 2, below};
    for (int amount = 0; amount <= TA_TEMPORAL_SHARPEN; amount += 37)
        for (size_t l = 0; l < TA_COUNT(limits); l++) {
            ta_temporal_dsp_c.sharpen(a, rows, amount, limits[l], n);
            own->sharpen(b, rows, amount, limits[l], n);
            assert_memory_equal(a, b, sizeof a);
            for (int i = 0; i < n; i++)
                assert_true(abs(a[i] - mid[i + 2]) <= limits[l]);
        }
    for (int depth = TA_MOTION_DEPTH + 1; depth <= 16; depth++) {
        uint16_t *deep = words(n, round, (1u << depth) - 1);
        ta_temporal_dsp_c.correct(a, deep, src, depth, n);
        own->correct(b, deep, src, depth, n);
        assert_memory_equal(a, b, sizeof a);
        for (int i = 0; i < n; i++)
            if (src[i] == deep[i] >> (depth - TA_MOTION_DEPTH))
                assert_int_equal(a[i], deep[i]);
            else
                assert_true(a[i] < 1 << depth);
        free(deep);
    }
    free(src);
    free(above);
    free(below);
    free(mid);
    free(sums);
}

// Parts of a row, with just the margins that are named.
static void parts_of(const struct ta_temporal_dsp *own, int n, int round)
{
    enum { EDGE = 3, ROWS = TA_TEMPORAL_AROUND };
    float near[2][ROWS][MAX_N + 2 * EDGE], detail[2][ROWS][MAX_N + 2 * EDGE], far[2][MAX_N], rest[2][MAX_N];
    float energy[2][ROWS][MAX_N], strength[MAX_N];
    const struct ta_temporal_dsp *sets[2] = {&ta_temporal_dsp_c, own};
    uint16_t *src[3], made[2][MAX_N + 8];
    memset(made, 0x5a, sizeof made);
    for (int i = 0; i < 3; i++)
        src[i] = words(n + 2 * EDGE, (round + i) % ROUNDS, MOST);
    for (int i = 0; i < n; i++)
        strength[i] = (float)(i % 5) / 4;
    for (int k = 0; k < 2; k++) {
        for (int y = 0; y < ROWS; y++) {
            const uint16_t *rows[3] = {src[y % 3] + 1, src[(y + 1) % 3] + 1, src[(y + 2) % 3] + 1};
            sets[k]->part_near(near[k][y], detail[k][y], rows, n + 2 * EDGE - 2);
            sets[k]->energy(energy[k][y], detail[k][y] + 2, n);
        }
        const float *rows[3] = {near[k][0] + 2, near[k][2] + 2, near[k][4] + 2};
        sets[k]->part_far(rest[k], far[k], rows, n);
        struct ta_temporal_parts p = {rest[k], detail[k][2] + 2, far[k], strength, 90, 40};
        const float *energies[ROWS];
        for (int y = 0; y < ROWS; y++)
            energies[y] = energy[k][y];
        sets[k]->calm(made[k], &p, energies, energies, n);
        for (int i = 0; i < n; i++) // where noise is none, all parts come back
            if (strength[i] == 0)
                assert_int_equal(made[k][i], src[0][i + 3]);
    }
    if (memcmp(made[0], made[1], sizeof made[0]))
        fail_msg("%s: parts differ: round %d, %d samples", own->name, round, n);
    for (int i = 0; i < 3; i++)
        free(src[i]);
}

static void as_plain_c(void **state)
{
    const char *name = use_set(state);
    const struct ta_temporal_dsp *own = ta_temporal_dsp();
    assert_string_equal(own->name, name);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t l = 0; l < TA_COUNT(lengths); l++) {
            rows_of(own, lengths[l], round);
            parts_of(own, lengths[l], round);
        }
        for (size_t l = 0; l < TA_COUNT(limits); l++)
            unlike_others(own, round, limits[l]);
        for (int count = 0; count <= TA_TEMPORAL_REFERENCES; count++)
            for (size_t l = 0; l < TA_COUNT(limits); l++)
                blocks_of(own, round, count, limits[l]);
    }
}

// Windows of the four blocks over a sample come to one: a difference that all report is taken over by the
// weight.
static void all_of_the_weight(void **state)
{
    (void)state;
    uint16_t here[32 * STEP], there[32 * STEP];
    // How far it is, the limit, what is taken over, and what it is raised by before.
    static const int16_t cases[][4] = {{100, 1000, 100, 0}, {-100, 1000, -100, 0}, {300, 200, 100, 0},
                                       {400, 200, 0, 0},    {500, 200, 0, 0},      {500, 200, 100, -400},
                                       {-300, 50, 0, 300}};
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        for (int i = 0; i < 32 * STEP; i++) {
            here[i] = 2000;
            there[i] = (uint16_t)(2000 + cases[c][0]);
        }
        struct ta_temporal_reference r = {there, STEP, cases[c][3], TA_TEMPORAL_ONE};
        int16_t sums[8 * SUMS] = {0};
        uint16_t out[8];
        // Columns 8 to 15 of the blocks at 0 and 8, rows of their lower and upper halves.
        for (int half = 0; half < 2; half++) {
            ta_temporal_dsp_c.gather(sums, SUMS, here, STEP, &r, 1, cases[c][1], half);
            ta_temporal_dsp_c.gather(sums + 8, SUMS, here, STEP, &r, 1, cases[c][1], half);
        }
        for (int y = 0; y < 8; y++) {
            ta_temporal_dsp_c.add(out, here, sums + y * SUMS + 8, 8);
            for (int x = 0; x < 8; x++)
                assert_in_range(out[x] + 2 - 2000 - cases[c][2], 1, 3);
        }
    }
}

// Above both, or below both, by more than the limit; and both say the same.
static void alone(void **state)
{
    (void)state;
    static const struct {
        uint16_t own, a, b;
        bool set;
    } cases[] = {{2000, 1000, 1000, true},  {2000, 1000, 1400, true}, {2000, 1000, 1501, false},
                 {2000, 1500, 1499, false}, {1000, 1501, 1501, true}, {2000, 1000, 3000, false},
                 {0, 4095, 4095, true},     {4095, 0, 0, true}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        uint16_t own[8 * 8] = {0}, a[8 * 8] = {0}, b[8 * 8] = {0};
        const struct ta_motion_block others[2] = {{a, 8}, {b, 8}};
        uint8_t bits[8], want[8] = {0};
        own[3 * 8 + 5] = cases[i].own;
        a[3 * 8 + 5] = cases[i].a;
        b[3 * 8 + 5] = cases[i].b;
        want[3] = cases[i].set ? 1 << 5 : 0;
        ta_temporal_dsp_c.unlike(bits, own, 8, others, 500);
        if (memcmp(bits, want, sizeof want))
            fail_msg("%d between %d and %d: %02x for %02x", cases[i].own, cases[i].a, cases[i].b, bits[3],
                     want[3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_weight),
        cmocka_unit_test(alone),
#ifdef __x86_64__
        SET_TEST(as_plain_c, "avx2"),
        SET_TEST(as_plain_c, "avx512"),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
