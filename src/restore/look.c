#include "restore/look.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/name.h"
#include "restore/task_kind.h"
#include "restore/work.h"
#include "restore/work_files.h"

enum { PLAN_LIMIT = 16 << 20 };

const char *const ta_look_names[] = {"left", "running", "done"};

// Is the file of a task there as the journal says, by its size?
static bool has_task(const struct ta_plan *plan, const char *dir, const struct ta_journal *journal,
                     int number)
{
    struct ta_task task = ta_plan_task(plan, number);
    const struct ta_task_kind *kind = ta_task_kind_find(task.kind);
    struct ta_done done = ta_journal_find(journal, task.stem);
    if (!kind || !done.bytes || !ta_task_fits(plan, number, &done))
        return false;
    char *path = ta_xprintf("%s/%s.%s", dir, task.stem, kind->suffix);
    struct stat st;
    bool yes = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == done.bytes;
    free(path);
    return yes;
}

enum ta_look_task *ta_look_tasks(const struct ta_plan *plan, const char *dir,
                                 const struct ta_journal *journal, bool live)
{
    int count = ta_plan_tasks(plan);
    char **names = NULL, stem[TA_STEM_SIZE];
    enum ta_look_task *tasks = ta_xcalloc((size_t)count + 1, sizeof *tasks);
    for (int i = 0; i < count; i++)
        tasks[i] = has_task(plan, dir, journal, i) ? TA_LOOK_DONE : TA_LOOK_LEFT;
    // Several runners may be making the same task; whoever is dead has left a file too.
    if (live && ta_dir_list(dir, &names, NULL) >= 0)
        for (char **n = names; *n; n++) {
            int number = ta_task_is_file(*n, true, stem) ? ta_plan_find_task(plan, stem) : -1;
            if (number >= 0 && tasks[number] == TA_LOOK_LEFT)
                tasks[number] = TA_LOOK_RUNNING;
        }
    ta_dir_list_free(&names);
    return tasks;
}

static void load_index(struct ta_look *look, const struct ta_folder *folder)
{
    struct ta_plan *p = look->plan;
    int err = ta_index_load_in(&p->index, folder, "index.bin", NULL);
    look->outdated |= err == TA_ERR_UNSUPPORTED;
    if (err >= 0 && (strcmp(p->index->checksum, p->index_checksum) ||
                     ta_plan_fits_source(p, p->index, look->dir, NULL) < 0))
        ta_index_destroy(&p->index);
}

static void count_tasks(struct ta_look *look)
{
    struct ta_plan *p = look->plan;
    look->tasks = ta_look_tasks(p, look->dir, &look->journal, look->live);
    for (int i = 0, n = ta_plan_tasks(p); i < n; i++) {
        bool done = look->tasks[i] == TA_LOOK_DONE;
        look->done += done;
        look->running += look->tasks[i] == TA_LOOK_RUNNING;
        if (done && i < p->segment_count) {
            look->segments_done++;
            look->frames_done += ta_plan_task(p, i).frames;
        }
    }
}

void ta_look_init(struct ta_look *look, const char *dir)
{
    *look = (struct ta_look){.dir = ta_xstrdup(dir)};
    struct ta_buf text = {0};
    struct ta_folder folder;
    // Nothing in it can hold up who looks: pipes and links are not opened.
    if (ta_folder_hold(&folder, dir, NULL) >= 0 &&
        ta_folder_read(&folder, "plan.json", PLAN_LIMIT, &text, NULL) >= 0)
        ta_plan_from_json(&look->plan, ta_buf_text(&text), text.size, "plan.json", NULL);
    ta_buf_release(&text);
    look->live = ta_work_is_live(dir);
    look->bytes = ta_work_disk_bytes(dir);
    ta_journal_load(&look->journal, dir);
    char *made_by = ta_work_made_by(look->plan);
    look->outdated = look->journal.made_by && strcmp(look->journal.made_by, made_by);
    free(made_by);
    if (look->plan) {
        load_index(look, &folder);
        count_tasks(look);
    }
    ta_folder_close(&folder);
}

void ta_look_release(struct ta_look *look)
{
    ta_plan_destroy(&look->plan);
    ta_journal_release(&look->journal);
    free(look->tasks);
    free(look->dir);
}

char *ta_look_resolve(const struct ta_look *look, const char *path)
{
    return look->journal.folder ? ta_path_join(look->journal.folder, path) : ta_xstrdup(path);
}

char *ta_look_source(const struct ta_look *look)
{
    const char *input = look->plan->input;
    return look->journal.folder ? ta_name_below(look->journal.folder, input) : ta_xstrdup(input);
}

json_t *ta_look_text(const char *text)
{
    json_t *s = json_string(text);
    if (s)
        return s;
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, text);
    s = json_string(ta_buf_text(&quoted));
    ta_buf_release(&quoted);
    return s ? s : json_null();
}

bool ta_look_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
