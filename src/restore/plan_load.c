// A plan that was written earlier, with what else is known of its source.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/name.h"
#include "plan/plan.h"
#include "restore/advice.h"
#include "restore/journal.h"
#include "restore/plan_index.h"
#include "restore/work_files.h"

enum { PLAN_LIMIT = 16 << 20 };

static int read_plan(struct ta_plan **out, const char *path, struct ta_log *log)
{
    struct ta_buf text = {0};
    int err = ta_file_read(path, PLAN_LIMIT, &text, log);
    if (err >= 0)
        err = ta_plan_from_json(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    if (err >= 0) {
        (*out)->folder = ta_path_dir(path);
        (*out)->read_from = ta_xstrdup(path);
    }
    return err;
}

// `folder`: where a relative path of the source starts (NULL: here). `output`: another name for the same
// output, as the caller writes it (NULL: the plan's own). `work_dir` as the option: "" beside the output;
// NULL: no index is looked for.
static int load(struct ta_plan **out, const char *path, const char *folder, const char *output,
                const char *work_dir, const char *cache, struct ta_log *log)
{
    int err = read_plan(out, path, log);
    if (err < 0)
        return err;
    struct ta_plan *p = *out;
    if (folder) {
        char *input = ta_name_below(folder, p->input);
        free(p->input);
        p->input = input;
    }
    if (output && !ta_plan_output_fits(p->container, output)) {
        ta_error(log, "%s: the plan makes %s, which this name does not say", output, p->container->name);
        return TA_ERR_MISMATCH;
    }
    if (output) {
        free(p->output);
        p->output = ta_xstrdup(output);
    }
    if (folder || output) {
        free(p->json);
        p->json = ta_plan_to_json(p);
    }
    return work_dir ? ta_plan_find_index(p, work_dir, cache, log) : 0;
}

// `resumed`: the work folder that the plan is of, NULL for none.
static int load_with_log(struct ta_plan **out, const char *path, const char *folder, const char *output,
                         const char *work_dir, const char *cache, const char *resumed, struct ta_log *log)
{
    *out = NULL;
    struct ta_log *own = ta_log_child(log, "plan");
    int err = load(out, path, folder, output, work_dir, cache, own);
    if (err >= 0) {
        (*out)->log = own;
        return 0;
    }
    ta_log_fail(own, err, path, resumed ? ta_advice_after_resuming(resumed, err) : NULL);
    ta_plan_destroy(out);
    ta_log_destroy(&own);
    return err;
}

// Of a plan that is run from anywhere; `output` as the caller writes it, NULL for the plan's own.
static int load_named(struct ta_plan **out, const char *path, const char *output, const char *work_dir,
                      const char *cache, struct ta_log *log)
{
    char *at = output && strcmp(output, "-") ? ta_name_absolute(output) : NULL;
    int err = load_with_log(out, path, NULL, at ? at : output, work_dir, cache, NULL, log);
    free(at);
    return err;
}

int ta_plan_load(struct ta_plan **out, const char *path, const char *output, const char *work_dir,
                 const char *cache, struct ta_log *log)
{
    return load_named(out, path, output, work_dir ? work_dir : "", cache, log);
}

int ta_plan_read(struct ta_plan **out, const char *path, const char *output, struct ta_log *log)
{
    return load_named(out, path, output, NULL, NULL, log);
}

int ta_plan_resume(struct ta_plan **out, const char *output, const char *work_dir, const char *cache,
                   struct ta_log *log)
{
    *out = NULL;
    char *dir = ta_work_path_of(output, work_dir), *path = ta_path_join(dir, "plan.json");
    struct ta_folder folder;
    int err = ta_folder_hold(&folder, dir, log);
    if (err >= 0)
        err = ta_folder_own(&folder, log);
    bool has_plan = err >= 0 && ta_folder_bytes(&folder, "plan.json") >= 0;
    ta_folder_close(&folder);
    if (err < 0 && err != TA_ERR_NOT_FOUND) {
        // said, and nothing in it is read
    } else if (has_plan) {
        struct ta_journal journal;
        ta_journal_load(&journal, dir);
        err = load_with_log(out, path, journal.folder, output, work_dir ? work_dir : "", cache, dir, log);
        ta_journal_release(&journal);
        if (err == TA_ERR_FORMAT || err == TA_ERR_INVALID)
            ta_error(
                log,
                "%s: its plan is garbled; the \"terminalai restore\" command that began it makes it anew "
                "and uses what is finished",
                output);
    } else if (access(dir, F_OK) == 0) {
        ta_error(log,
                 "%s: the plan is missing in %s; the \"terminalai restore\" command that began it makes it "
                 "anew and uses what is finished",
                 output, dir);
        err = TA_ERR_NOT_FOUND;
    } else if (access(output, F_OK) == 0) {
        ta_error(log, "%s: is there already and no unfinished work of it is: nothing to resume", output);
        err = TA_ERR_EXISTS;
    } else {
        ta_error(log, "%s: there is no unfinished work of it (no %s): \"terminalai restore\" begins it%s",
                 output, dir, work_dir && work_dir[0] ? "" : "; work that is elsewhere needs its --work-dir");
        err = TA_ERR_NOT_FOUND;
    }
    free(path);
    free(dir);
    return err;
}
