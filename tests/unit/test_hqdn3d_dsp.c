// The kernels of hqdn3d: each instruction set gives the bits of plain C, reads and writes nothing but what is
// named, at odd lengths, all depths and extreme values; plain C computes what is meant. test_stages.c
// compares the whole with libavfilter.
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
#include "dsp/hqdn3d.h"

#include "sets.h"

enum { MAX_N = 131, GUARD = 40 };

static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 97, MAX_N};
static const int depths[] = {8, 9, 10, 12, 14, 16};
static const double strengths[] = {0, 0.5, 3, 20, 255};
static unsigned seed = 1;

static uint16_t random_word(int round)
{
    seed = seed * 1664525u + 1013904223u;
    unsigned r = seed >> 8;
    return (uint16_t)(round % 3 == 0 ? (r & 1 ? UINT16_MAX : 0) : round % 3 == 1 ? 30000 + (r & 0x7ff) : r);
}

// What a kernel reads and writes; the input ends where its memory ends, so that a sanitizer sees what reads
// on.
struct rows {
    uint16_t *row, *before;
    uint16_t dst[MAX_N + GUARD];
};

static void fill(struct rows *r, int n, int round, unsigned from)
{
    seed = from;
    r->row = malloc((size_t)n * sizeof *r->row + 1);
    r->before = malloc((size_t)n * sizeof *r->before + 1);
    assert_non_null(r->row);
    assert_non_null(r->before);
    for (int i = 0; i < n; i++) {
        r->row[i] = random_word(round);
        r->before[i] = random_word(round);
    }
    memset(r->dst, 0x5a, sizeof r->dst);
}

static void empty(struct rows *r)
{
    free(r->row);
    free(r->before);
}

static void kernels(void **state)
{
    const struct ta_hqdn3d_dsp *own;
    unsigned from = 1;
    use_set(state);
    own = ta_hqdn3d_dsp();
    assert_true(own && own != &ta_hqdn3d_dsp_c);
    for (size_t d = 0; d < TA_COUNT(depths); d++)
        for (size_t s = 0; s < TA_COUNT(strengths); s++) {
            struct ta_hqdn3d_curve curve;
            ta_hqdn3d_curve_init(&curve, strengths[s], depths[d]);
            for (size_t l = 0; l < TA_COUNT(lengths); l++)
                for (int way = 0; way < 9; way++) {
                    const struct ta_hqdn3d_dsp *const dsp[2] = {&ta_hqdn3d_dsp_c, own};
                    struct rows r[2];
                    int n = lengths[l], depth = depths[d];
                    from += 17;
                    for (int i = 0; i < 2; i++) {
                        fill(&r[i], n, way / 3, from);
                        if (way % 3 == 0)
                            dsp[i]->down(r[i].before, r[i].row, &curve, n);
                        else if (way % 3 == 1)
                            dsp[i]->in_time8((uint8_t *)r[i].dst + 1, r[i].row, r[i].before, &curve, n);
                        else
                            dsp[i]->in_time16(r[i].dst + 1, r[i].row, r[i].before, depth, &curve, n);
                    }
                    size_t bytes = (size_t)n * sizeof(uint16_t);
                    if (memcmp(r[0].row, r[1].row, bytes) || memcmp(r[0].before, r[1].before, bytes) ||
                        memcmp(r[0].dst, r[1].dst, sizeof r[0].dst))
                        fail_msg("%s: kernel %d of %d samples of %d bits at strength %g differs from plain C",
                                 own->name, way % 3, n, depth, strengths[s]);
                    empty(&r[0]);
                    empty(&r[1]);
                }
            ta_hqdn3d_curve_release(&curve);
        }
}

// At a difference of the strength a neighbour keeps a quarter of it; at none, and at a strength of 0, nothing
// moves by more than the middle of a step.
static void curves(void **state)
{
    (void)state;
    for (size_t s = 0; s < TA_COUNT(strengths); s++)
        for (int depth = 8; depth <= 16; depth += 8) {
            struct ta_hqdn3d_curve c;
            double strength = strengths[s];
            ta_hqdn3d_curve_init(&c, strength, depth);
            if (strength >= 3 && strength < 200)
                for (int sign = -1; sign <= 1; sign += 2) {
                    double at = sign * strength * 256, pull = c.pull[(int)at >> c.step];
                    assert_true(fabs(pull / at - 0.25) < 0.01);
                }
            assert_true(abs(c.pull[0]) <= (strength > 0 && depth < 16 ? 8 : 0));
            for (int d = -UINT16_MAX; d <= UINT16_MAX; d++)
                assert_true(abs(c.pull[d >> c.step]) <= (strength > 0 ? abs(d) + 16 : 0));
            ta_hqdn3d_curve_release(&c);
        }
}

static void along(void **state)
{
    (void)state;
    struct ta_hqdn3d_curve c;
    ta_hqdn3d_curve_init(&c, 10, 8);
    uint8_t in[TA_HQDN3D_ROWS][MAX_N];
    uint16_t deep[TA_HQDN3D_ROWS][MAX_N], out[TA_HQDN3D_ROWS][MAX_N + 1], again[TA_HQDN3D_ROWS][MAX_N + 1];
    const uint8_t *src[TA_HQDN3D_ROWS];
    const uint16_t *src16[TA_HQDN3D_ROWS];
    uint16_t *dst[TA_HQDN3D_ROWS], *dst16[TA_HQDN3D_ROWS];
    for (int r = 0; r < TA_HQDN3D_ROWS; r++) {
        for (int i = 0; i < MAX_N; i++)
            deep[r][i] = in[r][i] = (uint8_t)random_word(2);
        src[r] = in[r];
        src16[r] = deep[r];
        dst[r] = out[r];
        dst16[r] = again[r];
    }
    for (size_t l = 1; l < TA_COUNT(lengths); l++)
        for (int top = 0; top < 2; top++) {
            int n = lengths[l];
            memset(out, 0x5a, sizeof out);
            memset(again, 0x5a, sizeof again);
            ta_hqdn3d_along8(dst, src, top, &c, n);
            ta_hqdn3d_along16(dst16, src16, 8, top, &c, n);
            assert_memory_equal(out, again, sizeof out);
            for (int r = 0; r < TA_HQDN3D_ROWS; r++) {
                int x = in[r][0] * 256 + 127 + (top && r == 0 ? c.pull[0] : 0);
                for (int i = 0; i < n; i++) {
                    int sample = in[r][i] * 256 + 127;
                    x = i ? sample + c.pull[(x - sample) >> 4] : x;
                    assert_int_equal(out[r][i], x);
                }
                assert_int_equal(out[r][n], 0x5a5a);
            }
        }
    ta_hqdn3d_curve_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        SET_TEST(kernels, "avx2"),
        SET_TEST(kernels, "avx512"),
#endif
        cmocka_unit_test(curves),
        cmocka_unit_test(along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
