// The deinterlacer's kernels: each instruction set gives the bits of plain C, reads and writes nothing but
// what is named, at odd lengths, all depths and extreme values. test_stages.c compares them with libavfilter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/bwdif.h"

#include "sets.h"

enum { MAX_N = 131, GUARD = 64, ROWS = 18 };

static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, MAX_N};
static const int depths[] = {8, 9, 10, 12, 13, 14, 16};
static unsigned seed = 1;

static unsigned random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// Ends of the range, anything, small differences from row to row, or none.
static unsigned random_sample(int round, int depth)
{
    unsigned most = (1u << depth) - 1, r = random_bits();
    return round % 4 == 0   ? (r & 1 ? most : 0)
           : round % 4 == 1 ? r & most
           : round % 4 == 2 ? most / 2 + (r & 7)
                            : 77;
}

// Each row of exactly n samples, so that reading beyond is seen by a sanitizer.
struct rows {
    struct ta_bwdif_rows r;
    void *memory[ROWS];
};

static void make_rows(struct rows *rows, int round, int depth, int n)
{
    size_t bytes = depth > 8 ? 2 : 1;
    for (int k = 0; k < ROWS; k++) {
        rows->memory[k] = malloc((size_t)n * bytes + 1);
        assert_non_null(rows->memory[k]);
        uint8_t *at = (uint8_t *)rows->memory[k] + (bytes == 1); // odd addresses
        for (int i = 0; i < n; i++) {
            unsigned x = random_sample(round == 4 ? k : round, depth);
            if (bytes == 2)
                ((uint16_t *)(void *)at)[i] = (uint16_t)x;
            else
                at[i] = (uint8_t)x;
        }
        const void **to = k < 4    ? &rows->r.here[k]
                          : k < 6  ? &rows->r.earlier[k - 4]
                          : k < 8  ? &rows->r.later[k - 6]
                          : k < 13 ? &rows->r.fields_before[k - 8]
                                   : &rows->r.fields_after[k - 13];
        *to = at;
    }
}

static void kernels(void **state)
{
    const struct ta_bwdif_dsp *c = &ta_bwdif_dsp_c, *own;
    static uint16_t a[MAX_N + GUARD], b[MAX_N + GUARD];
    use_set(state);
    own = ta_bwdif_dsp();
    assert_true(own && own != &ta_bwdif_dsp_c);
    for (size_t l = 0; l < TA_COUNT(lengths); l++)
        for (size_t d = 0; d < TA_COUNT(depths); d++)
            for (int round = 0; round < 5; round++) {
                int n = lengths[l], depth = depths[d], most = (1 << depth) - 1;
                struct rows rows;
                make_rows(&rows, round, depth, n);
                for (int kind = 0; kind < 4; kind++) {
                    memset(a, 0x5a, sizeof a);
                    memset(b, 0x5a, sizeof b);
                    if (kind < 3 && depth == 8) {
                        c->row8((uint8_t *)a + 1, &rows.r, (enum ta_bwdif_kind)kind, n);
                        own->row8((uint8_t *)b + 1, &rows.r, (enum ta_bwdif_kind)kind, n);
                    } else if (kind < 3) {
                        c->row16(a + 1, &rows.r, (enum ta_bwdif_kind)kind, most, n);
                        own->row16(b + 1, &rows.r, (enum ta_bwdif_kind)kind, most, n);
                    } else if (depth == 8) {
                        c->alone8((uint8_t *)a + 1, rows.r.here, n);
                        own->alone8((uint8_t *)b + 1, rows.r.here, n);
                    } else {
                        c->alone16(a + 1, rows.r.here, most, n);
                        own->alone16(b + 1, rows.r.here, most, n);
                    }
                    if (memcmp(a, b, sizeof a))
                        fail_msg("%s: kind %d of %d samples of %d bits differs from plain C (round %d)",
                                 own->name, kind, n, depth, round);
                }
                for (int i = 0; i < ROWS; i++)
                    free(rows.memory[i]);
            }
}

// What does not move is the mean of the fields around; a ramp from top to bottom stays one whatever moves.
static void meaning(void **state)
{
    (void)state;
    uint8_t samples[ROWS], out = 0;
    struct ta_bwdif_rows r;
    static const int away[ROWS] = {-3, -1, 1, 3, -1, 1, -1, 1, -4, -2, 0, 2, 4, -4, -2, 0, 2, 4};
    for (int moving = 0; moving < 2; moving++) {
        for (int k = 0; k < ROWS; k++) {
            samples[k] = (uint8_t)(100 + 8 * away[k] +
                                   (moving && k >= 4 && k < 13 && k != 6 && k != 7 ? 3 : 0));
            const void **to = k < 4    ? &r.here[k]
                              : k < 6  ? &r.earlier[k - 4]
                              : k < 8  ? &r.later[k - 6]
                              : k < 13 ? &r.fields_before[k - 8]
                                       : &r.fields_after[k - 13];
            *to = &samples[k];
        }
        ta_bwdif_dsp_c.row8(&out, &r, TA_BWDIF_INNER, 1);
        assert_in_range(out, moving ? 99 : 100, moving ? 102 : 100);
        ta_bwdif_dsp_c.alone8(&out, r.here, 1);
        assert_int_equal(out, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        SET_TEST(kernels, "sse4.1"),
        SET_TEST(kernels, "avx2"),
        SET_TEST(kernels, "avx512"),
#endif
        cmocka_unit_test(meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
