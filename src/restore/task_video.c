// The task kind "video": one segment.
#include <terminalai/error.h>

#include "base/log.h"
#include "base/words.h"
#include "restore/segment.h"
#include "restore/task_kind.h"
#include "restore/work.h"

// The sums of as many as a plan can have fit in 64 bits.
enum { MAX_DELAY = 1024, MAX_LIGHT = 10000, MAX_COUNT = 1000000000 };

static int run(const struct ta_task_run *t, struct ta_done *done)
{
    const struct ta_plan *p = t->work->plan;
    struct ta_segment_result r;
    int err = ta_segment_run(p, t->number, &t->work->folder, t->name, t->turns, t->meter, t->env, &r);
    if (err >= 0 && t->strict && r.concealed + r.damaged > 0) {
        ta_error(t->env->log,
                 "%s: %lld %s be decoded and %lld %s with errors, from source frame %lld on (--strict)",
                 p->input, (long long)r.concealed, ta_plural(r.concealed, "frame can't", "frames can't"),
                 (long long)r.damaged, ta_plural(r.damaged, "decodes", "decode"),
                 (long long)ta_plan_segment(p, t->number).source_first);
        err = TA_ERR_DAMAGED;
    }
    if (err >= 0)
        ta_segment_to_done(&r, done);
    return err;
}

static bool fits(const struct ta_plan *plan, const struct ta_task *task, const struct ta_done *done)
{
    (void)plan;
    (void)task;
    int64_t cll = ta_counts_get(&done->counts, "max_cll");
    return ta_counts_get(&done->counts, "delay") <= MAX_DELAY &&
           ta_counts_get(&done->counts, "concealed") <= MAX_COUNT &&
           ta_counts_get(&done->counts, "damaged") <= MAX_COUNT && cll <= MAX_LIGHT &&
           ta_counts_get(&done->counts, "max_fall") <= cll;
}

const struct ta_task_kind ta_task_video = {
    .name = "video", .prefix = "seg", .suffix = "nut", .run = run, .fits = fits};
