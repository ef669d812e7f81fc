// The timeline: which output frames a source frame gives, and when they are shown. Derived from runs and
// index, never stored a row a frame.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "plan/plan.h"
#include "plan/sound.h"

enum ta_scan_type ta_plan_scan_of(const struct ta_plan *plan, int64_t source_frame)
{
    int low = 0, high = plan->run_count - 1;
    while (low < high) {
        int mid = (low + high) / 2;
        if (plan->runs[mid].first + plan->runs[mid].count <= source_frame)
            low = mid + 1;
        else
            high = mid;
    }
    return plan->runs[low].type;
}

static int fields_of_type(const struct ta_plan *plan, enum ta_scan_type type)
{
    return plan->deinterlaced && type != TA_SCAN_PROGRESSIVE ? plan->fields : 1;
}

// ---- inverse telecine ----

static int64_t outputs_of(const struct ta_plan *plan, const struct ta_film_run *run, char action)
{
    int64_t once = !ta_film_gives(action) ? 0 : ta_film_is_video(action) ? plan->fields : 1;
    return once * (1 + run->repeat);
}

// Output frames of the first `count` frames of a run.
static int64_t outputs_in(const struct ta_plan *plan, const struct ta_film_run *run, int64_t count)
{
    int64_t cycle = 0, rest = 0;
    for (int i = 0; i < run->period; i++) {
        int64_t n = outputs_of(plan, run, run->pattern[i].action);
        cycle += n;
        rest += i < count % run->period ? n : 0;
    }
    return count / run->period * cycle + rest;
}

int ta_plan_index_film(struct ta_plan *plan)
{
    plan->film_out = malloc(((size_t)plan->film_count + 1) * sizeof(*plan->film_out));
    if (!plan->film_out)
        return TA_ERR_NOMEM;
    int64_t out = 0;
    plan->film_start = plan->first_frame;
    for (int i = 0; i < plan->film_count; i++) {
        const struct ta_film_run *r = &plan->film[i];
        plan->film_out[i] = out;
        int64_t n = outputs_in(plan, r, r->count);
        if (!out && n)
            for (plan->film_start = r->first; !ta_film_gives(ta_film_at(r, plan->film_start).action);)
                plan->film_start++;
        out += n;
    }
    return 0;
}

// The part first..end-1 of a run.
static struct ta_film_run part_of(const struct ta_film_run *r, int64_t first, int64_t end)
{
    struct ta_film_run part = *r;
    part.first = first;
    part.count = end - first;
    part.period = (int)TA_MIN(r->period, part.count);
    for (int k = 0; k < part.period; k++)
        part.pattern[k] = ta_film_at(r, first + k);
    return part;
}

int ta_plan_narrow_film(struct ta_plan *plan)
{
    int64_t next = plan->first_frame, end = plan->first_frame + plan->frame_count;
    struct ta_film_run *runs = malloc(((size_t)plan->film_count + 1) * sizeof(*runs));
    if (!runs)
        return TA_ERR_NOMEM;
    int kept = 0;
    for (int i = 0; i < plan->film_count; i++) {
        const struct ta_film_run *r = &plan->film[i];
        int64_t last = TA_MIN(r->first + r->count, end);
        // What would be shown before the range begins is shown at its start.
        if (next < last && next == plan->first_frame && ta_film_at(r, next).shift < 0) {
            runs[kept] = part_of(r, next, next + 1);
            runs[kept++].pattern[0].shift = 0;
            next++;
        }
        if (next < last)
            runs[kept++] = part_of(r, next, last);
        next = TA_MAX(next, last);
    }
    free(plan->film);
    plan->film = runs;
    plan->film_count = kept;
    ta_freep(&plan->film_out);
    return ta_plan_index_film(plan);
}

char ta_plan_film_of(const struct ta_plan *plan, int64_t source_frame)
{
    const struct ta_film_run *r = ta_film_find(plan->film, plan->film_count, source_frame);
    return r ? ta_film_at(r, source_frame).action : TA_FILM_DROP;
}

static int film_fields_of(const struct ta_plan *plan, int64_t source_frame)
{
    const struct ta_film_run *r = ta_film_find(plan->film, plan->film_count, source_frame);
    return r ? (int)outputs_of(plan, r, ta_film_at(r, source_frame).action) : 0;
}

static int64_t film_out_before(const struct ta_plan *plan, int64_t source_frame)
{
    int64_t last = plan->first_frame + plan->frame_count;
    if (source_frame <= plan->first_frame)
        return 0;
    const struct ta_film_run *r = ta_film_find(plan->film, plan->film_count, TA_MIN(source_frame, last) - 1);
    return plan->film_out[r - plan->film] + outputs_in(plan, r, TA_MIN(source_frame, last) - r->first);
}

static int64_t film_time_of(const struct ta_plan *plan, const struct ta_index *index, int64_t source_frame,
                            int field)
{
    const struct ta_film_run *r = ta_film_find(plan->film, plan->film_count, source_frame);
    // Frame times divided into parts: a shift may lead into a neighbour.
    int64_t parts = TA_FILM_PARTS * source_frame;
    if (r)
        parts += ta_film_at(r, source_frame).shift + field / (1 + r->repeat) * (TA_FILM_PARTS / 2);
    int64_t end = (int64_t)index->frame_count;
    int64_t n = TA_MAX(0, TA_MIN(parts / TA_FILM_PARTS, end - 1)), rest = parts - TA_FILM_PARTS * n;
    return index->frames[n].pts * plan->time_scale - plan->offset +
           av_rescale_rnd(rest, ta_index_frame_duration(index, (size_t)n) * plan->time_scale, TA_FILM_PARTS,
                          AV_ROUND_ZERO);
}

// ---- any timeline ----

int ta_plan_fields_of(const struct ta_plan *plan, int64_t source_frame)
{
    return plan->film ? film_fields_of(plan, source_frame)
                      : fields_of_type(plan, ta_plan_scan_of(plan, source_frame));
}

int64_t ta_plan_giving(const struct ta_plan *plan, int64_t source_frame)
{
    int64_t end = plan->first_frame + plan->frame_count;
    while (plan->film && source_frame < end && ta_plan_fields_of(plan, source_frame) == 0)
        source_frame++;
    return source_frame;
}

int ta_plan_copies_of(const struct ta_plan *plan, int64_t source_frame)
{
    const struct ta_film_run *r = ta_film_find(plan->film, plan->film_count, source_frame);
    return r ? 1 + r->repeat : 1;
}

int64_t ta_plan_out_before(const struct ta_plan *plan, int64_t source_frame)
{
    if (plan->film)
        return film_out_before(plan, source_frame);
    int64_t out = 0;
    for (int i = 0; i < plan->run_count; i++) {
        const struct ta_scan_run *r = &plan->runs[i];
        if (r->first >= source_frame)
            break;
        int64_t end = r->first + r->count < source_frame ? r->first + r->count : source_frame;
        out += (end - r->first) * fields_of_type(plan, r->type);
    }
    return out;
}

// With a constant rate: the time of output frame `i`.
static int64_t even_time(const struct ta_plan *plan, const struct ta_index *index, int64_t i)
{
    return film_time_of(plan, index, plan->film_start, 0) +
           av_rescale_q(i, av_inv_q(plan->constant_rate), plan->out_time_base);
}

int64_t ta_plan_time_of(const struct ta_plan *plan, const struct ta_index *index, int64_t source_frame,
                        int field)
{
    if (plan->film && plan->constant_rate.num)
        return even_time(plan, index, ta_plan_out_before(plan, source_frame) + field);
    if (plan->film)
        return film_time_of(plan, index, source_frame, field);
    int64_t t = index->frames[source_frame].pts * plan->time_scale - plan->offset;
    if (field)
        t += ta_index_frame_duration(index, (size_t)source_frame) * plan->time_scale / 2;
    return t;
}

int64_t ta_plan_end_time(const struct ta_plan *plan, const struct ta_index *index)
{
    if (plan->film && plan->constant_rate.num)
        return even_time(plan, index, plan->out_frames);
    int64_t last = plan->first_frame + plan->frame_count - 1;
    return (index->frames[last].pts + ta_index_frame_duration(index, (size_t)last)) * plan->time_scale -
           plan->offset;
}

double ta_plan_seconds(const struct ta_plan *p)
{
    AVRational rate = p->out_format.frame_rate;
    double longest = 0;
    for (int i = 0; p->sound_only && i < p->sound_count; i++)
        longest = TA_MAX(longest, (double)p->sounds[i].end / p->sounds[i].in.rate);
    if (p->sound_only)
        return longest;
    if (p->index)
        return (double)(ta_plan_end_time(p, p->index) - ta_plan_time_of(p, p->index, p->first_frame, 0)) *
               av_q2d(p->out_time_base);
    return rate.num > 0 && rate.den > 0 ? (double)p->out_frames / av_q2d(rate) : 0;
}

int64_t ta_plan_frame_of(const struct ta_plan *plan, const struct ta_index *index, const struct ta_time *t)
{
    int64_t n = (int64_t)index->frame_count;
    if (t->unit == TA_TIME_FRAMES)
        return t->value < (double)n ? (int64_t)t->value : n;
    AVRational tb = index->time_base;
    double origin = (double)plan->offset * av_q2d(plan->out_time_base);
    double target = origin + t->value;
    if (t->unit == TA_TIME_PERCENT) {
        double first = (double)index->frames[0].pts * av_q2d(tb), end = (double)index->end_pts * av_q2d(tb);
        target = first + (end - first) * t->value / 100;
    }
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        // Half a millisecond of grace: a time typed with three decimals means the frame that starts there.
        if ((double)index->frames[mid].pts * av_q2d(tb) < target - 0.0005)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct ta_segment ta_plan_range(const struct ta_plan *plan, int64_t first, int64_t end)
{
    struct ta_segment s = {.index = -1,
                           .source_first = first,
                           .source_count = end - first,
                           .stages = plan->stages,
                           .stage_count = plan->stage_count,
                           .reach = plan->reach,
                           .encoder = &plan->encoder};
    for (int i = plan->redo_count - 1; i >= 0; i--) {
        const struct ta_redo *r = &plan->redos[i];
        if (first < r->first || first >= r->first + r->count)
            continue;
        s.stages = r->stages;
        s.stage_count = r->stage_count;
        s.reach = r->reach;
        s.encoder = &r->encoder;
        break;
    }
    s.out_first = ta_plan_out_before(plan, first);
    s.out_count = ta_plan_out_before(plan, end) - s.out_first;
    return s;
}

struct ta_segment ta_plan_segment(const struct ta_plan *plan, int k)
{
    struct ta_segment s = ta_plan_range(plan, plan->cuts[k], plan->cuts[k + 1]);
    s.index = k;
    return s;
}

void ta_plan_segment_input(const struct ta_plan *plan, const struct ta_segment *segment,
                           const struct ta_index *index, int64_t *first, int64_t *end)
{
    int64_t count = (int64_t)index->frame_count;
    *first = segment->source_first;
    *end = segment->source_first + segment->source_count;
    if (!plan->film) {
        *first = TA_MAX(0, *first - segment->reach.before);
        *end = TA_MIN(count, *end + segment->reach.after);
        return;
    }
    // Reach counts frames that the stages see; what lies beside the range is not shown to them.
    for (int n = 0; n<segment->reach.before && * first> plan->first_frame;)
        n += ta_plan_film_of(plan, --*first) != TA_FILM_DROP;
    int64_t last = plan->first_frame + plan->frame_count;
    for (int n = 0; n < segment->reach.after && *end < last;)
        n += ta_plan_film_of(plan, (*end)++) != TA_FILM_DROP;
    *end = TA_MIN(count, *end + 1); // the last one may take a field from the frame after it
}
