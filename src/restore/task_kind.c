#include "restore/task_kind.h"

#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "restore/work.h"

const struct ta_task_kind *ta_task_kind_find(const char *name)
{
    for (const struct ta_task_kind *const *k = ta_task_kinds; *k; k++)
        if (!strcmp((*k)->name, name))
            return *k;
    return NULL;
}

const struct ta_task_kind *ta_task_kind_of(const struct ta_plan *plan, int number)
{
    return ta_task_kind_find(ta_plan_task(plan, number).kind);
}

// PREFIX-NUMBER or PREFIX-NUMBER-NUMBER, and what is behind it; NULL when the name does not begin so.
static const char *behind_stem(const struct ta_task_kind *kind, const char *name)
{
    size_t n = strlen(kind->prefix);
    if (strncmp(name, kind->prefix, n) || name[n] != '-')
        return NULL;
    size_t digits = strspn(name + n + 1, "0123456789abcdef");
    const char *rest = name + n + 1 + digits;
    size_t more = digits && *rest == '-' ? strspn(rest + 1, "0123456789") : 0;
    rest += more ? more + 1 : 0;
    return digits && rest - name < TA_STEM_SIZE ? rest : NULL;
}

int ta_task_kinds_check(const struct ta_plan *plan, struct ta_log *log)
{
    for (int i = 0, n = ta_plan_tasks(plan); i < n; i++) {
        struct ta_task task = ta_plan_task(plan, i);
        const struct ta_task_kind *kind = ta_task_kind_find(task.kind);
        if (!kind) {
            ta_error(log, "the plan has a task of the kind \"%s\" (%s): this program can't make such tasks",
                     task.kind, task.stem);
            return TA_ERR_UNSUPPORTED;
        }
        const char *rest = behind_stem(kind, task.stem);
        if (!rest || *rest) {
            ta_error(log, "the plan calls a task \"%s\": those of the kind \"%s\" are called %s-NUMBER",
                     task.stem, task.kind, kind->prefix);
            return TA_ERR_UNSUPPORTED;
        }
    }
    return 0;
}

bool ta_task_is_file(const char *name, bool part, char *stem)
{
    for (const struct ta_task_kind *const *k = ta_task_kinds; *k; k++) {
        const char *rest = behind_stem(*k, name);
        if (!rest || *rest != '.')
            continue;
        size_t n = strlen(rest), end = strlen(".part");
        bool is = part ? n > end + 1 && !strcmp(rest + n - end, ".part") : !strcmp(rest + 1, (*k)->suffix);
        if (is && stem) {
            memcpy(stem, name, (size_t)(rest - name));
            stem[rest - name] = 0;
        }
        if (is)
            return true;
    }
    return false;
}

double ta_task_cost(const struct ta_plan *plan, int number)
{
    struct ta_task task = ta_plan_task(plan, number);
    const struct ta_task_kind *kind = ta_task_kind_find(task.kind);
    return kind && kind->cost ? TA_MAX(0.0, kind->cost(plan, &task)) : 0;
}

void ta_task_tell(const struct ta_task_run *run, double fraction)
{
    double more = TA_MIN(1.0, fraction) - *run->told;
    if (more < 0) // what is told twice is no news, but the time that passes is
        more = 0;
    *run->told += more;
    ta_meter_add_other(run->meter, more * ta_task_cost(run->work->plan, run->number));
}

bool ta_task_fits(const struct ta_plan *plan, int number, const struct ta_done *done)
{
    struct ta_task task = ta_plan_task(plan, number);
    const struct ta_task_kind *kind = ta_task_kind_find(task.kind);
    return kind && (!task.frames || ta_counts_get(&done->counts, "frames") == task.frames) &&
           (!task.samples || ta_counts_get(&done->counts, "samples") == task.samples) &&
           (!kind->fits || kind->fits(plan, &task, done));
}
