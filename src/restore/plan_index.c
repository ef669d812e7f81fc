// What a plan's index is: the list of packets that it was planned with.
#include "restore/plan_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "media/source.h"
#include "restore/look.h"
#include "restore/survey.h"
#include "restore/work.h"
#include "restore/work_files.h"

static const double LOCK_PAUSE = 0.05, TOLD_SECONDS = 60;

// Takes the index in the file if it is the plan's, whichever version of libav has made it: the checksum says
// that it is the one that was planned with, and its version that it can be read.
static bool take_index(struct ta_plan *p, const char *path, bool *outdated, struct ta_log *log)
{
    int err = path && ta_look_is_file(path) ? ta_index_load(&p->index, path, NULL) : TA_ERR_NOT_FOUND;
    if (outdated)
        *outdated |= err == TA_ERR_UNSUPPORTED;
    if (err < 0)
        return false;
    if (!strcmp(p->index->checksum, p->index_checksum)) {
        ta_verbose(log, "%s: the index is taken from %s", p->input, path);
        return true;
    }
    ta_index_destroy(&p->index);
    return false;
}

static bool take_from_folder(struct ta_plan *p, const char *dir, bool *outdated, struct ta_log *log)
{
    char *index = ta_path_join(dir, "index.bin"), *survey = ta_path_join(dir, "survey.json");
    bool taken = take_index(p, index, outdated, log);
    if (taken && ta_look_is_file(survey))
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
    bool taken = take_index(p, path, NULL, log);
    free(path);
    return taken;
}

// `outdated`: the plan's index lies there, but this program does not read that version.
static int index_source(struct ta_plan *p, const char *cache, bool outdated, struct ta_log *log)
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
                 "another way%s",
                 p->input,
                 outdated ? ": plan it anew"
                          : ": plan it anew, or run tasks where the plan's work folder holds its index.bin");
    else
        ta_error(log, "%s: the file is not the one that was planned for", p->input);
    return TA_ERR_MISMATCH;
}

// Beside the plan, in its work folder, in the cache: without reading the source.
static bool take(struct ta_plan *p, const char *work, const char *cache, bool *outdated, struct ta_log *log)
{
    *outdated = false;
    return (p->folder && take_from_folder(p, p->folder, outdated, log)) ||
           take_from_folder(p, work, outdated, log) || take_from_cache(p, cache, log);
}

// May one make an index there for others? Not in a folder that has been begun: its index came first.
static bool may_make(struct ta_folder *folder, const char *work)
{
    char *foreign = NULL;
    bool made, may = ta_folder_make(folder, work, &made, NULL) >= 0 && ta_folder_own(folder, NULL) >= 0 &&
                     !ta_folder_has(folder, "plan.json") &&
                     ta_work_find_foreign(folder, &foreign, NULL) >= 0 && !foreign;
    free(foreign);
    return may;
}

// Holds and locks a work folder that nobody has begun, when it is our turn to make the index for all;
// TA_ERR_BUSY when another one has made it meanwhile, TA_ERR_NOT_FOUND where there is no such folder to be
// had.
static int take_turn(struct ta_plan *p, struct ta_folder *folder, const char *work, struct ta_log *log)
{
    double told = -TOLD_SECONDS;
    for (;;) {
        bool may = may_make(folder, work);
        int err = !may                                        ? TA_ERR_NOT_FOUND
                  : flock(folder->fd, LOCK_EX | LOCK_NB) == 0 ? 0
                  : errno == EWOULDBLOCK                      ? TA_ERR_BUSY
                                                              : TA_ERR_NOT_FOUND;
        // Looked at after these: who begins the folder writes the index before plan.json.
        bool taken = take_from_folder(p, work, NULL, log);
        if (taken || err < 0)
            ta_folder_close(folder);
        if (taken)
            return TA_ERR_BUSY;
        if (err != TA_ERR_BUSY)
            return err;
        // Also so that nobody takes this run for one that stands still.
        if (ta_clock_seconds() - told >= TOLD_SECONDS) {
            told = ta_clock_seconds();
            ta_info(log, "%s: another run looks through it for the same output; waiting", p->input);
        }
        // perf-ok(polling-sleep): locks of files have no events, and another runner is rare
        usleep((useconds_t)(LOCK_PAUSE * 1e6)); // timed wait: a lock tells nobody that it is free
    }
}

int ta_plan_find_index(struct ta_plan *p, const char *work_dir, const char *cache, struct ta_log *log)
{
    if (p->sound_only)
        return 0;
    char *work = ta_work_path(p, work_dir);
    bool outdated;
    int err = take(p, work, cache, &outdated, log) ? 0 : index_source(p, cache, outdated, log);
    free(work);
    return err < 0 ? err : ta_plan_fits_source(p, p->index, p->input, log);
}

int ta_plan_find_index_once(struct ta_plan *p, const char *work_dir, const char *cache, struct ta_log *log)
{
    if (p->sound_only)
        return 0;
    char *work = ta_work_path(p, work_dir);
    bool outdated;
    struct ta_folder folder = {.fd = -1};
    int err = 0, turn = TA_ERR_BUSY;
    if (!take(p, work, cache, &outdated, log) && (turn = take_turn(p, &folder, work, log)) != TA_ERR_BUSY)
        err = index_source(p, cache, outdated, log);
    // What can't be written here fails when the folder is begun, with the reason.
    if (turn >= 0 && (err < 0 || ta_index_save_in(p->index, &folder, "index.bin", NULL) < 0))
        rmdir(work); // only what is empty
    ta_folder_close(&folder);
    free(work);
    return err < 0 ? err : ta_plan_fits_source(p, p->index, p->input, log);
}
