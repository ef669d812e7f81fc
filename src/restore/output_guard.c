// What a call reads, and so must never write.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/fingerprint.h"
#include "media/parts/name.h"
#include "plan/plan.h"
#include "restore/output.h"
#include "video/stage.h"

void ta_guard_add_source(struct ta_guard *g, const char *name)
{
    char **files = NULL;
    // A title whose table can't be read still has that table.
    if (ta_source_files(name, &files, NULL) < 0)
        ta_name_files(name, &files);
    for (char **f = files; f && *f; f++)
        ta_guard_add(g, *f, true);
    ta_name_files_free(&files);
    char *ifo = NULL;
    if (ta_name_title(name, &ifo) >= 0)
        ta_guard_add(g, ifo, true);
    free(ifo);
    ta_guard_add(g, name, true); // a file that looks like the name of several
}

static bool add_file(void *guard, const struct ta_stage_info *stage, const char *name, const char *value)
{
    (void)stage;
    (void)name;
    ta_guard_add(guard, value, false);
    return true;
}

void ta_guard_add_options(struct ta_guard *g, struct ta_options *options)
{
    ta_options_each_file(options, add_file, g);
    ta_guard_add_all(g, ta_options_guard(options)); // after they were asked: presets are read then
}

static void add_stages(struct ta_guard *g, const struct ta_stage_plan *stages, int count)
{
    for (int i = 0; i < count; i++) {
        const struct ta_stage_info *info = stages[i].info;
        const struct ta_opt *option = info->file_option ? ta_opt_find(info->options, info->file_option)
                                                        : NULL;
        char *path = option ? ta_opt_text_of(option, stages[i].opts) : NULL;
        if (path && *path)
            ta_guard_add(g, path, false);
        free(path);
    }
}

void ta_guard_add_plan(struct ta_guard *g, const struct ta_plan *plan)
{
    ta_guard_add_source(g, plan->input);
    add_stages(g, plan->stages, plan->stage_count);
    for (int i = 0; i < plan->redo_count; i++)
        add_stages(g, plan->redos[i].stages, plan->redos[i].stage_count);
    if (plan->read_from)
        ta_guard_add(g, plan->read_from, false);
}
