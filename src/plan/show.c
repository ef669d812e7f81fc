// What a plan says of a preview's pictures.
#include <stdlib.h>

#include "base/mem.h"
#include "plan/plan.h"

const struct ta_choice ta_show_layouts[] = {
    {"side", "source at the left, result at the right"},
    {"split", "one picture, the source left of a moving line, the result right of it"},
    {"stack", "source above, result below"},
    {0},
};

void ta_show_destroy(struct ta_show **show)
{
    for (int i = 0; *show && i < 2; i++) {
        free((*show)->names[i]);
        free((*show)->details[i]);
    }
    ta_freep(show);
}
