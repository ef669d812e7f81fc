#include "perf/bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "recipe/folders.h"

static const char TABLE[] = "bench/benches.json";

static bool has_table(const char *dir)
{
    char *path = ta_path_join(dir, TABLE);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

char *ta_bench_find_source(const char *program, const char *named, struct ta_log *log)
{
    if (named) {
        if (has_table(named))
            return ta_path_absolute(named);
        ta_error(log, "%s: this is no folder of the sources: there is no %s in it", named, TABLE);
        return NULL;
    }
    char *dir = ta_path_dir(program);
    while (!has_table(dir) && strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0) {
        char *above = ta_path_dir(dir);
        free(dir);
        dir = above;
    }
    if (has_table(dir))
        return dir;
    free(dir);
    ta_error(
        log,
        "the scripts that measure are part of the sources, and none are above %s; name their folder with "
        "--source DIR",
        program);
    return NULL;
}

static bool is_texts(const json_t *list)
{
    const json_t *item;
    size_t i;
    if (list && !json_is_array(list))
        return false;
    json_array_foreach(list, i, item) if (!json_is_string(item)) return false;
    return true;
}

static bool is_row(const json_t *row)
{
    static const char *const lists[] = {"argv", "full", "quick", "needs", "peers"};
    bool good = *ta_json_member_text(row, "name") && *ta_json_member_text(row, "about") &&
                json_array_size(json_object_get(row, "argv")) > 0 &&
                json_is_number(json_object_get(row, "minutes"));
    for (size_t i = 0; i < TA_COUNT(lists); i++)
        good &= is_texts(json_object_get(row, lists[i]));
    return good;
}

json_t *ta_bench_table(const char *source, struct ta_log *log)
{
    char *path = ta_path_join(source, TABLE);
    json_t *root = NULL, *rows = NULL;
    const json_t *row;
    size_t i;
    if (ta_json_load(path, &root, log) >= 0) {
        rows = json_object_get(root, "benches");
        bool good = json_array_size(rows) > 0;
        json_array_foreach(rows, i, row) good &= is_row(row);
        if (!good)
            ta_error(log, "%s: \"benches\" must be a list of {name, about, argv, minutes, ...}", path);
        rows = good ? json_incref(rows) : NULL;
    }
    json_decref(root);
    free(path);
    return rows;
}

static bool in_path(const char *name)
{
    const char *path = ta_environment_text("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        char *file = ta_xprintf("%.*s/%s", (int)n, path, name);
        bool is = access(file, X_OK) == 0;
        free(file);
        if (is)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

// "program:NAME", "build:FILE", "source:FILE", "assets:FILE" ("assets:" is any). What is missing, in words;
// NULL: it is there.
static char *missing(const struct ta_bench_config *config, const char *need)
{
    const char *what = strchr(need, ':');
    if (!what)
        return ta_xprintf("%s (unknown kind of need)", need);
    what++;
    if (!strncmp(need, "program:", 8))
        return in_path(what) ? NULL : ta_xstrdup(what);
    if (!strncmp(need, "assets:", 7) && !config->assets)
        return ta_xprintf("assets%s%s (--assets DIR)", *what ? " " : "", what);
    char *build = ta_path_dir(config->program);
    char *dir = !strncmp(need, "assets:", 7)   ? ta_xstrdup(config->assets)
                : !strncmp(need, "source:", 7) ? ta_xstrdup(config->source)
                                               : ta_xstrdup(build);
    char *path = ta_path_join(dir, what);
    char *said = access(path, F_OK) == 0 ? NULL : ta_xstrdup(path);
    free(path);
    free(dir);
    free(build);
    return said;
}

json_t *ta_bench_missing(const struct ta_bench_config *config, const json_t *row, const char *member)
{
    json_t *list = json_array();
    const json_t *need;
    size_t i;
    json_array_foreach(json_object_get(row, member), i, need)
    {
        char *said = missing(config, json_string_value(need));
        if (said)
            json_array_append_new(list, json_string(said));
        free(said);
    }
    return list;
}

int ta_bench_load(const char *path, json_t **result, struct ta_log *log)
{
    const json_t *v;
    size_t i;
    int err = ta_json_load(path, result, log);
    if (err < 0)
        return err;
    bool good = !strcmp(ta_json_member_text(*result, "kind"), "bench") &&
                json_integer_value(json_object_get(*result, "version")) == 1 &&
                json_is_array(json_object_get(*result, "benches")) &&
                json_is_array(json_object_get(*result, "values"));
    json_array_foreach(json_object_get(*result, "values"), i, v)
    {
        const json_t *samples = json_object_get(v, "samples"), *s;
        size_t k;
        good &= *ta_json_member_text(v, "name") && json_is_number(json_object_get(v, "value")) &&
                json_array_size(samples) > 0;
        json_array_foreach(samples, k, s) good &= json_is_number(s);
    }
    if (!good) {
        ta_error(log, "%s: this is no file of \"terminalai perf bench\"", path);
        json_decref(*result);
        *result = NULL;
        return TA_ERR_FORMAT;
    }
    return 0;
}

bool ta_bench_failed(const json_t *result)
{
    const json_t *b;
    size_t i;
    json_array_foreach(json_object_get(result, "benches"), i,
                       b) if (!strcmp(ta_json_member_text(b, "status"), "failed")) return true;
    return false;
}
