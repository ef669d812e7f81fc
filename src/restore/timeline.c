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

struct ta_segment ta_plan_segment(const struct ta_plan *plan, int k)
{
    struct ta_segment s = {.index = k, .source_first = plan->cuts[k]};
    s.source_count = plan->cuts[k + 1] - plan->cuts[k];
    s.out_first = ta_plan_out_before(plan, plan->cuts[k]);
    s.out_count = ta_plan_out_before(plan, plan->cuts[k + 1]) - s.out_first;
    return s;
}
