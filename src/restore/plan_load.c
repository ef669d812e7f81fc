// A plan that was written earlier, with what else is known of its source.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/name.h"
#include "media/source.h"
#include "plan/plan.h"
#include "restore/journal.h"
#include "restore/survey.h"
#include "restore/work_files.h"

enum { PLAN_LIMIT = 16 << 20 };

// Takes the index in the file if it is the plan's, whichever version of libav has made it: the checksum says
// that it is the one that was planned with, and its version that it can be read.
static bool take_index(struct ta_plan *p, const char *path, struct ta_log *log)
{
    if (!path || access(path, F_OK) || ta_index_load(&p->index, path, NULL) < 0)
        return false;
    if (!strcmp(p->index->checksum, p->index_checksum)) {
        ta_verbose(log, "%s: the index is taken from %s", p->input, path);
        return true;
    }
    ta_index_destroy(&p->index);
    return false;
}

static bool take_from_folder(struct ta_plan *p, const char *dir, struct ta_log *log)
{
    char *index = ta_path_join(dir, "index.bin"), *survey = ta_path_join(dir, "survey.json");
    bool taken = take_index(p, index, log);
    if (taken && access(survey, F_OK) == 0)
        p->survey = ta_survey_load(survey, p->index_checksum);
    free(index);
    free(survey);
    return taken;
}

static bool planned_decoded(const struct ta_plan *p)
{
    const char *scan = json_string_value(json_object_get(json_object_get(p->recipe, "scan"), "value"));
    return scan && !strcmp(scan, "full");
}

static bool take_from_cache(struct ta_plan *p, const char *cache, struct ta_log *log)
{
    char *path = ta_index_cache_path(cache, &p->source, planned_decoded(p), "", "bin");
    bool taken = take_index(p, path, log);
    free(path);
    return taken;
}

static int index_source(struct ta_plan *p, const char *cache, struct ta_log *log)
{
    struct ta_source *source = NULL;
    int err = ta_source_open(&source, p->input, NULL, log);
    for (int i = 0; err >= 0 && i < p->stream_count; i++)
        if (p->streams[i].action == TA_STREAM_RESTORE)
            ta_source_set_video(source, p->streams[i].stream);
    if (err >= 0)
        err = ta_index_get(&p->index, source, planned_decoded(p), cache, NULL, log);
    ta_source_close(&source);
    if (err < 0 || strcmp(p->index->checksum, p->index_checksum) == 0)
        return err;
    if (ta_fingerprint_equal(&p->index->source, &p->source))
        ta_error(log,
                 "%s: it was planned by other versions of this program or its libraries, which index it in "
                 "another way: plan it anew, or run tasks where the plan's work folder holds its index.bin",
                 p->input);
    else
        ta_error(log, "%s: the file is not the one that was planned for", p->input);
    return TA_ERR_MISMATCH;
}

// The plan's index: beside the plan, in its work folder, in the cache, else from the source, which alone
// takes long.
static int load_index(struct ta_plan *p, const char *plan_path, const char *work_dir, struct ta_log *log)
{
    char *beside = ta_path_dir(plan_path), *work = ta_work_path_of(p->output, work_dir),
         *cache = ta_cache_folder();
    int err = 0;
    if (!take_from_folder(p, beside, log) && !take_from_folder(p, work, log) &&
        !take_from_cache(p, cache, log))
        err = index_source(p, cache, log);
    free(beside);
    free(work);
    free(cache);
    return err;
}

// `folder`: where a relative path of the source starts (NULL: here). `output`: another name for the same
// output, as the caller writes it (NULL: the plan's own). `work_dir` as the option: "" beside the output.
static int load(struct ta_plan **out, const char *path, const char *folder, const char *output,
                const char *work_dir, struct ta_log *log)
{
    struct ta_buf text = {0};
    int err = ta_file_read(path, PLAN_LIMIT, &text, log);
    if (err >= 0)
        err = ta_plan_from_json(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    if (err < 0)
        return err;
    struct ta_plan *p = *out;
    if (folder) {
        char *input = ta_name_below(folder, p->input);
        free(p->input);
        p->input = input;
    }
    if (output) {
        free(p->output);
        p->output = ta_xstrdup(output);
    }
    if (folder || output) {
        free(p->json);
        p->json = ta_plan_to_json(p);
    }
    err = load_index(p, path, work_dir, log);
    if (err >= 0 && (size_t)(p->first_frame + p->frame_count) > p->index->frame_count) {
        ta_error(log, "%s: the plan has more frames than the source", path);
        err = TA_ERR_FORMAT;
    }
    return err;
}

static int load_with_log(struct ta_plan **out, const char *path, const char *folder, const char *output,
                         const char *work_dir, struct ta_log *log)
{
    *out = NULL;
    struct ta_log *own = ta_log_child(log, "plan");
    int err = load(out, path, folder, output, work_dir, own);
    if (err >= 0) {
        (*out)->log = own;
        return 0;
    }
    ta_log_fail(own, err, path, NULL);
    ta_plan_destroy(out);
    ta_log_destroy(&own);
    return err;
}

int ta_plan_load(struct ta_plan **out, const char *path, const char *work_dir, struct ta_log *log)
{
    return load_with_log(out, path, NULL, NULL, work_dir, log);
}

int ta_plan_resume(struct ta_plan **out, const char *output, const char *work_dir, struct ta_log *log)
{
    *out = NULL;
    char *dir = ta_work_path_of(output, work_dir), *path = ta_path_join(dir, "plan.json");
    int err = 0;
    if (access(path, F_OK) == 0) {
        struct ta_journal journal;
        ta_journal_load(&journal, dir);
        err = load_with_log(out, path, journal.folder, output, work_dir, log);
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
