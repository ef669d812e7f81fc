// Segments that suit the machine: what a stop loses is the time that a segment takes here.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>
#include <terminalai/plan.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "plan/decide.h"
#include "plan/diff.h"
#include "plan/plan.h"
#include "recipe/options.h"
#include "plan/tasks.h"
#include "restore/look.h"
#include "restore/work_files.h"

// Less is not worth a try: seconds of one core, and output frames of which excerpts would be too large a
// part.
static const double WORTH = 20;
enum { WORTH_FRAMES = 160 };

static json_t *decision_of(const struct ta_plan *p)
{
    size_t i;
    json_t *item;
    json_array_foreach(p->decisions, i, item)
    {
        const char *what = json_string_value(json_object_get(item, "what"));
        if (what && !strcmp(what, "segments"))
            return item;
    }
    return NULL;
}

// Takes `why`, which may be NULL: then nothing is said of segments.
static void tell(struct ta_plan *p, char *why)
{
    json_t *item = decision_of(p);
    if (item && why)
        json_object_set_new(item, "why", json_string(why));
    else if (why)
        json_array_append_new(p->decisions, json_pack("{s:s, s:s}", "what", "segments", "why", why));
    free(why);
}

static void renew(struct ta_plan *p)
{
    free(p->json);
    p->json = ta_plan_to_json(p);
}

// Is there unfinished work of this plan but for its cuts? Then it goes on with those.
static bool take_cuts(struct ta_plan *p, const char *work_dir)
{
    struct ta_look look;
    char ours[65], theirs[65], *dir = ta_work_path_of(p->output, work_dir);
    bool same = false;
    ta_look_init(&look, dir);
    const struct ta_plan *other = look.plan;
    if (other && !other->base_cuts && other->first_frame == p->first_frame &&
        other->frame_count == p->frame_count) {
        struct ta_plan as_was = *p;
        size_t bytes = ((size_t)other->segment_count + 1) * sizeof *p->cuts;
        json_t *decisions = json_deep_copy(p->decisions), *why = decision_of(other);
        p->cuts = ta_xcalloc(1, bytes);
        memcpy(p->cuts, other->cuts, bytes);
        p->segment_count = other->segment_count;
        ta_tasks_follow_cuts(p, as_was.segment_count);
        if (why)
            tell(p, ta_xstrdup(json_string_value(json_object_get(why, "why"))));
        p->json = ta_plan_to_json(p);
        ta_plan_identity(p->json, ours);
        ta_plan_identity(other->json, theirs);
        same = !strcmp(ours, theirs);
        if (same) {
            free(as_was.cuts);
            free(as_was.json);
            json_decref(decisions);
        } else {
            free(p->cuts);
            free(p->json);
            json_decref(p->decisions);
            int theirs_count = p->segment_count;
            p->segment_count = as_was.segment_count;
            ta_tasks_follow_cuts(p, theirs_count); // back: the lists are shared
            *p = as_was;
            p->decisions = decisions;
        }
    }
    ta_look_release(&look);
    free(dir);
    return same;
}

int ta_plan_suit(struct ta_plan *p, struct ta_options *options, double patience,
                 const struct ta_callbacks *callbacks, struct ta_estimate *e, struct ta_log *log)
{
    const struct ta_recipe_opts *recipe;
    const char *work_dir = "";
    int err = ta_options_recipe(options, &recipe, log);
    if (err < 0)
        return err;
    ta_options_get(options, "work-dir", &work_dir, NULL);
    if (p->sound_only) {
        ta_plan_estimate(p, e);
        return 0;
    }
    bool fixed = recipe->segment_length > 0 || p->show || p->base_cuts || !p->index ||
                 !strcmp(p->output, "-");
    if (!fixed)
        fixed = take_cuts(p, work_dir);
    fixed = fixed || ta_plan_work(p) < WORTH || p->out_frames < WORTH_FRAMES;
    if (patience <= 0 && fixed) {
        ta_plan_estimate(p, e);
        return 0;
    }
    err = ta_plan_try(p, options, patience, callbacks, e, log);
    char *why = NULL;
    if (err >= 0 && !fixed && e->tried && ta_plan_cut_for(p, e, ta_cpu_count(), &why)) {
        tell(p, why);
        renew(p);
    }
    return err;
}
