#include "plan/tasks.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "plan/json_read.h"
#include "plan/redo_ranges.h"

enum { MAX_LISTED = 100000, MAX_NEEDS = 1000000 };
#define MAX_EXPECTED ((int64_t)1 << 53)

const char ta_task_video_kind[] = "video";

// ---- asking ----

int ta_plan_tasks(const struct ta_plan *plan)
{
    return plan->segment_count + plan->listed_count;
}

static const struct ta_listed_task *needs_of_segment(const struct ta_plan *plan, int k)
{
    int low = 0, high = plan->needing_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (plan->needing[middle].index < k)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->needing_count && plan->needing[low].index == k ? &plan->needing[low] : NULL;
}

struct ta_task ta_plan_task(const struct ta_plan *plan, int i)
{
    struct ta_task task = {.index = i, .kind = ta_task_video_kind};
    const struct ta_listed_task *listed;
    if (i < plan->segment_count) {
        char *stem = ta_plan_segment_stem(plan, i);
        snprintf(task.stem, sizeof task.stem, "%s", stem);
        free(stem);
        task.frames = ta_plan_segment(plan, i).out_count;
        listed = needs_of_segment(plan, i);
    } else {
        listed = &plan->listed[i - plan->segment_count];
        task.kind = listed->kind;
        task.index = listed->index;
        snprintf(task.stem, sizeof task.stem, "%s", listed->stem);
        task.frames = listed->frames;
        task.samples = listed->samples;
    }
    task.needs = listed ? listed->needs : NULL;
    task.need_count = listed ? listed->need_count : 0;
    return task;
}

int ta_plan_find_task(const struct ta_plan *plan, const char *stem)
{
    for (int i = 0, n = ta_plan_tasks(plan); i < n; i++)
        if (!strcmp(ta_plan_task(plan, i).stem, stem))
            return i;
    return TA_ERR_NOT_FOUND;
}

bool ta_plan_segments_are_linked(const struct ta_plan *plan)
{
    for (int i = 0; i < plan->listed_count; i++)
        for (int k = 0; k < plan->listed[i].need_count; k++)
            if (plan->listed[i].needs[k] < plan->segment_count)
                return true;
    return plan->needing_count > 0;
}

void ta_tasks_shift(struct ta_plan *plan)
{
    for (int i = 0; i < plan->listed_count; i++)
        for (int k = 0; k < plan->listed[i].need_count; k++)
            plan->listed[i].needs[k]++;
}

void ta_tasks_follow_cuts(struct ta_plan *plan, int before)
{
    for (int i = 0; i < plan->listed_count; i++)
        for (int k = 0; k < plan->listed[i].need_count; k++)
            if (plan->listed[i].needs[k] >= before)
                plan->listed[i].needs[k] += plan->segment_count - before;
}

// ---- writing ----

static json_t *needs_json(const struct ta_plan *plan, const struct ta_listed_task *task)
{
    json_t *list = json_array();
    for (int i = 0; i < task->need_count; i++)
        json_array_append_new(list, json_string(ta_plan_task(plan, task->needs[i]).stem));
    return list;
}

static json_t *task_json(const struct ta_plan *plan, const struct ta_listed_task *task)
{
    json_t *o = json_pack("{s:s, s:s, s:i}", "kind", task->kind, "stem", task->stem, "index", task->index);
    if (task->frames)
        json_object_set_new(o, "expect", json_pack("{s:I}", "frames", (json_int_t)task->frames));
    else if (task->samples)
        json_object_set_new(o, "expect", json_pack("{s:I}", "samples", (json_int_t)task->samples));
    json_object_set_new(o, "needs", needs_json(plan, task));
    return o;
}

json_t *ta_tasks_json(const struct ta_plan *plan)
{
    if (!plan->needing_count && !plan->listed_count)
        return NULL;
    json_t *list = json_array();
    for (int i = 0; i < plan->needing_count; i++)
        json_array_append_new(list, task_json(plan, &plan->needing[i]));
    for (int i = 0; i < plan->listed_count; i++)
        json_array_append_new(list, task_json(plan, &plan->listed[i]));
    return list;
}

// ---- reading ----

bool ta_task_stem_valid(const char *stem)
{
    const char *number = strrchr(stem, '-');
    if (!number || number == stem || stem[0] == '-' || strstr(stem, "--") || strlen(stem) >= TA_STEM_SIZE)
        return false;
    size_t word = strspn(stem, "abcdefghijklmnopqrstuvwxyz-"),
           digits = strspn(number + 1, "0123456789abcdef"), before = (size_t)(number - stem);
    // A track's number may come before that of its piece.
    if (word < before && word > 1 && stem[word - 1] == '-')
        word += strspn(stem + word, "0123456789");
    return word >= before && digits && !number[1 + digits];
}

static bool is_kind(const char *kind)
{
    size_t n = strlen(kind);
    return n && n < TA_STEM_SIZE / 2 && strspn(kind, "abcdefghijklmnopqrstuvwxyz-") == n;
}

static void refuse(struct ta_reading *in, const char *stem, const char *what)
{
    char *text = ta_xprintf("the task \"%.40s\" %s", stem, what);
    ta_read_refuse(in, text);
    free(text);
}

static void read_expect(struct ta_listed_task *task, const json_t *o, struct ta_reading *in)
{
    const json_t *expect = ta_read_object(in, o, "expect?");
    if (json_object_get(expect, "samples"))
        task->samples = ta_read_int(in, expect, "samples", 1, MAX_EXPECTED);
    else if (expect)
        task->frames = ta_read_int(in, expect, "frames", 1, MAX_EXPECTED);
}

// All but the needs.
static void read_task(struct ta_plan *plan, const json_t *o, struct ta_reading *in)
{
    struct ta_listed_task task = {0};
    const char *kind = ta_read_text(in, o, "kind"), *stem = ta_read_text(in, o, "stem");
    task.index = ta_read_small(in, o, "index", 0, INT32_MAX - 1);
    read_expect(&task, o, in);
    if (!in->err && (!is_kind(kind) || !ta_task_stem_valid(stem)))
        refuse(in, stem, "has no name that a task may have");
    if (in->err)
        return;
    bool segment = !strcmp(kind, ta_task_video_kind);
    if (segment) {
        struct ta_task is = task.index < plan->segment_count ? ta_plan_task(plan, task.index)
                                                             : (struct ta_task){0};
        if (strcmp(is.stem, stem) || task.samples || (task.frames && task.frames != is.frames))
            refuse(in, stem, "is none of the plan's segments");
        else if (plan->needing_count && plan->needing[plan->needing_count - 1].index >= task.index)
            refuse(in, stem, "is not in the order of the segments");
        task.frames = is.frames;
    }
    if (in->err)
        return;
    task.kind = ta_xstrdup(kind);
    task.stem = ta_xstrdup(stem);
    if (segment)
        plan->needing[plan->needing_count++] = task;
    else
        plan->listed[plan->listed_count++] = task;
}

// Stems of all tasks, sorted, with the tasks' numbers.
struct named {
    char stem[TA_STEM_SIZE];
    int task;
};

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->stem, ((const struct named *)b)->stem);
}

static void name_tasks(const struct ta_plan *plan, struct named *names, struct ta_reading *in)
{
    int n = ta_plan_tasks(plan);
    for (int i = 0; i < n; i++) {
        memcpy(names[i].stem, ta_plan_task(plan, i).stem, sizeof names[i].stem);
        names[i].task = i;
    }
    qsort(names, (size_t)n, sizeof *names, by_stem);
    for (int i = 1; i < n; i++)
        if (!strcmp(names[i - 1].stem, names[i].stem))
            refuse(in, names[i].stem, "is there twice");
}

static void read_needs(struct ta_listed_task *task, const json_t *o, const struct named *names, int count,
                       int *total, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, o, "needs");
    json_t *item;
    size_t i, n = json_array_size(list);
    if ((*total += (int)TA_MIN(n, MAX_NEEDS)) >= MAX_NEEDS)
        refuse(in, task->stem, "needs too much");
    if (in->err)
        return;
    task->needs = ta_xcalloc(n + 1, sizeof *task->needs);
    json_array_foreach((json_t *)list, i, item)
    {
        struct named key = {.task = 0};
        const char *stem = json_string_value(item);
        snprintf(key.stem, sizeof key.stem, "%s", stem && strlen(stem) < sizeof key.stem ? stem : "");
        const struct named *found = bsearch(&key, names, (size_t)count, sizeof key, by_stem);
        if (!found) {
            refuse(in, task->stem, "needs one that the plan does not have");
            return;
        }
        task->needs[task->need_count++] = found->task;
    }
}

// Can all tasks be made, each after what it needs? Takes away what needs nothing (any more) until nothing is
// left.
static bool has_circle(const struct ta_plan *plan)
{
    int n = ta_plan_tasks(plan), done = 0, links = 0;
    int *open = ta_xcalloc((size_t)n + 1, sizeof *open), *first = ta_xcalloc((size_t)n + 2, sizeof *first),
        *ready = ta_xcalloc((size_t)n + 1, sizeof *ready);
    for (int i = 0; i < n; i++) {
        struct ta_task t = ta_plan_task(plan, i);
        open[i] = t.need_count;
        links += t.need_count;
        for (int k = 0; k < t.need_count; k++)
            first[t.needs[k] + 1]++;
    }
    // Who needs task t: users[first[t]..first[t + 1]-1].
    int *users = ta_xcalloc((size_t)links + 1, sizeof *users), *end = ta_xcalloc((size_t)n + 1, sizeof *end);
    for (int i = 0; i < n; i++) {
        end[i] = first[i];
        first[i + 1] += first[i];
    }
    for (int i = 0; i < n; i++) {
        struct ta_task t = ta_plan_task(plan, i);
        for (int k = 0; k < t.need_count; k++)
            users[end[t.needs[k]]++] = i;
    }
    int ready_count = 0;
    for (int i = 0; i < n; i++)
        if (!open[i])
            ready[ready_count++] = i;
    for (; done < ready_count; done++)
        for (int k = first[ready[done]]; k < first[ready[done] + 1]; k++)
            if (!--open[users[k]])
                ready[ready_count++] = users[k];
    free(open);
    free(first);
    free(ready);
    free(users);
    free(end);
    return done < n;
}

static void read_all_needs(struct ta_plan *plan, const json_t *list, struct ta_reading *in)
{
    int n = ta_plan_tasks(plan), total = 0, segments = 0, others = 0;
    struct named *names = ta_xcalloc((size_t)n + 1, sizeof *names);
    name_tasks(plan, names, in);
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)list, i, o)
    {
        bool segment = !strcmp(json_string_value(json_object_get(o, "kind")), ta_task_video_kind);
        struct ta_listed_task *task = segment ? &plan->needing[segments++] : &plan->listed[others++];
        read_needs(task, o, names, n, &total, in);
    }
    free(names);
    if (!in->err && has_circle(plan))
        ta_read_refuse(in, "its tasks need each other in a circle");
}

void ta_plan_read_tasks(struct ta_plan *plan, const json_t *root, struct ta_reading *in)
{
    json_t *o;
    size_t i;
    if (in->err || !json_object_get(root, "tasks"))
        return;
    const json_t *list = ta_read_array(in, root, "tasks");
    size_t n = json_array_size(list);
    if (n > MAX_LISTED)
        ta_read_refuse(in, "has too many tasks");
    if (in->err)
        return;
    plan->listed = ta_xcalloc(n + 1, sizeof *plan->listed);
    plan->needing = ta_xcalloc(n + 1, sizeof *plan->needing);
    json_array_foreach((json_t *)list, i, o) read_task(plan, o, in);
    if (!in->err)
        read_all_needs(plan, list, in);
}

static void release_list(struct ta_listed_task **list, int *count)
{
    for (int i = 0; i < *count; i++) {
        free((*list)[i].kind);
        free((*list)[i].stem);
        free((*list)[i].needs);
    }
    ta_freep(list);
    *count = 0;
}

void ta_tasks_release(struct ta_plan *plan)
{
    release_list(&plan->listed, &plan->listed_count);
    release_list(&plan->needing, &plan->needing_count);
}
