#include "jobs/box_job.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <terminalai/survey.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "infer/engine.h"
#include "media/parts/name.h"
#include "recipe/engine_places.h"
#include "recipe/folders.h"
#include "recipe/models.h"
#include "recipe/options.h"
#include "restore/framemd5.h"
#include "restore/report.h"
#include "restore/work_files.h"

static void read_and_free(struct ta_box *box, char *path)
{
    ta_box_read(box, path);
    free(path);
}

// Writing needs a folder that is there: the nearest above it, where it is still to be made.
static void write_folder(struct ta_box *box, const char *path)
{
    char *at = ta_xstrdup(path);
    while (access(at, F_OK) < 0 && strcmp(at, "/") && strcmp(at, ".")) {
        char *above = ta_path_dir(at);
        free(at);
        at = above;
    }
    if (strcmp(at, "/"))
        ta_box_write(box, at);
    free(at);
}

// One of the program's own, which it makes where it is missing.
static void make_and_write(struct ta_box *box, const char *path)
{
    char *inside = ta_path_join(path, "x");
    ta_dir_create_above(inside, 0700, NULL);
    free(inside);
    if (access(path, F_OK) == 0)
        ta_box_write(box, path);
}

// A file beside the output that is there already.
static void read_and_replace(struct ta_box *box, char *path)
{
    if (access(path, F_OK) == 0) {
        ta_box_read(box, path);
        box->replaces = true;
    }
    free(path);
}

// Is it sure that a file can be moved out of a folder into the one above? Unions of several disks, which are
// programs, may have the two on different ones.
static bool moves_within(const char *folder)
{
    enum { FUSE = 0x65735546 };
    struct statfs fs;
    return statfs(folder, &fs) == 0 && (unsigned long)fs.f_type != FUSE;
}

// Of what lies in the output's folder nothing but the output and its work, which is made here for that:
// Landlock knows no file that is not there yet. False where that can't be; then it is for the worker to say
// what is wrong.
static bool write_exactly(struct ta_box *box, const struct ta_box_work *work, const char *folder,
                          const char *place)
{
    struct ta_folder held;
    bool made = false;
    if (!moves_within(folder) || ta_folder_make(&held, place, &made, NULL) < 0)
        return false;
    ta_folder_close(&held);
    if (made)
        ta_file_sync_dir(folder, NULL); // after a power cut it must still be there
    ta_box_write(box, place);
    ta_box_set_place(box, folder);
    box->work = ta_xstrdup(place);
    read_and_replace(box, ta_xstrdup(work->output));
    read_and_replace(box, ta_report_path(work->output));
    read_and_replace(box, ta_framemd5_path(work->output));
    return true;
}

// ---- the source ----

// Is it of a disc, whose other files say what is in it?
static bool is_of_disc(const char *path)
{
    static const char *const extensions[] = {"vob", "ifo", "bup", "vro"};
    const char *extension = ta_path_extension(path);
    for (size_t i = 0; i < TA_COUNT(extensions); i++)
        if (!strcasecmp(extension, extensions[i]))
            return true;
    return false;
}

static void read_source(struct ta_box *box, const char *input)
{
    char **files;
    int count = ta_name_files(input, &files);
    for (int i = 0; i < count; i++) {
        if (is_of_disc(files[i]))
            read_and_free(box, ta_path_dir(files[i]));
        else
            ta_box_read(box, files[i]);
    }
    ta_name_files_free(&files);
}

// ---- options ----

// Could any stage of these options want a network, or an encoder in hardware? Rather once too often: a job in
// a narrow box that needs a device fails.
static bool wants_devices(struct ta_options *options)
{
    static const struct {
        const char *option, *with; // what its value holds then
    } asked[] = {
        {"hardware", "on"}, {"deinterlace", "neural"}, {"hdr-method", "rtx"},       {"scale", "neural"},
        {"scale", "rtx"},   {"scale-model", "/"},      {"audio-enhance", "neural"}, {"engine-library", "/"},
        {"device", "gpu"},  {"device", "npu"}};
    const char *value, *scale = "auto", *model = "", *extend = "off";
    for (size_t i = 0; i < TA_COUNT(asked); i++)
        if (ta_options_get(options, asked[i].option, &value, NULL) >= 0 && value &&
            strstr(value, asked[i].with))
            return true;
    ta_options_get(options, "scale", &scale, NULL);
    ta_options_get(options, "scale-model", &model, NULL);
    ta_options_get(options, "audio-extend", &extend, NULL);
    if ((model && *model && !strcmp(scale, "auto")) || strcmp(extend, "off") != 0)
        return true;
    // What is chosen by itself needs a network that is here.
    char *folder = ta_models_folder(), **names = NULL;
    int count = folder && access(folder, F_OK) == 0 ? ta_dir_list(folder, &names, NULL) : 0;
    if (count > 0)
        ta_dir_list_free(&names);
    free(folder);
    return count > 0 && !strcmp(scale, "auto");
}

// Every file or folder that an option names, in presets and the configuration too.
static void read_named_files(struct ta_box *box, struct ta_options *options)
{
    for (const char *const *name = ta_option_names(); *name; name++) {
        const char *value;
        if (ta_options_get(options, *name, &value, NULL) >= 0 && value && *value && strchr(value, '/'))
            ta_box_read(box, value);
    }
}

// ---- engines ----

// The packages that a library belongs to, which may be the ones beside it: its folder, or the "site-packages"
// above.
static void read_library(struct ta_box *box, const char *path)
{
    static const char *const packages[] = {"/site-packages/", "/dist-packages/"};
    if (!strchr(path, '/'))
        return;
    for (size_t i = 0; i < TA_COUNT(packages); i++) {
        const char *at = strstr(path, packages[i]);
        if (at) {
            read_and_free(box, ta_xstrndup(path, (size_t)(at - path) + strlen(packages[i]) - 1));
            return;
        }
    }
    read_and_free(box, ta_path_dir(path));
}

static void read_engines(struct ta_box *box, struct ta_options *options)
{
    const char *given = NULL;
    ta_options_get(options, "engine-library", &given, NULL);
    const char *named = ta_engine_named(given && *given ? given : NULL);
    if (named)
        ta_box_read(box, named);
    for (int i = 0; ta_engines[i]; i++) {
        struct ta_engine_places places;
        ta_engine_places_find(&places, ta_engines[i], named);
        for (int k = 0; k < places.library_count; k++)
            read_library(box, places.libraries[k]);
        for (int k = 0; k < places.plugin_count; k++)
            read_library(box, places.plugins[k].file);
        ta_engine_places_release(&places);
    }
    // Compiled kernels of NVIDIA's driver are kept there.
    const char *home = ta_environment_text("HOME");
    char *kept = home ? ta_path_join(home, ".nv") : NULL;
    if (kept && access(kept, W_OK) == 0)
        ta_box_write(box, kept);
    free(kept);
}

// The program's own files, and what all options together name. The options, to be destroyed; NULL where they
// are not known: what is wrong with them is told by the worker.
static struct ta_options *add_own(struct ta_box *box, const struct ta_box_rules *rules, const json_t *wanted)
{
    struct ta_options *options = NULL;
    const char *key;
    json_t *value;
    char *cache = ta_cache_folder();
    if (cache)
        make_and_write(box, cache);
    free(cache);
    read_and_free(box, ta_config_path(""));
    read_and_free(box, ta_data_path(""));
    ta_box_read(box, rules->config);
    if (ta_options_create(&options, NULL) < 0)
        return NULL;
    ta_options_load_config(options, rules->config);
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (json_is_string(value))
            ta_options_set(options, TA_LAYER_CALLER, key, json_string_value(value), key);
    }
    read_named_files(box, options);
    return options;
}

void ta_box_for_any(struct ta_box *box, const struct ta_box_rules *rules)
{
    struct ta_options *options = add_own(box, rules, NULL);
    box->devices = true;
    if (options)
        read_engines(box, options);
    for (int i = 0; i < rules->root_count; i++)
        ta_box_write(box, rules->roots[i]);
    ta_options_destroy(&options);
}

void ta_box_for_work(struct ta_box *box, const struct ta_box_rules *rules, const struct ta_box_work *work)
{
    const char *work_dir = work->work_dir;
    if (*work->input)
        read_source(box, work->input);
    struct ta_options *options = add_own(box, rules, work->options);
    if (options && !*work_dir)
        ta_options_get(options, "work-dir", &work_dir, NULL);
    box->devices = options && wants_devices(options);
    if (box->devices)
        read_engines(box, options);
    for (int i = 0; (box->devices || !work->makes) && i < rules->root_count; i++)
        ta_box_read(box, rules->roots[i]);
    if (*work->output) {
        char *folder = ta_path_dir(work->output), *place = ta_work_path_of(work->output, work_dir),
             *above = ta_path_dir(place);
        // Checksums of frames are made of the output when it has its name.
        const char *sums = "on";
        bool exact = work->exactly && options && !box->devices && !*work_dir &&
                     ta_options_get(options, "framemd5", &sums, NULL) >= 0 && strcmp(sums, "on") != 0;
        if (exact && write_exactly(box, work, folder, place)) {
            // no more than that
        } else if (work->makes) {
            write_folder(box, folder);
            write_folder(box, above);
        } else {
            ta_box_read(box, folder);
            ta_box_read(box, above);
        }
        free(folder);
        free(place);
        free(above);
    }
    ta_options_destroy(&options);
}

// ---- downloads ----

// What the programs of a folder of PATH are made of: mostly all that is beside it ("/opt/x/bin",
// "~/.pyenv/shims"), but not where that is somebody's home, or where things of other kinds lie beside
// programs.
static void read_beside(struct ta_box *box, const char *bin, const char *home)
{
    static const char *const some[] = {"lib", "lib64", "libexec", "pipx", "share/pipx", "pyvenv.cfg"};
    char *prefix = ta_path_dir(bin);
    size_t n = strlen(prefix);
    bool holds_home = home && !strncmp(home, prefix, n) && (!home[n] || home[n] == '/' || n == 1);
    if (!strcmp(ta_path_name(prefix), ".local"))
        for (size_t i = 0; i < TA_COUNT(some); i++)
            read_and_free(box, ta_path_join(prefix, some[i]));
    else if (!holds_home && n > 1)
        ta_box_read(box, prefix);
    free(prefix);
}

static void read_programs(struct ta_box *box)
{
    const char *path = ta_environment_text("PATH"), *home = ta_environment_text("HOME");
    for (const char *at = path ? path : ""; *at;) {
        size_t n = strcspn(at, ":");
        char *folder = ta_xstrndup(at, n), *tool = ta_path_join(folder, "yt-dlp"),
             *real = realpath(tool, NULL);
        if (*folder == '/' && strcmp(folder, "/")) {
            ta_box_read(box, folder);
            if (!strcmp(ta_path_name(folder), "bin") || !strcmp(ta_path_name(folder), "shims"))
                read_beside(box, folder, home);
        }
        if (real) { // a link to where it is installed, mostly
            char *bin = ta_path_dir(real);
            ta_box_read(box, bin);
            if (!strcmp(ta_path_name(bin), "bin"))
                read_beside(box, bin, home);
            free(bin);
        }
        free(real);
        free(tool);
        free(folder);
        at += n + (at[n] == ':');
    }
}

void ta_box_for_download(struct ta_box *box, const char *folder)
{
    make_and_write(box, folder);
    read_programs(box);
    read_and_free(box, ta_config_path(""));
    box->network = box->programs = true;
}

static void box_for_model(struct ta_box *box)
{
    char *folder = ta_models_folder();
    if (folder)
        make_and_write(box, folder);
    free(folder);
    read_and_free(box, ta_config_path(""));
    box->network = true;
}

void ta_box_for_question(struct ta_box *box, const struct ta_box_rules *rules, const json_t *question)
{
    const char *kind = ta_json_member_text(question, "kind"), *to = ta_json_member_text(question, "to"),
               *source = ta_json_member_text(question, "source");
    struct ta_box_work work = {.input = ta_json_member_text(question, "input"),
                               .output = ta_json_member_text(question, "output"),
                               .work_dir = ta_json_member_text(question, "work_dir"),
                               .options = json_object_get(question, "options"),
                               .makes = !strcmp(kind, "discard")};
    if (!strcmp(kind, "fetch")) {
        box_for_model(box);
        return;
    }
    ta_box_for_work(box, rules, &work);
    if (*source)
        read_source(box, source);
    if (*to) {
        char *folder = ta_path_dir(to);
        write_folder(box, folder);
        free(folder);
    }
}
