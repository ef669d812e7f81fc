// Jitter of lines in vectors: found where rows of blocks jitter, and nothing where things move, start to move
// or are not found.
// suite: thread
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/thread.h"
#include "video/motion_parts.h"
#include "video/steady.h"

enum { ACROSS = 40, DOWN = 50, RADIUS = 3, COUNT = 2 * RADIUS + 1, FAR = 1000 };

enum {
    WIDTH = (ACROSS - 1) * TA_MOTION_STEP,
    HEIGHT = (DOWN - 1) * TA_MOTION_STEP,
    STEP = WIDTH + 2 * TA_MOTION_PAD
};
static uint8_t samples[(HEIGHT + 2 * TA_MOTION_PAD) * STEP];

// Detail in each `every`th eight columns; the rest is flat.
static struct ta_motion_bytes_plane detail(int every)
{
    uint32_t seed = 9;
    for (int i = 0; i < (int)sizeof samples; i++) {
        seed = seed * 1664525u + 1013904223u;
        samples[i] = i % STEP / TA_MOTION_STEP % every ? 100 : (uint8_t)(100 + (seed >> 28));
    }
    return (struct ta_motion_bytes_plane){samples + TA_MOTION_PAD * STEP + TA_MOTION_PAD, STEP, WIDTH,
                                          HEIGHT};
}

static struct ta_motion_vector store[COUNT][DOWN * ACROSS];
static const struct ta_motion_vector *vectors[COUNT];

// In quarters: where the rows of a moment lie.
static double jitter(int away, int row)
{
    static const double phases[COUNT] = {0.3, 4.1, 2.2, 5.9, 1.1, 3.4, 0.9};
    return 4 * (1.0 * sin(row * 0.35 + 7 * phases[away + RADIUS]) +
                0.6 * sin(row * 0.15 + 3 * phases[away + RADIUS]));
}

// By whole samples, as searches find them; a tenth of the blocks lie anywhere, and all of those in flat
// places.
static void make(double jitters, double moves, double starts, int every)
{
    uint32_t seed = 5;
    for (int k = -RADIUS; k <= RADIUS; k++) {
        vectors[k + RADIUS] = k ? store[k + RADIUS] : NULL;
        for (int i = 0; i < DOWN * ACROSS; i++) {
            int row = i / ACROSS, column = i % ACROSS;
            double x = k * moves * (column < ACROSS / 2 ? 1 : -0.5) + (k > 0 ? k * starts : 0) +
                       jitters * (jitter(k, row) - jitter(0, row));
            seed = seed * 1664525u + 1013904223u;
            bool flat = (column + 3) % every && (column + 4) % every; // of its two halves
            if ((unsigned)i * 2654435761u >> 24 < 26 || flat)         // not found where it went
                x += (double)(seed >> 16 & 63) - 32;
            store[k + RADIUS][i] = (struct ta_motion_vector){(int16_t)(4 * lrint(x / 4)), 0, 100};
        }
    }
}

static double worst(int threads, bool jitters, int every)
{
    struct ta_pool *pool = NULL;
    if (threads > 1)
        assert_int_equal(ta_pool_create(&pool, threads), 0);
    struct ta_steady *s = ta_steady_create(ACROSS, DOWN, RADIUS, 1, pool);
    struct ta_motion_bytes_plane picture = detail(every);
    double most = 0;
    ta_steady_find(s, &picture, vectors, FAR);
    for (int k = -RADIUS; k <= RADIUS; k++) {
        for (int row = 0; row < DOWN && k; row++) {
            double along = 0; // what is even over the moments cannot be told from motion
            for (int i = 1; i <= RADIUS && jitters; i++)
                along += i * (jitter(i, row) - jitter(-i, row)) / 28;
            double expected = jitters ? jitter(k, row) - jitter(0, row) - k * along : 0;
            most = fmax(most, fabs(ta_steady_shifts(s, k)[row] - expected));
        }
    }
    ta_steady_destroy(&s);
    ta_pool_destroy(&pool);
    return most;
}

static void jitter_is_found(void **state)
{
    (void)state;
    for (int moves = 0; moves <= 32; moves += 8)
        for (int every = 1; every <= 4; every += 3) {
            make(1, moves, 0, every);
            for (int threads = 1; threads <= 3; threads += 2) {
                double most = worst(threads, true, every);
                if (most > 3) // of up to 12
                    fail_msg("moving by %d, detail in 1 of %d, %d threads: off by %.1f quarters", moves,
                             every, threads, most);
            }
        }
}

static void motion_is_none(void **state)
{
    (void)state;
    static const double cases[][2] = {{0, 0}, {6, 0}, {40, 0}, {0, 6}, {0, 12}, {8, -8}, {0, 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(0, cases[i][0], cases[i][1], 1);
        double most = worst(1, false, 1);
        if (most > 1)
            fail_msg("moves by %.0f, then by %.0f more: %.1f quarters are called jitter", cases[i][0],
                     cases[i][1], most);
    }
}

// Moments of one side alone, and blocks that were not found, say nothing.
static void unknown_is_none(void **state)
{
    (void)state;
    make(1, 0, 0, 1);
    for (int k = 1; k <= RADIUS; k++)
        vectors[RADIUS - k] = NULL;
    assert_true(worst(1, false, 1) == 0);
    make(1, 0, 0, 1);
    for (int i = 0; i < DOWN * ACROSS; i++)
        store[RADIUS + 1][i].error = FAR;
    struct ta_steady *s = ta_steady_create(ACROSS, DOWN, RADIUS, 1, NULL);
    struct ta_motion_bytes_plane picture = detail(1);
    ta_steady_find(s, &picture, vectors, FAR);
    for (int row = 0; row < DOWN; row++)
        assert_int_equal(ta_steady_shifts(s, 1)[row], 0);
    ta_steady_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jitter_is_found),
        cmocka_unit_test(motion_is_none),
        cmocka_unit_test(unknown_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
