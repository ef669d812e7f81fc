#include "media/index/picture_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/index/index_frames.h"

#define MOST_STEP 4
#define LEAST_STEADY 0.9 // of all pictures are a step from the one before

struct picture {
    int32_t number;
    size_t packet, earliest; // of those shown from this one on: the first in the file
};

static int by_number(const void *a, const void *b)
{
    const struct picture *x = a, *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                  : (x->packet > y->packet) - (x->packet < y->packet);
}

// Numbers begin anew with 0: the pictures first..end-1 are counted together, and are put in their order.
static size_t sort_next(struct picture *all, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && all[end].number)
        end++;
    qsort(all + first, end - first, sizeof(*all), by_number);
    for (size_t i = end; i-- > first;)
        all[i].earliest = i + 1 < end ? TA_MIN(all[i].packet, all[i + 1].earliest) : all[i].packet;
    return end;
}

static int64_t distance(const struct picture *p)
{
    return (int64_t)p[1].number - p[0].number;
}

// Pictures that are missing at one place of the file are shown at several.
static int64_t count_gaps(const struct picture *all, const size_t *ends, size_t runs, int64_t step,
                          const struct ta_index_packet *packets, bool *cut_off)
{
    size_t count = runs ? ends[runs - 1] : 0, place = 0;
    int64_t gaps = 0;
    for (size_t r = 0; r < runs; r++) {
        bool twice = false;
        for (size_t i = r ? ends[r - 1] : 0; i + 1 < ends[r]; i++) {
            size_t next = all[i + 1].earliest;
            twice |= !distance(&all[i]);
            if (distance(&all[i]) <= step || (packets[next].flags & TA_PACKET_KEY))
                continue;
            bool end = count - next <= TA_REORDER_MAX, same = gaps && next - place <= TA_REORDER_MAX;
            *cut_off |= end && !same;
            gaps += !end && !same;
            place = next;
        }
        gaps += twice; // the picture with which numbers begin is gone
    }
    return gaps;
}

int64_t ta_picture_order_gaps(const int32_t *numbers, const struct ta_index_packet *packets, size_t count,
                              bool *cut_off)
{
    struct picture *all = ta_xcalloc(count + 1, sizeof(*all));
    size_t *ends = ta_xcalloc(count + 1, sizeof(*ends)), runs = 0, pairs = 0;
    size_t steps[MOST_STEP + 1] = {0}, best = 1;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct picture){.number = numbers[i], .packet = i};
    for (size_t first = 0; first < count; first = ends[runs++]) {
        ends[runs] = sort_next(all, first, count);
        for (size_t i = first; i + 1 < ends[runs]; i++) {
            pairs += distance(&all[i]) > 0;
            if (distance(&all[i]) > 0 && distance(&all[i]) <= MOST_STEP)
                steps[distance(&all[i])]++;
        }
    }
    for (size_t i = 1; i <= MOST_STEP; i++)
        best = steps[i] > steps[best] ? i : best;
    bool steady = pairs && (double)steps[best] >= LEAST_STEADY * (double)pairs;
    int64_t gaps = steady ? count_gaps(all, ends, runs, (int64_t)best, packets, cut_off) : 0;
    free(all);
    free(ends);
    return gaps;
}
