#include "infer/numbers.h"

#include <stdlib.h>

#include <terminalai/error.h>

enum { BORDER = 64 }; // bytes; what vectors of any machine ask for

int ta_numbers_take(struct ta_numbers *m, struct ta_network *n, size_t count)
{
    *m = (struct ta_numbers){0};
    if (!count || count > (SIZE_MAX - BORDER) / sizeof *m->at)
        return TA_ERR_NOMEM;
    size_t bytes = (count * sizeof *m->at + BORDER - 1) / BORDER * BORDER;
    m->at = n && n->engine->info->take_memory ? n->engine->info->take_memory(n, bytes) : NULL;
    if (m->at)
        m->from = n;
    else
        m->at = aligned_alloc(BORDER, bytes);
    m->count = m->at ? count : 0;
    return m->at ? 0 : TA_ERR_NOMEM;
}

void ta_numbers_give(struct ta_numbers *m)
{
    if (m->from)
        m->from->engine->info->give_memory(m->from, m->at);
    else
        free(m->at);
    *m = (struct ta_numbers){0};
}
