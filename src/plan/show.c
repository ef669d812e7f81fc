// What a plan says of a preview's pictures.
#include <stdlib.h>

#include "base/mem.h"
#include "plan/plan.h"
#include "video/stages.h"

const struct ta_choice ta_show_layouts[] = {
    {"side", "source at the left, result at the right"},
    {"split", "one picture, the source left of a moving line, the result right of it"},
    {"stack", "source above, result below"},
    {0},
};

struct ta_edges ta_plan_cut(const struct ta_plan *p)
{
    struct ta_edges sum = {0};
    for (int i = 0; i < p->stage_count; i++) {
        if (p->stages[i].info != &ta_stage_crop)
            continue;
        struct ta_edges e = ta_edges_stored(p->stages[i].opts, p->source_format.rotation);
        sum.top += e.top;
        sum.right += e.right;
        sum.bottom += e.bottom;
        sum.left += e.left;
    }
    return sum;
}

void ta_show_destroy(struct ta_show **show)
{
    for (int i = 0; *show && i < 2; i++) {
        free((*show)->names[i]);
        free((*show)->details[i]);
    }
    ta_freep(show);
}
