// What a survey knows of the machine and of files besides the source.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "recipe/models.h"
#include "restore/survey.h"

void ta_survey_look_at_hardware(struct ta_survey *s)
{
    if (!s->has_hardware)
        ta_hardware_look(&s->hardware);
    s->has_hardware = true;
}

static bool find(void *survey, const struct ta_stage_info *stage, const char *name, const char *value)
{
    (void)name;
    struct ta_survey *s = survey;
    if (!strcmp(value, "none"))
        return true;
    for (int i = 0; i < s->named_count; i++)
        if (s->named[i].stage == stage && !strcmp(s->named[i].value, value))
            return true;
    struct ta_named_file f = {.stage = stage, .value = ta_xstrdup(value)};
    struct ta_log *log = NULL;
    struct ta_buf why = {0};
    f.err = ta_log_keep_first(&log, &why);
    if (f.err >= 0)
        f.err = ta_stage_find_file(stage, value, &f.path, f.sum, log);
    ta_log_destroy(&log);
    if (why.size || f.err < 0)
        f.why = ta_xstrdup(why.size ? ta_buf_text(&why) : ta_error_text(f.err));
    ta_buf_release(&why);
    s->named = ta_xrealloc(s->named, ((size_t)s->named_count + 1) * sizeof *s->named);
    s->named[s->named_count++] = f;
    return true;
}

void ta_survey_find_files(struct ta_survey *s, struct ta_options *options)
{
    ta_options_each_file(options, find, s);
}
