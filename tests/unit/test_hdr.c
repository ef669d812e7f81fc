// HDR: the curves by their definitions, white where BT.2408 has it, rising ramps, colours against a plain
// computation in doubles; and the kernels of all instruction sets: the same bits, nothing else written.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/hdr.h"

#include "sets.h"

static const struct ta_hdr_source
    ntsc = {0.299, 0.114, false, TA_HDR_BT1886, {0.630, 0.340, 0.310, 0.595, 0.155, 0.070}},
    hd = {0.2126, 0.0722, false, TA_HDR_BT1886, {0.640, 0.330, 0.300, 0.600, 0.150, 0.060}},
    full = {0.2126, 0.0722, true, TA_HDR_SRGB, {0.640, 0.330, 0.300, 0.600, 0.150, 0.060}};
static const struct ta_hdr_source *const sources[] = {&ntsc, &hd, &full};
static const int peaks[] = {203, 220, 400, 1000};

static struct ta_hdr tables;

static void convert_one(const int in[3], int out[3], struct ta_hdr_light *light)
{
    uint16_t px[3] = {(uint16_t)in[0], (uint16_t)in[1], (uint16_t)in[2]};
    uint16_t *const to[3] = {px, px + 1, px + 2};
    const uint16_t *const from[3] = {px, px + 1, px + 2};
    ta_hdr_dsp_c.convert(to, from, &tables, 1, light);
    for (int k = 0; k < 3; k++)
        out[k] = px[k];
}

// ---- the definitions, once more ----

static double pq_of(double light)
{
    double y = pow(light / 10000, 0.1593017578125);
    return pow((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y), 78.84375);
}

static double hlg_of(double e)
{
    return e <= 1.0 / 12 ? sqrt(3 * e) : 0.17883277 * log(12 * e - 0.28466892) + 0.55991073;
}

static void curves_are_as_defined(void **state)
{
    (void)state;
    for (double x = 1e-7; x <= 10000; x *= 1.07)
        if (fabs(ta_hdr_pq(x) - pq_of(x)) > 1e-12)
            fail_msg("PQ of %g is %.17g, not %.17g", x, ta_hdr_pq(x), pq_of(x));
    for (double x = 0; x <= 1; x += 0.0007)
        if (fabs(ta_hdr_hlg(x) - hlg_of(x)) > 1e-12)
            fail_msg("HLG of %g is %.17g, not %.17g", x, ta_hdr_hlg(x), hlg_of(x));
    assert_true(fabs(ta_hdr_pq(10000) - 1) < 1e-12);
    assert_true(ta_hdr_pq(0) < 1e-6);
    // Table 1 of BT.2408: 203 cd/m2 are 58 % of PQ and 75 % of HLG, 100 % of SDR.
    assert_int_equal(lround(64 + 876 * ta_hdr_pq(203)), 573);
    assert_int_equal(lround(64 + 876 * ta_hdr_hlg(pow(0.203, 1 / 1.2))), 721);
}

static void gamut_is_bt2087(void **state)
{
    (void)state;
    static const double want[9] = {0.6274, 0.3293, 0.0433, 0.0691, 0.9195, 0.0114, 0.0164, 0.0880, 0.8956};
    ta_hdr_init(&tables, &hd, false, 400);
    for (int i = 0; i < 9; i++)
        if (fabs((double)tables.gamut[i] - want[i]) > 6e-5)
            fail_msg("element %d is %.6f, not %.4f", i, (double)tables.gamut[i], want[i]);
}

static void white_and_black(void **state)
{
    (void)state;
    for (size_t s = 0; s < TA_COUNT(sources); s++)
        for (size_t p = 0; p < TA_COUNT(peaks); p++)
            for (int hlg = 0; hlg < 2; hlg++) {
                ta_hdr_init(&tables, sources[s], hlg, peaks[p]);
                bool wide = sources[s]->full_range;
                int out[3];
                struct ta_hdr_light light = {0};
                convert_one((int[]){wide ? 65535 : 235 << 8, 1 << 15, 1 << 15}, out, &light);
                assert_int_equal((out[0] + 32) >> 6, hlg ? 721 : 573);
                assert_int_equal(out[1], 1 << 15);
                assert_int_equal(out[2], 1 << 15);
                assert_int_equal(light.highest, 203 * TA_HDR_LIGHT);
                assert_int_equal(light.sum, 203 * TA_HDR_LIGHT);
                light = (struct ta_hdr_light){0};
                convert_one((int[]){wide ? 0 : 16 << 8, 1 << 15, 1 << 15}, out, &light);
                assert_int_equal(out[0], 16 << 8);
                assert_int_equal(light.highest, 0);
                if (wide)
                    continue;
                // What is blacker is black; the brightest that video has is the peak.
                convert_one((int[]){1 << 8, 1 << 15, 1 << 15}, out, &light);
                assert_int_equal(out[0], 16 << 8);
                convert_one((int[]){254 << 8, 1 << 15, 1 << 15}, out, &light);
                double peak = peaks[p];
                double signal = hlg ? hlg_of(pow(peak / 1000, 1 / 1.2)) : pq_of(peak);
                assert_true(fabs(out[0] - (4096 + 56064 * signal)) <= 3);
                assert_true(abs((int)light.highest - peaks[p] * TA_HDR_LIGHT) <= 1);
            }
}

// At any depth: the codes of fewer bits are among those of 16.
static void gray_ramps_rise(void **state)
{
    (void)state;
    for (size_t s = 0; s < TA_COUNT(sources); s++)
        for (size_t p = 0; p < TA_COUNT(peaks); p++)
            for (int hlg = 0; hlg < 2; hlg++) {
                ta_hdr_init(&tables, sources[s], hlg, peaks[p]);
                int last = 0, before_8 = 0;
                for (int y = 0; y < 65536; y++) {
                    int out[3];
                    struct ta_hdr_light light = {0};
                    convert_one((int[]){y, 1 << 15, 1 << 15}, out, &light);
                    if (out[0] < last || out[1] != 1 << 15 || out[2] != 1 << 15)
                        fail_msg("source %zu, peak %d, hlg %d: %d gives %d %d %d after %d", s, peaks[p], hlg,
                                 y, out[0], out[1], out[2], last);
                    last = out[0];
                    // From black to white all levels of 8 bits stay apart.
                    if (y % 256 == 0 && y >= 17 << 8 && y <= 235 << 8) {
                        assert_true(out[0] > before_8);
                        before_8 = out[0];
                    }
                }
            }
}

static double light_of(const struct ta_hdr_source *s, double x)
{
    if (s->transfer == TA_HDR_SRGB)
        return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
    return pow(x, 2.4);
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

// The same in doubles, with the gamut's matrix as given.
static void reference(const struct ta_hdr_source *s, bool hlg, int peak, const int in[3], double out[3])
{
    double y = s->full_range ? in[0] / 65535.0 : (in[0] - 4096) / 56064.0;
    double u = (in[1] - 32768) / (s->full_range ? 65535.0 : 57344.0),
           v = (in[2] - 32768) / (s->full_range ? 65535.0 : 57344.0);
    double kg = 1 - s->kr - s->kb, top = s->full_range ? 1 : (254 - 16) / 219.0;
    double rgb[3] = {y + 2 * (1 - s->kr) * v,
                     y - 2 * (1 - s->kb) * s->kb / kg * u - 2 * (1 - s->kr) * s->kr / kg * v,
                     y + 2 * (1 - s->kb) * u},
           lin[3], wide[3];
    for (int k = 0; k < 3; k++)
        lin[k] = light_of(s, clamp(rgb[k], 0, top));
    for (int k = 0; k < 3; k++)
        wide[k] = fmax((double)tables.gamut[3 * k] * lin[0] + (double)tables.gamut[3 * k + 1] * lin[1] +
                           (double)tables.gamut[3 * k + 2] * lin[2],
                       0);
    double lum = 0.2627 * wide[0] + 0.6780 * wide[1] + 0.0593 * wide[2], gain = 1;
    double room = peak / 203.0 - 1, t_max = light_of(s, top) - 1;
    if (lum > 1) {
        double t = lum - 1, bend = room > t_max ? (room - t_max) / (t_max * t_max) : 0;
        gain = (1 + fmin(t + bend * t * t, room)) / lum;
    }
    double signal[3];
    for (int k = 0; k < 3; k++) {
        double display = fmin(wide[k] * gain, peak / 203.0) * 203;
        double scene = lum > 0 ? display / 1000 * pow(lum * gain * 0.203, 1 / 1.2 - 1) : 0;
        signal[k] = hlg ? fmin(hlg_of(scene), 1) : pq_of(display);
    }
    double l = 0.2627 * signal[0] + 0.6780 * signal[1] + 0.0593 * signal[2];
    out[0] = 4096 + 56064 * l;
    out[1] = 32768 + 57344 * (signal[2] - l) / 1.8814;
    out[2] = 32768 + 57344 * (signal[0] - l) / 1.4746;
}

static unsigned seed = 7;

static int random_code(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)(seed >> 16);
}

static void colours_are_right(void **state)
{
    (void)state;
    double worst = 0;
    for (size_t s = 0; s < TA_COUNT(sources); s++)
        for (size_t p = 0; p < TA_COUNT(peaks); p++)
            for (int hlg = 0; hlg < 2; hlg++) {
                ta_hdr_init(&tables, sources[s], hlg, peaks[p]);
                for (int i = 0; i < 3000; i++) {
                    // Mostly colours that exist, and some that no display has.
                    int spread = i % 4 ? 12000 : 65535;
                    int in[3] = {random_code(), 32768 + (random_code() - 32768) * spread / 65536,
                                 32768 + (random_code() - 32768) * spread / 65536};
                    int out[3];
                    double want[3];
                    struct ta_hdr_light light = {0};
                    convert_one(in, out, &light);
                    reference(sources[s], hlg, peaks[p], in, want);
                    for (int k = 0; k < 3; k++) {
                        double off = fabs(out[k] - want[k]);
                        worst = fmax(worst, off);
                        if (off > 32) // half a code of 10 bits
                            fail_msg("source %zu, peak %d, hlg %d: %d %d %d, plane %d: %d, not %.1f", s,
                                     peaks[p], hlg, in[0], in[1], in[2], k, out[k], want[k]);
                    }
                    assert_true((int)light.highest <= peaks[p] * TA_HDR_LIGHT + 1);
                }
            }
    print_message("worst: %.2f codes of 10 bits\n", worst / 64);
}

// ---- instruction sets ----

enum { MAX_N = 600, GUARD = 32 };

static void same_bits(const struct ta_hdr_dsp *d)
{
    static const int lengths[] = {0,  1,  2,  3,   7,   8,   9,   15,  16,   17,
                                  31, 33, 63, 255, 256, 257, 511, 513, MAX_N};
    static uint16_t in[3][MAX_N + 2 * GUARD], a[3][MAX_N + 2 * GUARD], b[3][MAX_N + 2 * GUARD];
    for (size_t s = 0; s < TA_COUNT(sources); s++)
        for (size_t p = 0; p < TA_COUNT(peaks); p++)
            for (size_t i = 0; i < TA_COUNT(lengths); i++) {
                bool hlg = i & 1;
                ta_hdr_init(&tables, sources[s], hlg, peaks[p]);
                for (int k = 0; k < 3; k++)
                    for (int x = 0; x < MAX_N + 2 * GUARD; x++) {
                        int kind = random_code() % 8;
                        in[k][x] = (uint16_t)(kind == 0 ? 0 : kind == 1 ? 65535 : random_code());
                        a[k][x] = b[k][x] = 0x5aa5;
                    }
                int at = GUARD - (int)i % 3; // unaligned, too
                const uint16_t *const from[3] = {in[0] + at, in[1] + at, in[2] + at};
                uint16_t *const to_a[3] = {a[0] + at, a[1] + at, a[2] + at}, *const to_b[3] = {b[0] + at,
                                                                                               b[1] + at,
                                                                                               b[2] + at};
                struct ta_hdr_light la = {.highest = 3, .sum = 5}, lb = la;
                ta_hdr_dsp_c.convert(to_a, from, &tables, lengths[i], &la);
                d->convert(to_b, from, &tables, lengths[i], &lb);
                assert_memory_equal(a, b, sizeof a);
                assert_int_equal(la.highest, lb.highest);
                assert_int_equal(la.sum, lb.sum);
                for (int k = 0; k < 3; k++)
                    for (int x = 0; x < MAX_N + 2 * GUARD; x++)
                        if (x < at || x >= at + lengths[i])
                            assert_int_equal(b[k][x], 0x5aa5);
                // In place: the same.
                memcpy(b, in, sizeof b);
                d->convert(to_b, (const uint16_t *const *)to_b, &tables, lengths[i], &lb);
                for (int k = 0; k < 3; k++)
                    assert_memory_equal(to_b[k], to_a[k], (size_t)lengths[i] * 2);
            }
}

static void plain_c(void **state)
{
    (void)state;
    same_bits(&ta_hdr_dsp_c);
}

static void set_agrees(void **state)
{
    use_set(state);
    assert_true(ta_hdr_dsp() != &ta_hdr_dsp_c);
    same_bits(ta_hdr_dsp());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_as_defined),
        cmocka_unit_test(gamut_is_bt2087),
        cmocka_unit_test(white_and_black),
        cmocka_unit_test(gray_ramps_rise),
        cmocka_unit_test(colours_are_right),
        cmocka_unit_test(plain_c),
#ifdef __x86_64__
        SET_TEST(set_agrees, "avx2"),
        SET_TEST(set_agrees, "avx512"),
#endif

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
