// The timeline: which output frames a source frame gives, and when they are shown. Derived from runs and
// index, never stored a row a frame.
#include "restore/plan.h"

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

int ta_plan_fields_of(const struct ta_plan *plan, int64_t source_frame)
{
    return fields_of_type(plan, ta_plan_scan_of(plan, source_frame));
}

int64_t ta_plan_out_before(const struct ta_plan *plan, int64_t source_frame)
{
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

int64_t ta_plan_time_of(const struct ta_plan *plan, const struct ta_index *index, int64_t source_frame,
                        int field)
{
    int64_t t = index->frames[source_frame].pts * plan->time_scale - plan->offset;
    if (field)
        t += ta_index_frame_duration(index, (size_t)source_frame) * plan->time_scale / 2;
    return t;
}

int64_t ta_plan_end_time(const struct ta_plan *plan, const struct ta_index *index)
{
    int64_t last = plan->first_frame + plan->frame_count - 1;
    return ta_plan_time_of(plan, index, last, 0) +
           ta_index_frame_duration(index, (size_t)last) * plan->time_scale;
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
