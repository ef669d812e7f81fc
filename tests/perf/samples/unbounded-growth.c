// unbounded-growth: what outlives a loop that need not end, and grows in it.
#include "media.h"
#include <stdlib.h>

struct history {
    int *items;
    size_t count, capacity;
};

void remember(struct reader *r, struct history *h)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        if (h->count == h->capacity) {
            h->capacity = 2 * h->capacity + 8;
            h->items = realloc(h->items, h->capacity * sizeof *h->items); // finds unbounded-growth
        }
        h->items[h->count++] = frame.width;
    }
}

// The oldest goes when there are too many.
void remember_some(struct reader *r, struct history *h, size_t limit)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        if (h->count == limit)
            h->count = 0;
        if (h->count == h->capacity) {
            h->capacity = 2 * h->capacity + 8;
            h->items = realloc(h->items, h->capacity * sizeof *h->items);
        }
        h->items[h->count++] = frame.width;
    }
}

// A list of what is given ends with it.
void collect(struct history *h, const int *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (h->count == h->capacity) {
            h->capacity = 2 * h->capacity + 8;
            h->items = realloc(h->items, h->capacity * sizeof *h->items);
        }
        h->items[h->count++] = values[i];
    }
}
