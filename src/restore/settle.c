#include "restore/settle.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "plan/plan.h"
#include "restore/output.h"

enum { NEW_NAMES_MAX = 999 };

static int refuse(const struct ta_settle_wish *wish, const struct ta_output_found *found, const char *output,
                  struct ta_log *log)
{
    struct ta_buf why = {0};
    switch (found->state) {
    case TA_OUTPUT_OTHER_RECIPE:
        ta_buf_printf(&why, "made with other options (%s)", found->differs);
        break;
    case TA_OUTPUT_CHANGED_SOURCE:
        ta_buf_printf(&why, "made of %s before that changed (%s)", wish->input, found->differs);
        break;
    case TA_OUTPUT_OTHER_SOURCE:
        ta_buf_printf(&why, "made of another source (%s)", found->report.plan->input);
        break;
    default:
        ta_buf_puts(&why, "and no report says of what it was made");
    }
    ta_error(log, "%s: exists already, %s; %s", output, ta_buf_text(&why), wish->ways);
    ta_buf_release(&why);
    return TA_ERR_EXISTS;
}

// "tape.restored.2.mp4" for 2, the name itself for 1.
static char *numbered(const char *output, int number)
{
    char *stem = ta_path_stem(output), *dir = ta_path_dir(output);
    char *name = ta_xprintf("%s.%d.%s", stem, number, ta_path_extension(output));
    char *path = strchr(output, '/') ? ta_path_join(dir, name) : ta_xstrdup(name);
    free(stem);
    free(dir);
    free(name);
    return path;
}

int ta_output_settle(const struct ta_settle_wish *wish, struct ta_options *options,
                     struct ta_output_found *found, char **output, struct ta_log *log)
{
    const char *overwrite = "off", *work_dir = "";
    *found = (struct ta_output_found){0};
    *output = ta_xstrdup(wish->output);
    if (!strcmp(wish->output, "-"))
        return 0;
    ta_options_get(options, "overwrite", &overwrite, NULL);
    ta_options_get(options, "work-dir", &work_dir, NULL);
    int err = ta_output_check_early(wish->input, wish->output, options, log);
    for (int n = 2; err >= 0 && strcmp(overwrite, "on") != 0; n++) {
        err = ta_output_find(found, wish->input, *output, work_dir, options, log);
        if (err < 0 || found->state <= TA_OUTPUT_UNFINISHED || found->state == TA_OUTPUT_SAME)
            break;
        if (!wish->new_name || n > NEW_NAMES_MAX) {
            err = refuse(wish, found, *output, log);
            break;
        }
        ta_output_found_release(found);
        free(*output);
        *output = numbered(wish->output, n);
    }
    if (err >= 0 && found->state == TA_OUTPUT_SAME && !found->kept)
        ta_output_sweep(*output, work_dir);
    return TA_MIN(err, 0);
}
