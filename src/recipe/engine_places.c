#include "recipe/engine_places.h"

#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "infer/library.h"

const struct ta_opt ta_engine_options[] = {
    {.name = "engine-library",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_engine_opts, engine_library, char *),
     .syntax = "FILE",
     .help =
         "the engine's library, or a folder that holds it or Python packages; without it, "
         "TERMINALAI_ENGINE_LIBRARY, then the packages of the pythons in PATH, then the system's folders"},
    {0},
};

static void add_library(struct ta_engine_places *p, char *file)
{
    for (int i = 0; i < p->library_count; i++)
        if (!strcmp(p->libraries[i], file)) {
            free(file);
            return;
        }
    p->libraries = ta_xrealloc(p->libraries, (size_t)(p->library_count + 2) * sizeof *p->libraries);
    p->libraries[p->library_count++] = file;
    p->libraries[p->library_count] = NULL;
}

static void add_plugin(struct ta_engine_places *p, const char *name, char *file)
{
    size_t count = (size_t)p->plugin_count + 2;
    p->plugins = ta_xrealloc(p->plugins, count * sizeof *p->plugins);
    p->plugins[p->plugin_count++] = (struct ta_engine_plugin){name, file};
    p->plugins[p->plugin_count] = (struct ta_engine_plugin){0};
}

// What matches FOLDER/PATTERN, where only the pattern is one. To be released by globfree().
static void find(const char *folder, const char *pattern, glob_t *out)
{
    char *text = ta_library_pattern(folder, pattern);
    *out = (glob_t){0};
    glob(text, 0, NULL, out);
    free(text);
}

static void look_for_library(struct ta_engine_places *p, const struct ta_engine_info *engine,
                             const char *folder)
{
    glob_t found;
    find(folder, engine->file, &found);
    for (size_t i = found.gl_pathc; i > 0; i--) // a newer version has a longer or later name
        add_library(p, ta_xstrdup(found.gl_pathv[i - 1]));
    globfree(&found);
}

// A folder of packages. Of the same plugin in several, the first counts.
static void look_in_packages(struct ta_engine_places *p, const struct ta_engine_info *engine,
                             const char *folder)
{
    char *capi = ta_path_join(folder, engine->package);
    look_for_library(p, engine, capi);
    free(capi);
    for (const struct ta_engine_plugin *plugin = engine->plugins; plugin && plugin->name; plugin++) {
        struct stat st;
        char *file = ta_path_join(folder, plugin->file);
        bool is_new = stat(file, &st) == 0 && S_ISREG(st.st_mode);
        for (int i = 0; i < p->plugin_count; i++)
            is_new = is_new && strcmp(p->plugins[i].name, plugin->name) != 0;
        if (is_new)
            add_plugin(p, plugin->name, file);
        else
            free(file);
    }
}

static void look_in_all(struct ta_engine_places *p, const struct ta_engine_info *engine, const char *folder,
                        const char *pattern)
{
    glob_t found;
    find(folder, pattern, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        look_in_packages(p, engine, found.gl_pathv[i]);
    globfree(&found);
}

// Where a python that is installed in `prefix` keeps packages.
static void look_in_prefix(struct ta_engine_places *p, const struct ta_engine_info *engine,
                           const char *prefix)
{
    look_in_all(p, engine, prefix, "lib*/python3*/site-packages");
    look_in_all(p, engine, prefix, "lib/python3*/dist-packages");
}

// One folder of $PATH: the prefix that it is the bin/ of, and that of the python behind its link.
static void look_beside(struct ta_engine_places *p, const struct ta_engine_info *engine, const char *bin)
{
    char *up = ta_path_dir(bin), *python = ta_path_join(bin, "python3"), *real = realpath(python, NULL);
    look_in_prefix(p, engine, up);
    if (real) {
        char *real_bin = ta_path_dir(real), *real_up = ta_path_dir(real_bin);
        if (strcmp(real_up, up) != 0)
            look_in_prefix(p, engine, real_up);
        free(real_up);
        free(real_bin);
    }
    // pyenv has scripts in the path, not pythons.
    if (!strcmp(ta_path_name(bin), "shims"))
        look_in_all(p, engine, up, "versions/*/lib/python3*/site-packages");
    free(real);
    free(python);
    free(up);
}

// Calls for each absolute folder of a list such as $PATH; what is relative means another place tomorrow.
static void each_folder(const char *list, struct ta_engine_places *p, const struct ta_engine_info *engine,
                        void (*look)(struct ta_engine_places *, const struct ta_engine_info *, const char *))
{
    while (list && *list) {
        size_t n = strcspn(list, ":");
        size_t kept = n;
        while (kept > 1 && list[kept - 1] == '/')
            kept--;
        char *folder = ta_xstrndup(list, kept);
        if (folder[0] == '/')
            look(p, engine, folder);
        free(folder);
        list += n + (list[n] == ':');
    }
}

static void look_at_named(struct ta_engine_places *p, const struct ta_engine_info *engine, const char *named)
{
    struct stat st;
    char *path = ta_path_absolute(named);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        look_in_packages(p, engine, path);
        look_for_library(p, engine, path);
    } else {
        // Beside it lie the plugins of its package, and beside that one those of others.
        char *folder = ta_path_dir(path);
        size_t size = strlen(folder), package = strlen(engine->package);
        add_library(p, ta_xstrdup(path));
        if (size > package && !strcmp(folder + size - package, engine->package) &&
            folder[size - package - 1] == '/') {
            struct ta_engine_places beside = {0};
            folder[size - package - 1] = '\0';
            look_in_packages(&beside, engine, folder);
            for (int i = 0; i < beside.plugin_count; i++)
                add_plugin(p, beside.plugins[i].name, ta_xstrdup(beside.plugins[i].file));
            ta_engine_places_release(&beside);
        }
        free(folder);
    }
    free(path);
}

const char *ta_engine_named(const char *given)
{
    const char *set = getenv("TERMINALAI_ENGINE_LIBRARY");
    return given ? given : set && *set ? set : NULL;
}

void ta_engine_places_find(struct ta_engine_places *places, const struct ta_engine_info *engine,
                           const char *named)
{
    const char *home = getenv("HOME");
    *places = (struct ta_engine_places){0};
    if (named) {
        look_at_named(places, engine, named);
        return;
    }
    each_folder(getenv("PYTHONPATH"), places, engine, look_in_packages);
    if (home && home[0] == '/') {
        char *local = ta_path_join(home, ".local");
        look_in_prefix(places, engine, local);
        free(local);
    }
    each_folder(getenv("PATH"), places, engine, look_beside);
    add_library(places, ta_xstrdup(engine->system_file));
}

void ta_engine_places_release(struct ta_engine_places *places)
{
    for (int i = 0; i < places->library_count; i++)
        free(places->libraries[i]);
    for (int i = 0; i < places->plugin_count; i++)
        free((char *)places->plugins[i].file);
    free(places->libraries);
    free(places->plugins);
    *places = (struct ta_engine_places){0};
}

static bool has_library(const struct ta_engine_info *engine, const char *folder)
{
    struct ta_engine_places places;
    ta_engine_places_find(&places, engine, folder);
    bool has = places.library_count > 0;
    ta_engine_places_release(&places);
    return has;
}

bool ta_engine_is_meant(const struct ta_engine_info *engine, const char *named)
{
    struct stat st;
    bool folder = stat(named, &st) == 0 && S_ISDIR(st.st_mode), others = false, listed = false;
    for (int i = 0; ta_engines[i]; i++) {
        listed |= ta_engines[i] == engine;
        bool fits = folder ? has_library(ta_engines[i], named)
                           : fnmatch(ta_engines[i]->file, ta_path_name(named), 0) == 0;
        if (fits && ta_engines[i] == engine)
            return true;
        others |= fits;
    }
    if (!listed) // chosen by its name alone: the dummy one
        return true;
    // What has nobody's name is taken for what most people have.
    return engine == ta_engines[0] && !others;
}

int ta_engine_open(struct ta_engine **out, const struct ta_engine_info *engine, const char *named,
                   int threads, size_t memory_bytes, struct ta_log *log)
{
    static const char *const none[] = {NULL};
    struct ta_engine_places places;
    if (named && !ta_engine_is_meant(engine, named))
        named = NULL;
    ta_engine_places_find(&places, engine, named);
    const struct ta_engine_config config = {
        .libraries = places.libraries ? (const char *const *)places.libraries : none,
        .plugins = places.plugins,
        .threads = threads,
        .memory_bytes = memory_bytes,
    };
    int err = TA_ERR_NOT_FOUND;
    *out = NULL;
    if (places.libraries)
        err = engine->open(out, &config, log);
    else
        ta_error(log, "%s: there is no %s in it", named, engine->file);
    ta_engine_places_release(&places);
    return err;
}
