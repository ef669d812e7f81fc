#include "restore/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/encode/encoder_row.h"
#include "media/mux/containers.h"
#include "restore/framemd5.h"
#include "restore/plan_sound.h"
#include "restore/report.h"

// ---- one file ----

static int refuse_guarded(const struct ta_guarded *found, const char *output, struct ta_log *log)
{
    if (found->source && strcmp(found->path, output))
        ta_error(log, "%s: is the source itself (%s), which is never written", output, found->path);
    else if (found->source)
        ta_error(log, "%s: the output is the source itself, which is never written", output);
    else
        ta_error(log, "%s: this call reads it, and what it reads is never written", output);
    return TA_ERR_EXISTS;
}

static int check_folder(const char *output, struct ta_log *log)
{
    struct stat st;
    char *dir = ta_path_dir(output);
    int err = 0;
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        ta_error(log, "%s: there is no folder %s", output, dir);
        err = TA_ERR_NOT_FOUND;
    } else if (access(dir, W_OK | X_OK) < 0) {
        ta_error(log, "%s: the folder %s can't be written to", output, dir);
        err = TA_ERR_ACCESS;
    }
    free(dir);
    return err;
}

// "/dev/stdout" and its like lead to what is open, a plain file perhaps; to rename over them would take them
// from everybody.
static bool is_of_system(const char *output)
{
    char *dir = ta_path_dir(output), *at = ta_path_absolute(dir);
    bool is = !strcmp(at, "/dev") || !strncmp(at, "/dev/fd", 7) || !strncmp(at, "/proc/", 6);
    free(at);
    free(dir);
    return is;
}

// Whatever `overwrite` says: what is there must be a plain file that nobody reads.
static int check_kind(const struct ta_guard *g, const char *output, bool *there, struct ta_log *log)
{
    struct stat st;
    *there = lstat(output, &st) == 0; // a link that leads nowhere has the name, too
    bool leads = *there && stat(output, &st) == 0;
    const struct ta_guarded *found = leads ? ta_guard_find(g, output) : NULL;
    if (leads && S_ISDIR(st.st_mode)) {
        ta_error(log, "%s: is a folder, not a file to write", output);
        return TA_ERR_EXISTS;
    }
    if (found)
        return refuse_guarded(found, output, log);
    if ((leads && !S_ISREG(st.st_mode)) || (*there && is_of_system(output))) {
        ta_error(log, "%s: exists and is no plain file", output);
        return TA_ERR_EXISTS;
    }
    return 0;
}

int ta_output_check(const struct ta_guard *g, const char *output, bool overwrite, struct ta_log *log)
{
    bool there;
    int err = check_kind(g, output, &there, log);
    if (err >= 0 && there && !overwrite) {
        ta_error(log, "%s: exists already; --overwrite replaces it", output);
        err = TA_ERR_EXISTS;
    }
    return err < 0 ? err : check_folder(output, log);
}

// ---- what lies beside it ----

static int check_beside(const struct ta_guard *g, const char *path, bool ours, bool overwrite,
                        const char *what, struct ta_log *log)
{
    bool there;
    int err = check_kind(g, path, &there, log);
    if (err >= 0 && there && !ours && !overwrite) {
        ta_error(log, "%s: has the name of the %s and is none of this output; --overwrite replaces it", path,
                 what);
        err = TA_ERR_EXISTS;
    }
    return err;
}

int ta_output_check_beside(const struct ta_guard *g, const char *output, bool framemd5, bool overwrite,
                           struct ta_log *log)
{
    char *report = ta_report_path(output), *sums = ta_framemd5_path(output);
    int err = check_beside(g, report, ta_report_is_of(report, output, false), overwrite, "report", log);
    if (err >= 0 && framemd5)
        err = check_beside(g, sums, ta_report_is_of(report, output, true), overwrite, "frame checksums", log);
    free(sums);
    free(report);
    return err;
}

int ta_output_check_early(const char *input, const char *output, struct ta_options *options,
                          struct ta_log *log)
{
    const struct ta_recipe_opts *recipe;
    struct ta_run_opts run;
    struct ta_guard g = {0};
    bool there;
    int err = ta_options_recipe(options, &recipe, log);
    if (err >= 0)
        err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    ta_guard_add_source(&g, input);
    ta_guard_add_options(&g, options);
    err = check_kind(&g, output, &there, log);
    // What is left of a run that was killed is told by its work folder, later.
    if (err >= 0 && (run.overwrite || !there))
        err = ta_output_check_beside(&g, output, recipe->framemd5, run.overwrite, log);
    ta_guard_release(&g);
    ta_opt_release(ta_run_options, &run);
    return err;
}

int ta_output_check_folder(const struct ta_guard *g, const char *folder, struct ta_log *log)
{
    const struct ta_guarded *found = ta_guard_find_in(g, folder);
    if (!found)
        return 0;
    ta_error(log,
             "%s: the source %s lies in this folder, which is for unfinished work and removed in the end",
             folder, found->path);
    return TA_ERR_EXISTS;
}

// Ogg is a name for sound, and for films of the early web. The head of the file tells them apart: each stream
// begins there with its name.
static bool is_film_in_ogg(const char *path)
{
    static const struct {
        const char *text;
        size_t size;
    } names[] = {{"\x80theora", 7}, {"\x01video", 6}, {"BBCD", 5}, {"OVP80", 5}};
    char head[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = fd < 0 ? -1 : read(fd, head, sizeof head);
    bool found = false;
    for (size_t i = 0; i < TA_COUNT(names) && !found && size > 0; i++)
        found = memmem(head, (size_t)size, names[i].text, names[i].size);
    if (fd >= 0)
        close(fd);
    return found;
}

const char *ta_output_extension_of(struct ta_options *options, const char *input)
{
    static const char *const films[] = {"avi", "mpg", "mpeg", "ts", "m2ts", "vob", "wmv", "flv", "dv", "ogv"};
    const char *fixed = ta_plan_wants_sound_only(options) ? NULL : ta_output_extension(options),
               *own = ta_path_extension(input);
    if (!fixed)
        fixed = ta_container_sound_name(own);
    if (fixed && (!strcmp(fixed, "ogg") || !strcmp(fixed, "oga")) && is_film_in_ogg(input))
        return "mkv";
    for (size_t i = 0; i < TA_COUNT(films) && !fixed; i++)
        fixed = strcasecmp(own, films[i]) ? NULL : "mkv";
    return fixed ? fixed : "m4a";
}

const char *ta_output_extension(struct ta_options *options)
{
    const char *name = NULL;
    const struct ta_encoder_info *info = NULL;
    if (ta_plan_wants_sound_only(options))
        return "mka"; // ta_output_extension_of() knows better
    if (!ta_options_get(options, "encoder", &name, NULL) && strcmp(name, "auto"))
        info = ta_encoder_find(name);
    if (!info)
        return "mp4";
    static const char *const containers[] = {"mp4", "mkv", "mov", "webm", "y4m", "avi", "nut"};
    size_t length = strcspn(info->containers, " ");
    for (size_t i = 0; i < TA_COUNT(containers); i++)
        if (strlen(containers[i]) == length && !strncmp(containers[i], info->containers, length))
            return containers[i];
    return "mkv";
}
