// The kernels of bwdif.h in plain C: what the others are tested against.
#include <stdbool.h>
#include <stdlib.h>

#include "dsp/bwdif.h"

#define INLINE static inline __attribute__((always_inline))

static inline int lesser(int a, int b)
{
    return a < b ? a : b;
}

static inline int greater(int a, int b)
{
    return a > b ? a : b;
}

static inline int within(int x, int least, int most)
{
    return lesser(greater(x, least), most);
}

INLINE int at(const void *row, int i, bool wide)
{
    return wide ? ((const uint16_t *)row)[i] : ((const uint8_t *)row)[i];
}

INLINE int vertical(int near, int far)
{
    return (TA_BWDIF_VERTICAL_NEAR * near + TA_BWDIF_VERTICAL_FAR * far) >> 13;
}

INLINE int sample(const struct ta_bwdif_rows *r, enum ta_bwdif_kind kind, int i, int most, bool wide)
{
    int above = at(r->here[1], i, wide), below = at(r->here[2], i, wide);
    int before = at(r->fields_before[2], i, wide), after = at(r->fields_after[2], i, wide);
    int mean = (before + after) >> 1, change = abs(before - after);
    int change_before = abs(at(r->earlier[0], i, wide) - above) + abs(at(r->earlier[1], i, wide) - below);
    int change_after = abs(at(r->later[0], i, wide) - above) + abs(at(r->later[1], i, wide) - below);
    int freedom = greater(change >> 1, greater(change_before, change_after) >> 1);
    if (!freedom)
        return mean;

    int near = 0; // rows 2 above and 2 below, in both fields
    if (kind != TA_BWDIF_OUTMOST) {
        int up = at(r->fields_before[1], i, wide) + at(r->fields_after[1], i, wide);
        int down = at(r->fields_before[3], i, wide) + at(r->fields_after[3], i, wide);
        int rise = (up >> 1) - above, fall = (down >> 1) - below;
        int to_above = mean - above, to_below = mean - below;
        int high = greater(greater(to_above, to_below), lesser(rise, fall));
        int low = lesser(lesser(to_above, to_below), greater(rise, fall));
        freedom = greater(freedom, greater(low, -high));
        near = up + down;
    }
    int x = (above + below) >> 1;
    if (kind == TA_BWDIF_INNER) {
        int beyond = at(r->here[0], i, wide) + at(r->here[3], i, wide);
        x = vertical(above + below, beyond);
        if (abs(above - below) > change) {
            int far = at(r->fields_before[0], i, wide) + at(r->fields_after[0], i, wide) +
                      at(r->fields_before[4], i, wide) + at(r->fields_after[4], i, wide);
            int high = (TA_BWDIF_HIGH_PLACE * (before + after) + TA_BWDIF_HIGH_NEAR * near +
                        TA_BWDIF_HIGH_FAR * far) >>
                       2;
            x = (high + TA_BWDIF_LOW_NEAR * (above + below) + TA_BWDIF_LOW_FAR * beyond) >> 13;
        }
    }
    return within(within(x, mean - freedom, mean + freedom), 0, most);
}

#define EACH(call)                  \
    do {                            \
        for (int i = 0; i < n; i++) \
            call;                   \
    } while (0)

static void row8(uint8_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int n)
{
    const struct ta_bwdif_rows r = *rows; // whose pointers the samples written can't change
    if (kind == TA_BWDIF_INNER)
        EACH(dst[i] = (uint8_t)sample(&r, TA_BWDIF_INNER, i, 255, false));
    else if (kind == TA_BWDIF_BORDER)
        EACH(dst[i] = (uint8_t)sample(&r, TA_BWDIF_BORDER, i, 255, false));
    else
        EACH(dst[i] = (uint8_t)sample(&r, TA_BWDIF_OUTMOST, i, 255, false));
}

static void row16(uint16_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int most, int n)
{
    const struct ta_bwdif_rows r = *rows;
    if (kind == TA_BWDIF_INNER)
        EACH(dst[i] = (uint16_t)sample(&r, TA_BWDIF_INNER, i, most, true));
    else if (kind == TA_BWDIF_BORDER)
        EACH(dst[i] = (uint16_t)sample(&r, TA_BWDIF_BORDER, i, most, true));
    else
        EACH(dst[i] = (uint16_t)sample(&r, TA_BWDIF_OUTMOST, i, most, true));
}

INLINE int alone(const void *const here[4], int i, int most, bool wide)
{
    int near = at(here[1], i, wide) + at(here[2], i, wide), far = at(here[0], i, wide) + at(here[3], i, wide);
    return within(vertical(near, far), 0, most);
}

static void alone8(uint8_t *dst, const void *const here[4], int n)
{
    EACH(dst[i] = (uint8_t)alone(here, i, 255, false));
}

static void alone16(uint16_t *dst, const void *const here[4], int most, int n)
{
    EACH(dst[i] = (uint16_t)alone(here, i, most, true));
}

const struct ta_bwdif_dsp ta_bwdif_dsp_c = {
    .name = "c",
    .row8 = row8,
    .row16 = row16,
    .alone8 = alone8,
    .alone16 = alone16,
};
