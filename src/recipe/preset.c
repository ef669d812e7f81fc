#include "recipe/preset.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/options.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "recipe/folders.h"
#include "base/tree.h"
#include "recipe/embedded.h"
#include "recipe/options.h"

enum { PRESET_VERSION = 1, PRESET_LIMIT = 1 << 20 };

void ta_preset_release(struct ta_preset *p)
{
    free(p->name);
    free(p->summary);
    free(p->file);
    json_decref(p->options);
    ta_marks_destroy(&p->marks);
    memset(p, 0, sizeof *p);
}

static int bad(struct ta_preset *p, const char *key, const char *what, struct ta_log *log)
{
    int line = ta_marks_line(p->marks, key);
    ta_error(log, "%s:%d: %s", p->file, line ? line : 1, what);
    return TA_ERR_FORMAT;
}

static int read_fields(struct ta_preset *p, const json_t *root, struct ta_log *log)
{
    static const char *const known[] = {"version", "name", "summary", "options", NULL};
    if (!json_is_object(root))
        return bad(p, "", "a preset has the keys version, name, summary and options", log);
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)root, key, item)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        const char *near = ta_nearest(key, known);
        ta_error(log, "%s:%d: unknown key \"%s\"%s%s%s", p->file, ta_marks_line(p->marks, key), key,
                 near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return TA_ERR_FORMAT;
    }
    const json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version))
        return bad(p, "version", "the preset's version is missing (version: 1)", log);
    if (json_integer_value(version) != PRESET_VERSION) {
        ta_error(log, "%s:%d: version %lld is not known; this program reads version %d", p->file,
                 ta_marks_line(p->marks, "version"), (long long)json_integer_value(version), PRESET_VERSION);
        return TA_ERR_FORMAT;
    }
    const json_t *name = json_object_get(root, "name"), *summary = json_object_get(root, "summary");
    if (!json_is_string(name) || !json_string_length(name))
        return bad(p, "name", "the preset's name is missing", log);
    if (summary && !json_is_string(summary))
        return bad(p, "summary", "the summary must be text", log);
    json_t *options = json_object_get(root, "options");
    if (!json_is_object(options))
        return bad(p, "options", "\"options\" must be a list of \"option: value\" lines", log);
    p->name = ta_xstrdup(json_string_value(name));
    p->summary = ta_xstrdup(summary ? json_string_value(summary) : "");
    p->options = json_incref(options);
    return 0;
}

int ta_preset_parse(struct ta_preset *out, const char *text, size_t size, const char *file,
                    struct ta_log *log)
{
    memset(out, 0, sizeof *out);
    out->file = ta_xstrdup(file);
    json_t *root = NULL;
    int err = ta_yaml_parse(text, size, file, &root, &out->marks, log);
    if (err >= 0)
        err = read_fields(out, root, log);
    json_decref(root);
    if (err < 0)
        ta_preset_release(out);
    return err;
}

static int load_file(struct ta_preset *out, const char *path, struct ta_log *log)
{
    struct ta_buf text = {0};
    int err = ta_file_read(path, PRESET_LIMIT, &text, log);
    if (err >= 0)
        err = ta_preset_parse(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    return err;
}

static char *user_preset_dir(void)
{
    return ta_config_path("presets");
}

static char *user_preset_path(const char *name)
{
    char *dir = user_preset_dir();
    char *path = dir ? ta_xprintf("%s/%s.yaml", dir, name) : NULL;
    free(dir);
    if (path && access(path, R_OK) < 0)
        ta_freep(&path);
    return path;
}

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".yaml") == 0);
}

int ta_preset_load(struct ta_preset *out, const char *name, const char *from, struct ta_log *log)
{
    memset(out, 0, sizeof *out);
    char *path = is_path(name) ? ta_xstrdup(name) : user_preset_path(name);
    if (path) {
        int err = load_file(out, path, log);
        free(path);
        return err;
    }
    const char *names[64] = {0};
    int n = 0;
    for (const struct ta_embedded_file *f = ta_embedded_presets; f->name; f++) {
        if (strcmp(f->name, name) == 0) {
            char *file = ta_xprintf("preset %s", name);
            int err = ta_preset_parse(out, f->data, f->size, file, log);
            free(file);
            return err;
        }
        if (n < (int)TA_COUNT(names) - 1)
            names[n++] = f->name;
    }
    const char *near = ta_nearest(name, names);
    ta_error(log, "%s%sthere is no preset \"%s\"%s%s%s", from ? from : "", from ? ": " : "", name,
             near ? ": did you mean \"" : " (see terminalai presets)", near ? near : "", near ? "\"?" : "");
    return TA_ERR_INVALID;
}

// Switches as JSON has them, whatever word the file has: values are what ta_options_schema() says.
static void unify_switches(json_t *options)
{
    const char *name;
    json_t *value;
    void *tmp;
    json_object_foreach_safe(options, tmp, name, value)
    {
        const struct ta_opt *o = ta_option_find(name, NULL);
        struct ta_buf why = {0};
        bool on = false;
        if (o && o->kind == &ta_opt_switch && json_is_string(value) &&
            o->kind->parse(o, json_string_value(value), &on, &why) >= 0)
            json_object_set_new(options, name, json_boolean(on));
        ta_buf_release(&why);
    }
}

static void add_description(json_t *list, struct ta_preset *p, const char *kind)
{
    unify_switches(p->options);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:O}", "name", p->name, "summary", p->summary,
                                          "from", kind, "values", p->options));
    ta_preset_release(p);
}

// The user's own presets. One that can't be read is left out here; whoever names it is told why.
static void add_user_presets(json_t *list)
{
    char *dir = user_preset_dir(), **names = NULL;
    if (dir && access(dir, R_OK) == 0 && ta_dir_list(dir, &names, NULL) >= 0)
        for (char **n = names; *n; n++) {
            char *path = ta_path_join(dir, *n);
            struct ta_preset p;
            if (!strcmp(ta_path_extension(*n), "yaml") && load_file(&p, path, NULL) >= 0)
                add_description(list, &p, path);
            free(path);
        }
    ta_dir_list_free(&names);
    free(dir);
}

char *ta_presets_describe(void)
{
    json_t *list = json_array();
    for (const struct ta_embedded_file *f = ta_embedded_presets; f->name; f++) {
        struct ta_preset p;
        // That all of these parse is a test's concern.
        if (ta_preset_parse(&p, f->data, f->size, f->name, NULL) >= 0)
            add_description(list, &p, "built in");
    }
    add_user_presets(list);
    char *text = ta_json_text(list);
    json_decref(list);
    return text;
}
