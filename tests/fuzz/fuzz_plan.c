// Plans of any content. What is accepted is written and read again without a change, and answers every
// question about its timeline.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/plan.h"
#include "plan/sound.h"
#include "plan/tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ta_plan *plan)
{
    int64_t expected = 0;
    for (int k = 0; k < plan->segment_count; k++) {
        struct ta_segment s = ta_plan_segment(plan, k);
        if (s.out_first != expected || s.source_count <= 0 ||
            (!plan->film && (s.out_count < s.source_count || s.out_count > 2 * s.source_count)))
            abort();
        expected += s.out_count;
        if (ta_plan_scan_of(plan, s.source_first) < 0 ||
            ta_plan_fields_of(plan, s.source_first + s.source_count - 1) < !plan->film ||
            ta_plan_fields_of(plan, s.source_first) < (k && plan->film))
            abort();
    }
    if (expected != plan->out_frames ||
        ta_plan_out_before(plan, plan->first_frame + plan->frame_count) != expected)
        abort();
    int tasks = ta_plan_tasks(plan);
    for (int i = 0; i < tasks && tasks < 1000; i++) {
        struct ta_task task = ta_plan_task(plan, i);
        if (ta_plan_find_task(plan, task.stem) != i || !ta_task_stem_valid(task.stem))
            abort();
        for (int k = 0; k < task.need_count; k++)
            if (task.needs[k] < 0 || task.needs[k] >= tasks || task.needs[k] == i)
                abort();
        int piece;
        const struct ta_sound_plan *sound = ta_sound_of_task(plan, &task, &piece);
        int64_t first = 0, end = 1;
        if (sound && piece >= 0)
            ta_sound_piece(sound, piece, &first, &end);
        if (end <= first ||
            (sound && (piece >= ta_sound_pieces(sound) || ta_sound_of_stream(plan, sound->stream) != sound)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_plan *plan = NULL, *again = NULL;
    if (ta_plan_from_json(&plan, (const char *)data, size, "input", NULL) < 0) {
        if (plan)
            abort();
        return 0;
    }
    ask(plan);
    char *text = ta_plan_to_json(plan);
    if (ta_plan_from_json(&again, text, strlen(text), "text", NULL) < 0)
        abort();
    char *second = ta_plan_to_json(again);
    if (strcmp(text, second) != 0)
        abort();
    free(second);
    free(text);
    ta_plan_destroy(&again);
    ta_plan_destroy(&plan);
    return 0;
}
