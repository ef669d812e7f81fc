// The kernels of bwdif.h over the vectors of vectors_*.h. The file that includes this one defines TABLE and
// TABLE_NAME. Samples of up to 13 bits are worked on in 16, four of them added; deeper ones are plain C's.
// Empty without vectors.
#ifndef TA_DSP_BWDIF_SIMD_H
#define TA_DSP_BWDIF_SIMD_H
#ifdef VEC

enum { MOST = (1 << 13) - 1, COMING = 5 };

INLINE VEC at(const void *row, int i, int left, int wide)
{
    return wide ? load((const uint16_t *)row + i, left) : load_bytes((const uint8_t *)row + i, left);
}

INLINE void put(void *dst, VEC x, int i, int left, int wide)
{
    if (wide)
        store((uint16_t *)dst + i, x, left);
    else
        store_bytes((uint8_t *)dst + i, x, left);
}

INLINE VEC apart(VEC a, VEC b)
{
    return V(abs_epi16)(V(sub_epi16)(a, b));
}

INLINE VEC least(VEC a, VEC b)
{
    return V(min_epi16)(a, b);
}

INLINE VEC most_of(VEC a, VEC b)
{
    return V(max_epi16)(a, b);
}

// Sums of products of two samples each, in the order of unpacking.
struct products {
    VEC low, high;
};

INLINE struct products weigh(VEC a, VEC b, int weight_a, int weight_b)
{
    VEC weights = V(set1_epi32)((int)((uint16_t)weight_a | (uint32_t)(uint16_t)weight_b << 16));
    return (struct products){V(madd_epi16)(V(unpacklo_epi16)(a, b), weights),
                             V(madd_epi16)(V(unpackhi_epi16)(a, b), weights)};
}

INLINE struct products plus(struct products a, struct products b)
{
    return (struct products){V(add_epi32)(a.low, b.low), V(add_epi32)(a.high, b.high)};
}

INLINE VEC settle(struct products p)
{
    return V(packs_epi32)(V(srai_epi32)(p.low, 13), V(srai_epi32)(p.high, 13));
}

INLINE VEC vertical(VEC near, VEC far)
{
    return settle(weigh(near, far, TA_BWDIF_VERTICAL_NEAR, TA_BWDIF_VERTICAL_FAR));
}

INLINE VEC three_fields(VEC near_here, VEC far_here, VEC place, VEC near, VEC far)
{
    struct products high = plus(weigh(place, near, TA_BWDIF_HIGH_PLACE, TA_BWDIF_HIGH_NEAR),
                                weigh(far, V(set1_epi16)(0), TA_BWDIF_HIGH_FAR, 0));
    high.low = V(srai_epi32)(high.low, 2);
    high.high = V(srai_epi32)(high.high, 2);
    return settle(plus(high, weigh(near_here, far_here, TA_BWDIF_LOW_NEAR, TA_BWDIF_LOW_FAR)));
}

INLINE void row_step(void *dst, const struct ta_bwdif_rows *r, enum ta_bwdif_kind kind, VEC most, int wide,
                     int i, int left)
{
    const VEC none = V(set1_epi16)(0);
    VEC above = at(r->here[1], i, left, wide), below = at(r->here[2], i, left, wide);
    VEC before = at(r->fields_before[2], i, left, wide), after = at(r->fields_after[2], i, left, wide);
    VEC place = V(add_epi16)(before, after), mean = V(srai_epi16)(place, 1), change = apart(before, after);
    VEC change_before = V(add_epi16)(apart(at(r->earlier[0], i, left, wide), above),
                                     apart(at(r->earlier[1], i, left, wide), below));
    VEC change_after = V(add_epi16)(apart(at(r->later[0], i, left, wide), above),
                                    apart(at(r->later[1], i, left, wide), below));
    VEC moved = V(srai_epi16)(most_of(change, most_of(change_before, change_after)), 1), freedom = moved;

    VEC near = none;
    if (kind != TA_BWDIF_OUTMOST) {
        VEC up = V(add_epi16)(at(r->fields_before[1], i, left, wide), at(r->fields_after[1], i, left, wide));
        VEC down = V(add_epi16)(at(r->fields_before[3], i, left, wide),
                                at(r->fields_after[3], i, left, wide));
        VEC rise = V(sub_epi16)(V(srai_epi16)(up, 1), above),
            fall = V(sub_epi16)(V(srai_epi16)(down, 1), below);
        VEC to_above = V(sub_epi16)(mean, above), to_below = V(sub_epi16)(mean, below);
        VEC high = most_of(most_of(to_above, to_below), least(rise, fall));
        VEC low = least(least(to_above, to_below), most_of(rise, fall));
        freedom = most_of(freedom, most_of(low, V(sub_epi16)(none, high)));
        near = V(add_epi16)(up, down);
    }
    VEC around = V(add_epi16)(above, below), x = V(srai_epi16)(around, 1);
    if (kind == TA_BWDIF_INNER) {
        VEC beyond = V(add_epi16)(at(r->here[0], i, left, wide), at(r->here[3], i, left, wide));
        VEC far = V(add_epi16)(
            V(add_epi16)(at(r->fields_before[0], i, left, wide), at(r->fields_after[0], i, left, wide)),
            V(add_epi16)(at(r->fields_before[4], i, left, wide), at(r->fields_after[4], i, left, wide)));
        x = where_greater(apart(above, below), change, three_fields(around, beyond, place, near, far),
                          vertical(around, beyond));
    }
    x = least(most_of(x, V(sub_epi16)(mean, freedom)), V(add_epi16)(mean, freedom));
    x = least(most_of(x, none), most);
    put(dst, where_greater(moved, none, x, mean), i, left, wide);
}

INLINE void alone_step(void *dst, const void *const here[4], VEC most, int wide, int i, int left)
{
    VEC near = V(add_epi16)(at(here[1], i, left, wide), at(here[2], i, left, wide));
    VEC far = V(add_epi16)(at(here[0], i, left, wide), at(here[3], i, left, wide));
    put(dst, least(most_of(vertical(near, far), V(set1_epi16)(0)), most), i, left, wide);
}

// Where the row behind these two lies; at a plane's end, where there is none.
INLINE uintptr_t row_behind(const void *row, const void *next)
{
    return 2 * (uintptr_t)next - (uintptr_t)row;
}

// What the next row of its field takes that this one does not: they are more streams than a processor
// foresees.
struct coming {
    uintptr_t rows[COMING];
};

INLINE struct coming foresee(const struct ta_bwdif_rows *r)
{
    return (struct coming){{row_behind(r->here[2], r->here[3]), row_behind(r->earlier[0], r->earlier[1]),
                            row_behind(r->later[0], r->later[1]),
                            row_behind(r->fields_before[3], r->fields_before[4]),
                            row_behind(r->fields_after[3], r->fields_after[4])}};
}

INLINE void row_of(void *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int most, int wide,
                   int n)
{
    const struct ta_bwdif_rows r = *rows; // whose pointers the samples written can't change
    const VEC top = V(set1_epi16)((short)most);
    const struct coming coming = kind == TA_BWDIF_INNER && wide ? foresee(&r) : (struct coming){{0}};
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < COMING && kind == TA_BWDIF_INNER && wide; k++)
            __builtin_prefetch((const void *)(coming.rows[k] + (uintptr_t)i * sizeof(uint16_t)));
        row_step(dst, &r, kind, top, wide, i, LANES);
    }
    if (i < n)
        row_step(dst, &r, kind, top, wide, i, n - i);
}

INLINE void row_of_kind(void *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int most,
                        int wide, int n)
{
    if (kind == TA_BWDIF_INNER)
        row_of(dst, rows, TA_BWDIF_INNER, most, wide, n);
    else if (kind == TA_BWDIF_BORDER)
        row_of(dst, rows, TA_BWDIF_BORDER, most, wide, n);
    else
        row_of(dst, rows, TA_BWDIF_OUTMOST, most, wide, n);
}

INLINE void alone_of(void *dst, const void *const here[4], int most, int wide, int n)
{
    const VEC top = V(set1_epi16)((short)most);
    for (int i = 0; i < n; i += LANES)
        alone_step(dst, here, top, wide, i, n - i);
}

static void row8(uint8_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int n)
{
    row_of_kind(dst, rows, kind, 255, 0, n);
}

static void row16(uint16_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int most, int n)
{
    if (most > MOST)
        ta_bwdif_dsp_c.row16(dst, rows, kind, most, n);
    else
        row_of_kind(dst, rows, kind, most, 1, n);
}

static void alone8(uint8_t *dst, const void *const here[4], int n)
{
    alone_of(dst, here, 255, 0, n);
}

static void alone16(uint16_t *dst, const void *const here[4], int most, int n)
{
    if (most > MOST)
        ta_bwdif_dsp_c.alone16(dst, here, most, n);
    else
        alone_of(dst, here, most, 1, n);
}

const struct ta_bwdif_dsp TABLE = {
    .name = TABLE_NAME,
    .row8 = row8,
    .row16 = row16,
    .alone8 = alone8,
    .alone16 = alone16,
};

#endif
#endif
