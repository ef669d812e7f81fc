#include "perf/commands.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "infer/library.h"

enum { DATABASE_LIMIT = 256 << 20 };
static const char NAME[] = "compile_commands.json";

static char *file_in(const char *dir)
{
    char *file = ta_path_join(dir, NAME);
    if (access(file, F_OK) < 0)
        ta_freep(&file);
    return file;
}

static char *newest_below(const char *dir)
{
    char *pattern = ta_library_pattern(dir, "*/compile_commands.json"), *best = NULL;
    struct stat st;
    struct timespec when = {0};
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (stat(found.gl_pathv[i], &st) == 0 && (!best || st.st_mtim.tv_sec > when.tv_sec)) {
                free(best);
                best = ta_xstrdup(found.gl_pathv[i]);
                when = st.st_mtim;
            }
        }
        globfree(&found);
    }
    free(pattern);
    return best;
}

static char *find_file(const char *path, const char *named)
{
    struct stat st;
    if (named)
        return stat(named, &st) == 0 && S_ISDIR(st.st_mode) ? ta_path_join(named, NAME) : ta_xstrdup(named);
    char *dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? ta_xstrdup(path) : ta_path_dir(path);
    char *found = NULL;
    while (!found) {
        char *build = ta_path_join(dir, "build");
        found = file_in(dir);
        if (!found)
            found = file_in(build);
        if (!found)
            found = newest_below(dir);
        free(build);
        if (!strcmp(dir, "/"))
            break;
        char *above = ta_path_dir(dir);
        free(dir);
        dir = above;
    }
    free(dir);
    return found;
}

static void add_arg(struct ta_command_entry *e, char *arg)
{
    e->args = ta_xrealloc((void *)e->args, ((size_t)e->count + 2) * sizeof *e->args);
    e->args[e->count++] = arg;
    e->args[e->count] = NULL;
}

// One word of a command as a shell takes it, without variables; NULL at the end.
static char *next_word(const char **text)
{
    const char *p = *text + strspn(*text, " \t\n");
    struct ta_buf word = {0};
    char quote = 0;
    if (!*p)
        return NULL;
    for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
        if (quote != '\'' && *p == '\\' && p[1])
            ta_buf_putc(&word, *++p);
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else if (quote && *p == quote)
            quote = 0;
        else
            ta_buf_putc(&word, *p);
    }
    *text = p;
    return ta_buf_take(&word);
}

// What says where results go, or what only another compiler knows, is nothing that reading needs.
static bool is_dropped(const char *arg, bool *with_next)
{
    static const char *const one[] = {"-c",    "-MD",     "-MMD", "-MP", "-M", "-MM",
                                      "-pipe", "-Werror", "-S",   "-E",  NULL};
    static const char *const two[] = {"-o", "-MF", "-MT", "-MQ", NULL};
    *with_next = false;
    for (const char *const *o = one; *o; o++)
        if (!strcmp(arg, *o))
            return true;
    for (const char *const *o = two; *o; o++) {
        if (!strcmp(arg, *o)) {
            *with_next = true;
            return true;
        }
    }
    return !strncmp(arg, "-Werror", 7) || !strncmp(arg, "-fsanitize", 10) || !strncmp(arg, "-specs", 6);
}

// Is the argument the source, by whatever name? Relative ones count from the entry's folder.
static bool is_source(const struct ta_command_entry *e, const char *arg)
{
    size_t n = strlen(arg);
    if (*arg == '-' || n < 3 || strcmp(arg + n - 2, ".c") != 0)
        return false;
    char *path = *arg == '/' ? ta_xstrdup(arg) : ta_path_join(e->dir, arg);
    bool is = ta_path_same_file(path, e->path);
    free(path);
    return is;
}

static void sift_args(struct ta_command_entry *e, char **words, int count, const char *file)
{
    bool with_next = false;
    int first = 1;
    // Before the compiler there may be what calls it.
    while (first < count && words[first][0] != '-' && !strstr(words[first], ".c"))
        first++;
    for (int i = first; i < count; i++) {
        bool dropped = is_dropped(words[i], &with_next) || !strcmp(words[i], file) || is_source(e, words[i]);
        if (!dropped)
            add_arg(e, ta_xstrdup(words[i]));
        i += dropped && with_next;
    }
}

static bool is_below(const char *file, const char *root)
{
    size_t n = strlen(root);
    return !strncmp(file, root, n) && (file[n] == '/' || file[n] == 0);
}

static void release_entry(struct ta_command_entry *e)
{
    for (int i = 0; i < e->count; i++)
        free(e->args[i]);
    free((void *)e->args);
    free(e->path);
    free(e->dir);
}

static void read_entry(struct ta_commands *out, const json_t *item, const char *database, const char *root)
{
    const char *file = ta_json_member_text(item, "file"), *dir = ta_json_member_text(item, "directory");
    const char *command = ta_json_member_text(item, "command");
    size_t length = strlen(file);
    if (length < 3 || strcmp(file + length - 2, ".c") != 0)
        return;
    struct ta_command_entry e = {0};
    char *home = ta_path_dir(database), *from = *dir == '/' ? ta_xstrdup(dir) : ta_path_join(home, dir);
    char *path = *file == '/' ? ta_xstrdup(file) : ta_path_join(from, file);
    e.path = ta_path_absolute(path);
    e.dir = ta_path_absolute(from);
    free(path);
    free(from);
    free(home);
    struct ta_command_entry words = {0};
    const json_t *list = json_object_get(item, "arguments"), *word;
    size_t i;
    json_array_foreach(list, i, word)
        add_arg(&words, ta_xstrdup(json_is_string(word) ? json_string_value(word) : ""));
    for (char *w = words.count ? NULL : next_word(&command); w; w = next_word(&command))
        add_arg(&words, w);
    if (is_below(e.path, root) && access(e.path, R_OK) == 0) {
        sift_args(&e, words.args, words.count, file);
        out->items = ta_xrealloc(out->items, ((size_t)out->count + 1) * sizeof *out->items);
        out->items[out->count++] = e;
    } else {
        release_entry(&e);
    }
    release_entry(&words);
}

static int by_path(const void *a, const void *b)
{
    const struct ta_command_entry *one = a, *two = b;
    int order = strcmp(one->path, two->path);
    // Of two ways to compile a file the shorter one, so that the choice does not hang on the sort.
    return order ? order : one->count - two->count;
}

static void keep_each_once(struct ta_commands *c)
{
    int n = 0;
    if (c->count)
        qsort(c->items, (size_t)c->count, sizeof *c->items, by_path);
    for (int i = 0; i < c->count; i++) {
        if (n && !strcmp(c->items[n - 1].path, c->items[i].path))
            release_entry(&c->items[i]);
        else
            c->items[n++] = c->items[i];
    }
    c->count = n;
}

// Large projects have more of it than other JSON here may hold.
static int load_json(const char *file, json_t **root, struct ta_log *log)
{
    struct ta_buf text = {0};
    json_error_t why;
    int err = ta_file_read(file, DATABASE_LIMIT, &text, log);
    if (err >= 0 && !(*root = json_loadb(ta_buf_text(&text), text.size, 0, &why))) {
        ta_error(log, "%s:%d: %s", file, why.line, why.text);
        err = TA_ERR_FORMAT;
    }
    ta_buf_release(&text);
    return err;
}

int ta_commands_load(struct ta_commands *out, const char *path, const char *named, struct ta_log *log)
{
    json_t *root = NULL;
    const json_t *item;
    size_t i;
    *out = (struct ta_commands){0};
    char *file = find_file(path, named);
    if (!file || access(file, F_OK) < 0) {
        ta_error(
            log,
            "%s: there is no %s for it, which says how each file is compiled; meson and ninja write one into the "
            "build folder (meson setup build), CMake with -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, and for make "
            "there is \"bear -- make\"; then name it with --database FILE if it lies elsewhere",
            file ? file : path, NAME);
        free(file);
        return TA_ERR_NOT_FOUND;
    }
    int err = load_json(file, &root, log);
    if (err >= 0 && !json_is_array(root)) {
        ta_error(log, "%s: it must be a list of commands", file);
        err = TA_ERR_FORMAT;
    }
    if (err >= 0) {
        char *absolute = ta_path_absolute(file);
        json_array_foreach(root, i, item) read_entry(out, item, absolute, path);
        free(absolute);
        keep_each_once(out);
        if (!out->count) {
            ta_error(log, "%s: it names no C file at or below %s", file, path);
            err = TA_ERR_NOT_FOUND;
        }
    }
    json_decref(root);
    free(file);
    return err;
}

void ta_commands_release(struct ta_commands *c)
{
    for (int i = 0; i < c->count; i++)
        release_entry(&c->items[i]);
    free(c->items);
    *c = (struct ta_commands){0};
}
