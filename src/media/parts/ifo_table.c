#include "media/parts/ifo_table.h"

uint32_t ta_ifo_get(const struct ta_ifo_table *t, size_t at, int bytes)
{
    uint32_t v = 0;
    if (at > t->size || (size_t)bytes > t->size - at) {
        *t->outside = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        v = v << 8 | t->data[at + (size_t)i];
    return v;
}

struct ta_ifo_table ta_ifo_sub(const struct ta_ifo_table *t, uint64_t at)
{
    if (at >= t->size) {
        *t->outside = true;
        return (struct ta_ifo_table){t->data, 0, t->outside};
    }
    return (struct ta_ifo_table){t->data + at, t->size - (size_t)at, t->outside};
}
