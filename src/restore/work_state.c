// Whose plan a work folder is of, and the files that say so.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "media/av.h"
#include "plan/diff.h"
#include "plan/sound.h"
#include "restore/survey.h"
#include "restore/work_files.h"
#include "restore/work_parts.h"

enum { FILE_LIMIT = 64 << 20 };

static char *inside(const struct ta_work *w, const char *name)
{
    return ta_path_join(w->dir, name);
}

static void add_runtime(json_t *versions, const char *stage,
                        void (*runtime)(const void *opts, struct ta_buf *text), const void *opts)
{
    struct ta_buf text = {0};
    if (runtime)
        runtime(opts, &text);
    if (text.size)
        json_object_set_new(versions, stage, ta_json_any_text(ta_buf_text(&text)));
    ta_buf_release(&text);
}

char *ta_work_made_by(const struct ta_plan *plan)
{
    json_t *versions = ta_av_versions();
    json_object_set_new(versions, "terminalai", json_string(ta_version()));
    for (int i = 0; plan && i < plan->stage_count; i++)
        add_runtime(versions, plan->stages[i].info->name, plan->stages[i].info->runtime,
                    plan->stages[i].opts);
    for (int i = 0; plan && i < plan->sound_count; i++)
        for (int k = 0; k < plan->sounds[i].stage_count; k++) {
            const struct ta_sound_stage_plan *stage = &plan->sounds[i].stages[k];
            add_runtime(versions, stage->info->name, stage->info->runtime, stage->opts);
        }
    char *text = json_dumps(versions, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(versions);
    return text ? text : ta_xstrdup("");
}

// ---- whose files these are ----

int ta_work_refuse_foreign(const struct ta_work *w)
{
    char *name = NULL;
    int err = ta_work_find_foreign(&w->folder, &name, w->log);
    if (name) {
        ta_error(w->log,
                 "%s: this folder holds \"%s\", which no run makes: nothing in it is changed; move it away "
                 "or set another --work-dir",
                 w->dir, name);
        err = TA_ERR_EXISTS;
    }
    free(name);
    return err;
}

void ta_work_remove_joined_part(struct ta_work *w)
{
    ta_work_remove_part(w->plan->output, w->journal.joining);
    if (!w->journal.joining[0])
        return;
    char *name = ta_work_joined_name(w->journal.joining);
    ta_folder_unlink(&w->folder, name);
    free(name);
}

// ---- whose plan it is ----

static void tell_other(struct ta_work *w, const char *old_json, const char *made_by)
{
    struct ta_buf what = {0};
    if (made_by) {
        char *now = ta_work_made_by(w->plan);
        ta_buf_printf(&what, "the program: %s -> %s", made_by, now);
        free(now);
    } else {
        ta_plan_differences(old_json, w->plan->json, &what);
    }
    ta_error(w->log, "%s holds unfinished work of another plan; what differs, old -> new: %s", w->dir,
             what.size ? ta_buf_text(&what) : "the text of plan.json");
    ta_buf_release(&what);
}

// The journal names the plan that its tasks are of, and outweighs plan.json.
struct ta_work_found ta_work_find(struct ta_work *w, const char identity[65])
{
    char *path = inside(w, "plan.json"), *made_by = ta_work_made_by(w->plan), old[65] = "";
    struct ta_work_found found = {.state = TA_WORK_SAME};
    struct ta_buf text = {0};
    ta_journal_release(&w->journal);
    ta_journal_load_in(&w->journal, &w->folder);
    bool has_plan = ta_folder_has(&w->folder, "plan.json");
    json_t *json = NULL;
    if (has_plan && ta_folder_read(&w->folder, "plan.json", FILE_LIMIT, &text, NULL) >= 0)
        json = json_loadb(ta_buf_text(&text), text.size, 0, NULL);
    bool readable = json_is_object(json);
    json_decref(json);
    if (readable)
        ta_plan_identity(ta_buf_text(&text), old);
    bool journal_same = !strcmp(w->journal.plan, identity), plan_same = !strcmp(old, identity);
    if (!journal_same && !plan_same)
        found.state = readable ? TA_WORK_OTHER : has_plan ? TA_WORK_UNREADABLE : TA_WORK_FRESH;
    if (found.state == TA_WORK_SAME && w->journal.made_by && strcmp(w->journal.made_by, made_by))
        found.state = TA_WORK_OTHER;
    if (found.state == TA_WORK_OTHER)
        tell_other(w, ta_buf_text(&text), journal_same ? w->journal.made_by : NULL);
    else if (found.state == TA_WORK_UNREADABLE)
        ta_error(w->log, "%s is garbled, and no journal tells that the work beside it is of this plan", path);
    found.plan_garbled = found.state == TA_WORK_SAME && !plan_same && has_plan;
    found.plan_missing = found.state == TA_WORK_SAME && !plan_same && !has_plan;
    found.journal_other = found.state == TA_WORK_SAME && !journal_same && w->journal.plan[0];
    ta_buf_release(&text);
    free(made_by);
    free(path);
    return found;
}

// ---- writing what says whose it is ----

// What was measured; older folders have none, and plans that stand alone may not know it.
static int write_survey(struct ta_work *w)
{
    json_t *there = ta_survey_load_in(&w->folder, "survey.json", w->plan->index->checksum);
    int err = there || !w->plan->survey
                  ? 0
                  : ta_survey_save_in(w->plan->survey, &w->folder, "survey.json", w->log);
    json_decref(there);
    return err;
}

static int write_index(struct ta_work *w)
{
    if (!w->plan->index) // sound alone has none
        return 0;
    int err = ta_index_save_in(w->plan->index, &w->folder, "index.bin", w->log);
    return err < 0 ? err : write_survey(w);
}

static int write_plan(struct ta_work *w)
{
    return ta_folder_write(&w->folder, "plan.json", w->plan->json, strlen(w->plan->json), w->log);
}

static int write_head(struct ta_work *w, const char identity[65])
{
    char *made_by = ta_work_made_by(w->plan), *folder = ta_path_absolute(".");
    int err = ta_journal_append(&w->folder, ta_journal_head_line(identity, made_by, folder), w->log);
    if (err >= 0)
        memcpy(w->journal.plan, identity, 65);
    free(made_by);
    free(folder);
    return err;
}

// plan.json last: a folder without it, and without a journal that names the plan, is one that was never
// begun.
int ta_work_begin(struct ta_work *w, const char identity[65])
{
    ta_work_empty(&w->folder, NULL); // a journal of another plan must not come back to life
    ta_journal_release(&w->journal);
    ta_journal_load_in(&w->journal, &w->folder);
    w->created = true;
    int err = write_index(w);
    if (err >= 0)
        err = write_head(w, identity);
    return err < 0 ? err : write_plan(w);
}

int ta_work_renew_journal(struct ta_work *w, const char identity[65])
{
    char *path = inside(w, "journal.jsonl");
    ta_problem_at(w->log, TA_PROBLEM_WORK_FOREIGN, &(struct ta_problem_about){.file = path},
                  "%s is not of the plan beside it: nothing that it says counts", path);
    ta_folder_unlink(&w->folder, "journal.jsonl");
    free(path);
    ta_journal_release(&w->journal);
    ta_journal_load_in(&w->journal, &w->folder);
    return write_head(w, identity);
}

static int mend_index(struct ta_work *w)
{
    char *path = inside(w, "index.bin");
    struct ta_index *index = NULL;
    if (!w->plan->index) {
        free(path);
        return 0;
    }
    bool ok = ta_index_load_in(&index, &w->folder, "index.bin", NULL) >= 0 &&
              !strcmp(index->checksum, w->plan->index->checksum);
    ta_index_destroy(&index);
    if (!ok)
        ta_problem_at(w->log, TA_PROBLEM_INDEX_REWRITTEN, &(struct ta_problem_about){.file = path},
                      "%s is missing or damaged: written anew", path);
    free(path);
    return ok ? write_survey(w) : write_index(w);
}

static bool has_plan_text(const struct ta_work *w)
{
    struct ta_buf b = {0};
    const char *text = w->plan->json;
    bool same = ta_folder_read(&w->folder, "plan.json", FILE_LIMIT, &b, NULL) >= 0 &&
                b.size == strlen(text) && !strcmp(ta_buf_text(&b), text);
    ta_buf_release(&b);
    return same;
}

int ta_work_go_on(struct ta_work *w, const struct ta_work_found *found, const char identity[65])
{
    char *plan = inside(w, "plan.json");
    if (found->plan_garbled || found->plan_missing)
        ta_problem_at(w->log, TA_PROBLEM_PLAN_REWRITTEN, &(struct ta_problem_about){.file = plan},
                      "%s is %s: written anew; the journal knows which tasks are of this plan", plan,
                      found->plan_garbled ? "garbled" : "missing");
    int err = has_plan_text(w) ? 0 : write_plan(w);
    free(plan);
    if (err >= 0 && found->journal_other)
        err = ta_work_renew_journal(w, identity);
    if (err >= 0)
        err = mend_index(w);
    if (err >= 0 && !w->journal.plan[0])
        err = write_head(w, identity);
    if (err < 0)
        return err;
    ta_work_remove_parts(&w->folder);
    ta_work_remove_joined_part(w);
    ta_work_take_tasks(w, -1);
    return 0;
}
