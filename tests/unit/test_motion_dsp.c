// The kernels of motion compensation: each instruction set gives the bits of plain C, reads and writes
// nothing but what is named, at odd lengths, all depths and extreme values; plain C computes what is meant.
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

#include "sets.h"

enum {
    MAX_N = 200,
    ROWS = 24,
    STEP = 56,
    MOST = (1 << TA_MOTION_DEPTH) - 1,
    BLOCK = TA_MOTION_BLOCK,
    ROUNDS = 4
};

static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, MAX_N};
static uint32_t seed = 1;

static uint32_t random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// The ends, anything, small differences, nothing.
static unsigned random_sample(int round, unsigned most)
{
    unsigned r = random_bits();
    return round == 0   ? (r & 1 ? most : 0)
           : round == 1 ? r % (most + 1)
           : round == 2 ? most / 2 + (r & 7)
                        : 77;
}

// Exactly so many, so that a sanitizer sees what reads beyond.
static uint16_t *words(int count, int round, unsigned most)
{
    uint16_t *p = malloc((size_t)count * sizeof *p + 1);
    assert_non_null(p);
    for (int i = 0; i < count; i++)
        p[i] = (uint16_t)random_sample(round, most);
    return p;
}

static uint8_t *bytes(int count, int round)
{
    uint8_t *p = malloc((size_t)count + 1);
    assert_non_null(p);
    for (int i = 0; i < count; i++)
        p[i] = (uint8_t)random_sample(round, 255);
    return p;
}

static void expect_same(const struct ta_motion_dsp *own, const char *kernel, const void *a, const void *b,
                        size_t size, int n, int round)
{
    if (memcmp(a, b, size))
        fail_msg("%s: %s of %d differs from plain C (round %d)", own->name, kernel, n, round);
}

struct output {
    uint16_t words[MAX_N + 32];
    uint8_t bytes[MAX_N + 32];
};

static void depths_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int n, int round)
{
    for (int depth = 8; depth <= 16; depth++) {
        struct output a, b;
        memset(&a, 0x5a, sizeof a);
        memset(&b, 0x5a, sizeof b);
        uint8_t *narrow = bytes(n, round);
        uint16_t *wide = words(n, round, (1u << depth) - 1), *twelve = words(n, round, MOST);
        c->widen8(a.words, narrow, n);
        own->widen8(b.words, narrow, n);
        expect_same(own, "widen8", &a, &b, sizeof a, n, round);
        c->widen16(a.words, wide, depth, n);
        own->widen16(b.words, wide, depth, n);
        expect_same(own, "widen16", &a, &b, sizeof a, n, round);
        for (int i = 0; i < n; i++)
            assert_true(a.words[i] <= MOST);
        c->narrow8(a.bytes, twelve, n);
        own->narrow8(b.bytes, twelve, n);
        c->narrow16(a.words, twelve, depth, n);
        own->narrow16(b.words, twelve, depth, n);
        expect_same(own, "narrow", &a, &b, sizeof a, n, round);
        for (int i = 0; i < n; i++)
            assert_true(a.words[i] < 1 << depth);
        free(narrow);
        free(wide);
        free(twelve);
    }
}

static void rows_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int n, int round)
{
    struct output a, b;
    memset(&a, 0x5a, sizeof a);
    memset(&b, 0x5a, sizeof b);
    uint16_t *w[4];
    uint8_t *h[2];
    for (int i = 0; i < 4; i++)
        w[i] = words(n + 2 * TA_MOTION_MARGIN, round, MOST);
    for (int i = 0; i < 2; i++)
        h[i] = bytes(2 * n, round);
    // The margin of blur() is 1: rows of just that length.
    const uint16_t *ends[3];
    for (int i = 0; i < 3; i++)
        ends[i] = w[i] + (2 * TA_MOTION_MARGIN - 2) + 1;
    c->blur(a.bytes, ends, n);
    own->blur(b.bytes, ends, n);
    expect_same(own, "blur", &a, &b, sizeof a, n, round);
    c->halve(a.bytes, (const uint8_t *const *)h, n);
    own->halve(b.bytes, (const uint8_t *const *)h, n);
    expect_same(own, "halve", &a, &b, sizeof a, n, round);
    c->differ(a.words, w[0] + TA_MOTION_MARGIN, w[1] + TA_MOTION_MARGIN, n);
    own->differ(b.words, w[0] + TA_MOTION_MARGIN, w[1] + TA_MOTION_MARGIN, n);
    expect_same(own, "differ", &a, &b, sizeof a, n, round);
    c->vertical(a.words, (const uint16_t *const *)w, n);
    own->vertical(b.words, (const uint16_t *const *)w, n);
    expect_same(own, "vertical", &a, &b, sizeof a, n, round);
    for (int i = 0; i < 4; i++)
        free(w[i]);
    for (int i = 0; i < 2; i++)
        free(h[i]);
}

static void fusion_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int n, int round)
{
    struct output a, b;
    memset(&a, 0x5a, sizeof a);
    memset(&b, 0x5a, sizeof b);
    struct ta_motion_guess g[TA_MOTION_GUESSES];
    uint16_t *base = words(n, round, MOST), *spread = words(n, round, TA_MOTION_BOX * MOST);
    float *phase = malloc(((size_t)n + 1) * sizeof *phase);
    for (int i = 0; i < n; i++)
        phase[i] = (float)(random_bits() % 5);
    for (int k = 0; k < TA_MOTION_GUESSES; k++)
        g[k] = (struct ta_motion_guess){.row = words(n, round, MOST),
                                        .above = words(n, (round + k) % ROUNDS, TA_MOTION_BOX * MOST),
                                        .below = words(n, round, TA_MOTION_BOX * MOST),
                                        .phase = phase,
                                        .trust = k ? 1.365f : 0.01f,
                                        .strict = k ? 1 : 64};
    for (int count = 0; count <= TA_MOTION_GUESSES; count++) {
        c->fuse(a.words, base, spread, g, count, n);
        own->fuse(b.words, base, spread, g, count, n);
        expect_same(own, "fuse", &a, &b, sizeof a, n, round);
        for (int i = 0; i < n; i++)
            if (a.words[i] > MOST || (!count && a.words[i] != base[i]))
                fail_msg("%d guesses make %d of %d", count, a.words[i], base[i]);
    }
    for (int k = 0; k < TA_MOTION_GUESSES; k++) {
        free((void *)g[k].row);
        free((void *)g[k].above);
        free((void *)g[k].below);
    }
    free(base);
    free(spread);
    free(phase);
}

static void blocks_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int round)
{
    // Just what a block and its filter touch.
    uint8_t *a = bytes(15 * STEP + 16, round);
    uint8_t *more = bytes(16 * STEP + 17, round);
    const uint8_t *four[4] = {more, more + 1, more + STEP, more + STEP + 1};
    assert_int_equal(c->sad16_between(a, STEP, four, STEP), own->sad16_between(a, STEP, four, STEP));
    assert_int_equal(c->uneven(a, STEP), own->uneven(a, STEP));
    free(a);
    free(more);
    for (int f = 1; f < TA_MOTION_FRACTIONS * TA_MOTION_FRACTIONS; f++)
        for (int n = BLOCK; n <= 5 * BLOCK / 2; n += TA_MOTION_STEP) {
            uint16_t x[3 * BLOCK * BLOCK], y[3 * BLOCK * BLOCK];
            memset(x, 0x5a, sizeof x);
            memset(y, 0x5a, sizeof y);
            int fx = f % 4, fy = f / 4, before = fy ? STEP : 0, rows = fy ? BLOCK + 2 : BLOCK - 1;
            uint16_t *src = words(rows * STEP + n + (fx ? 3 : 0), round, MOST);
            c->between(x, n + 3, src + before + (fx ? 1 : 0), STEP, fx, fy, n);
            own->between(y, n + 3, src + before + (fx ? 1 : 0), STEP, fx, fy, n);
            expect_same(own, "between", x, y, sizeof x, f, round);
            for (int i = 0; i < BLOCK * (n + 3); i++)
                assert_true(i % (n + 3) < n ? x[i] <= MOST : x[i] == 0x5a5a);
            free(src);
        }
}

// Rows of blocks in pictures of just the size that places may reach.
static void search_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int round, int side,
                      ptrdiff_t step)
{
    enum { BLOCKS = 7, LINES = 3, REACH = 12, WIDTH = BLOCKS * 8 + 8 + 2 * REACH, HEIGHT = 32 + 2 * REACH };
    int size = (int)(step * (HEIGHT - 1)) + WIDTH;
    uint8_t *from = bytes(size, round), *to = bytes(size, (round + 1) % ROUNDS);
    struct ta_motion_place first[BLOCKS], second[BLOCKS];
    struct ta_motion_vector above[BLOCKS], a[LINES * BLOCKS + 1], b[LINES * BLOCKS + 1];
    for (int i = 0; i < BLOCKS; i++) {
        first[i] = (struct ta_motion_place){(int16_t)(random_bits() % 40 - 20), (int16_t)(random_bits() % 9)};
        second[i] = (struct ta_motion_place){(int16_t)(random_bits() % 9),
                                             (int16_t)(random_bits() % 40 - 20)};
        above[i] = (struct ta_motion_vector){(int16_t)(random_bits() % 9), (int16_t)(random_bits() % 9 - 4),
                                             0};
    }
    for (int kind = 0; kind < 32; kind++) {
        struct ta_motion_row rows[LINES];
        int count = 1 + kind % LINES, blocks = kind & 16 ? 1 + kind % 4 : BLOCKS;
        memset(a, 0x5a, sizeof a);
        memset(b, 0x5a, sizeof b);
        for (int other = 0; other < 2; other++) {
            for (int k = 0; k < count; k++) {
                int down = k * side / 2;
                rows[k] = (struct ta_motion_row){
                    .block = from + (REACH + down) * step + REACH,
                    .place = to + (REACH + down) * step + REACH,
                    .step = step,
                    .side = side,
                    .pitch = side / 2,
                    .count = blocks,
                    .first = first,
                    .second = kind & 8 ? NULL : second,
                    .least_x = -REACH,
                    .most_x = WIDTH - REACH - side,
                    .least_y = -REACH - down,
                    .most_y = HEIGHT - REACH - side - down,
                    .longest = 11,
                    .stray = 24,
                    .wide = kind & 2 ? 2 : 0,
                    .around = kind & 4 ? 4 : 8,
                };
                rows[k].vectors = (other ? b : a) + k * blocks;
                rows[k].above = k ? rows[k - 1].vectors : kind & 1 ? above : NULL;
            }
            (other ? own : c)->search(rows, count);
        }
        expect_same(own, "search", a, b, sizeof a, side, round);
        for (int k = 0; k < count; k++)
            for (int i = 0; i < blocks; i++) {
                const struct ta_motion_row *r = &rows[k];
                const struct ta_motion_vector *v = &a[k * blocks + i];
                if (abs(v->x) > r->longest || v->x > r->most_x - i * r->pitch || v->y < r->least_y ||
                    v->y > r->most_y)
                    fail_msg("block %d of row %d went to %d,%d", i, k, v->x, v->y);
            }
    }
    free(from);
    free(to);
}

static void overlap_of(const struct ta_motion_dsp *own, const struct ta_motion_dsp *c, int round)
{
    enum { CELLS = 5 };
    for (int rows = 1; rows <= TA_MOTION_STEP; rows++) {
        uint16_t *src = words(ROWS * STEP, round, MOST), *a = words(ROWS * STEP, 3, MOST),
                 *b = words(ROWS * STEP, 3, MOST);
        struct ta_motion_block above[CELLS + 1], below[CELLS + 1];
        for (int i = 0; i <= CELLS; i++) {
            // The first cells are the same place of one picture.
            int stray = i < 3 ? 8 * i : (int)(random_bits() % (STEP - 16));
            above[i] = (struct ta_motion_block){src + stray, STEP};
            below[i] = (struct ta_motion_block){src + (i < 3 ? stray : stray + 8 * STEP), STEP};
        }
        c->overlap(a, STEP, above, below, CELLS, rows);
        own->overlap(b, STEP, above, below, CELLS, rows);
        expect_same(own, "overlap", a, b, ROWS * STEP * sizeof *a, rows, round);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < 16; x++)
                assert_int_equal(a[y * STEP + x], src[y * STEP + 8 + x]);
        assert_int_equal(a[8 * CELLS], 77);
        free(src);
        free(a);
        free(b);
    }
}

static void kernels(void **state)
{
    const struct ta_motion_dsp *c = &ta_motion_dsp_c, *own;
    use_set(state);
    own = ta_motion_dsp();
    assert_true(own && own != c);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t l = 0; l < TA_COUNT(lengths); l++) {
            depths_of(own, c, lengths[l], round);
            rows_of(own, c, lengths[l], round);
            fusion_of(own, c, lengths[l], round);
        }
        for (int i = 0; i < 20; i++) {
            blocks_of(own, c, round);
            search_of(own, c, round, 8, 88);
            search_of(own, c, round, BLOCK, 88);
        }
        search_of(own, c, round, BLOCK, INT16_MAX + 8);
        overlap_of(own, c, round);
    }
}

// ---- what plain C computes ----

static void found(void **state)
{
    (void)state;
    enum { STRIDE = 64, SHIFT_X = 3, SHIFT_Y = -2 };
    static uint8_t from[STRIDE * STRIDE], to[STRIDE * STRIDE];
    for (int i = 0; i < STRIDE * STRIDE; i++)
        from[i] = (uint8_t)(i % STRIDE * 5 + (i / STRIDE) * (i / STRIDE) + (i % 7));
    for (int y = 4; y < STRIDE - 4; y++)
        for (int x = 4; x < STRIDE - 4; x++)
            to[(y + SHIFT_Y) * STRIDE + x + SHIFT_X] = from[y * STRIDE + x];
    struct ta_motion_place none[2] = {{0, 0}, {0, 0}}, near[2] = {{2, -2}, {2, -2}};
    struct ta_motion_vector v[2];
    struct ta_motion_row r = {
        .block = from + 16 * STRIDE + 16,
        .place = to + 16 * STRIDE + 16,
        .step = STRIDE,
        .side = BLOCK,
        .pitch = 8,
        .count = 2,
        .first = none,
        .second = near,
        .vectors = v,
        .least_x = -8,
        .most_x = 16,
        .least_y = -8,
        .most_y = 8,
        .longest = 100,
        .stray = 1,
        .around = 4,
    };
    ta_motion_dsp_c.search(&r, 1);
    for (int i = 0; i < 2; i++)
        if (v[i].x != SHIFT_X || v[i].y != SHIFT_Y || v[i].error)
            fail_msg("block %d went to %d,%d, %d off", i, v[i].x, v[i].y, v[i].error);
    // Where nothing is better elsewhere, what was expected is kept, and every second row counts twice.
    memset(from, 10, sizeof from);
    memset(to, 13, sizeof to);
    ta_motion_dsp_c.search(&r, 1);
    assert_int_equal(v[1].x, 0);
    assert_int_equal(v[1].y, 0);
    assert_int_equal(v[1].error, 3 * BLOCK * BLOCK);
    uint8_t a[16 * 16], b[17 * 17];
    memset(b, 10, sizeof b);
    memset(a, 10, sizeof a);
    const uint8_t *four[4] = {b, b + 1, b + 17, b + 18};
    assert_int_equal(ta_motion_dsp_c.sad16_between(a, 16, four, 17), 0);
}

// Blocks at different places of a slope are blended without a step; what is flat stays as it is.
static void windows_add_up(void **state)
{
    (void)state;
    for (int value = 0; value <= MOST; value += 7) {
        uint16_t picture[4][16 * 16], out[8 * 8];
        struct ta_motion_block blocks[4];
        for (int k = 0; k < 4; k++) {
            for (int i = 0; i < 256; i++)
                picture[k][i] = (uint16_t)value;
            blocks[k] = (struct ta_motion_block){picture[k], 16};
        }
        ta_motion_dsp_c.overlap(out, 8, blocks, blocks + 2, 1, 8);
        for (int i = 0; i < 64; i++)
            if (out[i] != value)
                fail_msg("%d of %d", out[i], value);
    }
}

// A place between samples of a wave is what the wave is there.
static void filters(void **state)
{
    (void)state;
    uint16_t src[24 * 24], out[256];
    for (int fy = 0; fy < 4; fy++)
        for (int fx = fy ? 0 : 1; fx < 4; fx++) {
            for (int i = 0; i < 24 * 24; i++)
                src[i] = (uint16_t)(2048 + 1000 * sin(i % 24 * 0.6) + 500 * cos(i / 24 * 0.5));
            ta_motion_dsp_c.between(out, 16, src + 2 * 24 + 2, 24, fx, fy, 16);
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 16; x++) {
                    double want = 2048 + 1000 * sin((x + 2 + fx / 4.0) * 0.6) +
                                  500 * cos((y + 2 + fy / 4.0) * 0.5);
                    if (fabs(out[y * 16 + x] - want) > 20)
                        fail_msg("%d,%d at %d,%d: %d, should be %f", fx, fy, x, y, out[y * 16 + x], want);
                }
        }
}

// A guess that explains its surroundings decides against one that does not, and against the base.
static void weights(void **state)
{
    (void)state;
    uint16_t base = 1000, spread = 2000, good = 2000, bad = 3000, right = 0, wrong = 2880, out;
    float phase = 0;
    struct ta_motion_guess g[2] = {{&good, &right, &right, &phase, 1, 1},
                                   {&bad, &wrong, &wrong, &phase, 1, 1}};
    ta_motion_dsp_c.fuse(&out, &base, &spread, g, 2, 1);
    assert_in_range(out, 1995, 2005);
    ta_motion_dsp_c.fuse(&out, &base, &spread, g + 1, 1, 1); // 20 levels off: no better than interpolation
    assert_true(out < 2700 && out >= 1000);
    spread = 0; // both ways to interpolate agree
    ta_motion_dsp_c.fuse(&out, &base, &spread, g + 1, 1, 1);
    assert_in_range(out, 1000, 1010);
    // Two that are equally good: the mean.
    g[1].above = g[1].below = &right;
    spread = 30000;
    ta_motion_dsp_c.fuse(&out, &base, &spread, g, 2, 1);
    assert_in_range(out, 2490, 2510);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        SET_TEST(kernels, "avx2"), SET_TEST(kernels, "avx512"),
#endif
        cmocka_unit_test(found),   cmocka_unit_test(windows_add_up),
        cmocka_unit_test(filters), cmocka_unit_test(weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
