// The option set: texts in layers, checked by the tables when they are set and turned into typed structs when
// they are used.
#include "recipe/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "recipe/folders.h"
#include "recipe/preset.h"
#include "video/stage.h"

extern char **environ;

// Inside, the preset's layer lies below those of the public enum.
enum { LAYER_PRESET = 0, LAYER_COUNT = TA_LAYER_CALLER + 2 };

struct value {
    char *text; // canonical; NULL when the layer does not set it
    char *from;
};

struct ta_options {
    struct ta_log *log;
    int count;            // options, numbered as in ta_option_names()
    struct value *values; // [count][LAYER_COUNT]
    char *loaded_preset;  // whose values lie in LAYER_PRESET; NULL before the first use
    char **defaults;      // [count] canonical text of the defaults
    struct ta_recipe_opts recipe;
    bool typed; // `recipe` is what the texts say
    struct ta_guard guard;
};

static struct value *value_at(struct ta_options *o, int option, int layer)
{
    return &o->values[option * LAYER_COUNT + layer];
}

// What follows from the texts is worked out anew when it is asked for next.
static void forget_typed(struct ta_options *o)
{
    if (o->typed)
        ta_opt_release(ta_recipe_options, &o->recipe);
    o->typed = false;
}

static int listed_number(const char *name)
{
    const char *const *names = ta_option_names();
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static int option_number(const char *name)
{
    char *other = ta_option_other_spelling(name);
    int n = listed_number(other ? other : name);
    free(other);
    return n;
}

static void set_value(struct value *v, char *text, const char *from)
{
    free(v->text);
    free(v->from);
    v->text = text;
    v->from = text ? ta_xstrdup(from) : NULL;
}

// The canonical form of `text`, or NULL with a message.
static char *check_value(const struct ta_opt *option, const char *text, const char *where, struct ta_log *log)
{
    void *scratch = ta_xcalloc(1, option->offset + option->size + sizeof(double));
    char *canonical = NULL;
    if (ta_opt_set(option, scratch, text, where, log) >= 0) {
        canonical = ta_opt_text_of(option, scratch);
        if (option->kind->release)
            option->kind->release((char *)scratch + option->offset);
    }
    free(scratch);
    return canonical;
}

static char *default_text(const struct ta_opt *option)
{
    char *text = check_value(option, option->def ? option->def : "", NULL, NULL);
    return text ? text : ta_xstrdup("");
}

int ta_options_create(struct ta_options **out, struct ta_log *log)
{
    struct ta_options *o = ta_xcalloc(1, sizeof *o);
    o->log = ta_log_child(log, "options");
    const char *const *names = ta_option_names();
    while (names[o->count])
        o->count++;
    o->values = ta_xcalloc((size_t)o->count * LAYER_COUNT, sizeof *o->values);
    o->defaults = ta_xcalloc((size_t)o->count, sizeof *o->defaults);
    for (int i = 0; i < o->count; i++)
        o->defaults[i] = default_text(ta_option_find(names[i], NULL));
    *out = o;
    return 0;
}

void ta_options_destroy(struct ta_options **options)
{
    struct ta_options *o = *options;
    *options = NULL;
    if (!o)
        return;
    for (int i = 0; i < o->count * LAYER_COUNT; i++)
        set_value(&o->values[i], NULL, NULL);
    for (int i = 0; i < o->count; i++)
        free(o->defaults[i]);
    forget_typed(o);
    free(o->defaults);
    free(o->values);
    free(o->loaded_preset);
    ta_guard_release(&o->guard);
    ta_log_destroy(&o->log);
    free(o);
}

void ta_options_clone(struct ta_options **out, const struct ta_options *options)
{
    ta_options_create(out, options->log);
    for (int i = 0; i < options->count * LAYER_COUNT; i++)
        if (options->values[i].text)
            set_value(&(*out)->values[i], ta_xstrdup(options->values[i].text), options->values[i].from);
    (*out)->loaded_preset = options->loaded_preset ? ta_xstrdup(options->loaded_preset) : NULL;
    ta_guard_add_all(&(*out)->guard, &options->guard);
}

struct ta_guard *ta_options_guard(struct ta_options *options)
{
    return &options->guard;
}

// Did the value come from the preset (its file, with a line) or from nowhere?
static bool is_of_preset(const char *from, const char *file)
{
    size_t n = strlen(file);
    return !strcmp(from, "default") || (n && !strncmp(from, file, n) && from[n] == ':');
}

int ta_options_over(struct ta_options **out, const struct ta_options *options, const json_t *recipe,
                    struct ta_log *log)
{
    struct ta_options *o = NULL;
    struct ta_preset preset = {0};
    const char *name;
    json_t *item;
    const char *old = json_string_value(json_object_get(json_object_get(recipe, "preset"), "value"));
    bool other = options->values[option_number("preset") * LAYER_COUNT + LAYER_COUNT - 1].text != NULL;
    ta_options_create(&o, log);
    if (other && old && ta_preset_load(&preset, old, NULL, NULL) < 0)
        preset = (struct ta_preset){0};
    int err = 0;
    json_object_foreach((json_t *)recipe, name, item)
    {
        const char *value = json_string_value(json_object_get(item, "value")),
                   *from = json_string_value(json_object_get(item, "from"));
        bool left_out = other && is_of_preset(from ? from : "", preset.file ? preset.file : "");
        if (value && option_number(name) >= 0 && !left_out && err >= 0)
            err = ta_options_set(o, TA_LAYER_CONFIG, name, value, from);
    }
    if (preset.file)
        ta_preset_release(&preset);
    for (int i = 0; i < o->count && err >= 0; i++) {
        const struct value *v = &options->values[i * LAYER_COUNT + LAYER_COUNT - 1];
        if (v->text)
            set_value(value_at(o, i, LAYER_COUNT - 1), ta_xstrdup(v->text), v->from);
    }
    if (err < 0)
        ta_options_destroy(&o);
    *out = o;
    return err;
}

static int unknown_option(struct ta_options *o, const char *name, const char *from)
{
    const char *near = ta_nearest(name, ta_option_names());
    if (near)
        ta_error(o->log, "%s%sunknown option \"%s\": did you mean \"%s\"?", from ? from : "",
                 from ? ": " : "", name, near);
    else
        ta_error(o->log, "%s%sunknown option \"%s\"", from ? from : "", from ? ": " : "", name);
    return TA_ERR_INVALID;
}

static int set_in_layer(struct ta_options *o, int layer, const char *name, const char *text, const char *from)
{
    int n = option_number(name);
    if (n < 0)
        return unknown_option(o, name, from);
    char *canonical = check_value(ta_option_find(ta_option_names()[n], NULL), text, from, o->log);
    if (!canonical)
        return TA_ERR_INVALID;
    set_value(value_at(o, n, layer), canonical, from);
    forget_typed(o);
    return 0;
}

int ta_options_set(struct ta_options *options, enum ta_layer layer, const char *name, const char *value,
                   const char *from)
{
    static const char *const layer_names[] = {"configuration", "environment", "caller"};
    ta_require(options->log, layer >= TA_LAYER_CONFIG && layer <= TA_LAYER_CALLER, TA_ERR_USAGE);
    return set_in_layer(options, (int)layer + 1, name, value, from ? from : layer_names[layer]);
}

// What the file says to the service alone: groups of its own, which are not options of a run.
static bool is_for_the_service(const char *key, const json_t *value)
{
    static const char *const names[] = {"serve", "watch", "notify"};
    bool is = false;
    for (size_t i = 0; i < TA_COUNT(names); i++)
        is = is || !strcmp(key, names[i]);
    return is && (json_is_object(value) || json_is_array(value) || json_is_null(value));
}

// Sets the members of `object`, which stands at `path` in the file.
static int set_from_tree(struct ta_options *o, int layer, json_t *object, const char *file, const char *path,
                         const struct ta_marks *marks)
{
    const char *key;
    json_t *item;
    int err = 0;
    json_object_foreach(object, key, item)
    {
        if (!path[0] && is_for_the_service(key, item))
            continue;
        char *place = path[0] ? ta_xprintf("%s.%s", path, key) : ta_xstrdup(key);
        int line = ta_marks_line(marks, place);
        char *from = line ? ta_xprintf("%s:%d", file, line) : ta_xstrdup(file);
        char *text = ta_opt_json_to_text(item);
        int e = TA_ERR_INVALID;
        if (option_number(key) < 0)
            e = unknown_option(o, key, from);
        else if (!text)
            ta_error(o->log, "%s: %s must be one value, not a list or a group", from, key);
        else
            e = set_in_layer(o, layer, key, text, from);
        free(text);
        free(from);
        free(place);
        if (e < 0 && err == 0)
            err = e; // go on: report all that is wrong in the file
    }
    return err;
}

int ta_options_load_config(struct ta_options *options, const char *path)
{
    char *standard = NULL;
    if (!path) {
        standard = ta_config_path("config.yaml");
        if (!standard || access(standard, F_OK) < 0) {
            free(standard);
            return 0;
        }
        path = standard;
    }
    json_t *root = NULL;
    struct ta_marks *marks = NULL;
    ta_guard_add(&options->guard, path, false);
    int err = ta_yaml_load(path, &root, &marks, options->log);
    if (err >= 0 && json_is_null(root)) {
        // an empty file sets nothing
    } else if (err >= 0 && !json_is_object(root)) {
        ta_error(options->log, "%s:1: a configuration is a list of \"option: value\" lines", path);
        err = TA_ERR_FORMAT;
    } else if (err >= 0) {
        err = set_from_tree(options, TA_LAYER_CONFIG + 1, root, path, "", marks);
    }
    json_decref(root);
    ta_marks_destroy(&marks);
    free(standard);
    return err < 0 ? err : 0;
}

int ta_options_load_environment(struct ta_options *options)
{
    static const char prefix[] = "TERMINALAI_";
    // Switches of the program itself, not options.
    static const char *const others[] = {"TERMINALAI_ENGINE_LIBRARY", NULL};
    int err = 0;
    for (char **e = environ; *e && err >= 0; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0 || !equals)
            continue;
        char *variable = ta_xstrndup(*e, (size_t)(equals - *e));
        char *name = ta_xstrdup(variable + sizeof prefix - 1);
        for (char *c = name; *c; c++)
            *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
        bool other = false;
        for (int i = 0; others[i]; i++)
            other |= strcmp(others[i], variable) == 0;
        if (option_number(name) >= 0)
            err = ta_options_set(options, TA_LAYER_ENVIRONMENT, name, equals + 1, variable);
        else if (!other)
            ta_problem_at(options->log, TA_PROBLEM_ENVIRONMENT_IGNORED,
                          &(struct ta_problem_about){.args = json_pack("{s:s}", "variable", variable)},
                          "%s in the environment is not an option and is ignored", variable);
        free(name);
        free(variable);
    }
    return err;
}

// The text from the layers above the preset, or the default.
static const char *text_of(struct ta_options *o, int option, int lowest_layer, const char **from)
{
    for (int layer = LAYER_COUNT - 1; layer >= lowest_layer; layer--) {
        struct value *v = value_at(o, option, layer);
        if (v->text) {
            if (from)
                *from = v->from;
            return v->text;
        }
    }
    if (from)
        *from = "default";
    return o->defaults[option];
}

// Makes LAYER_PRESET hold the values of the preset that the other layers name.
static int use_preset(struct ta_options *o)
{
    const char *from;
    const char *wanted = text_of(o, option_number("preset"), LAYER_PRESET + 1, &from);
    if (o->loaded_preset && strcmp(o->loaded_preset, wanted) == 0)
        return 0;
    for (int i = 0; i < o->count; i++)
        set_value(value_at(o, i, LAYER_PRESET), NULL, NULL);
    ta_freep(&o->loaded_preset);
    struct ta_preset preset;
    int err = ta_preset_load(&preset, wanted, strcmp(from, "default") ? from : NULL, o->log);
    if (err < 0)
        return err;
    ta_guard_add(&o->guard, preset.file, false);
    if (json_object_get(preset.options, "preset")) {
        ta_error(o->log, "%s: a preset can't name another preset", preset.file);
        err = TA_ERR_INVALID;
    } else {
        err = set_from_tree(o, LAYER_PRESET, preset.options, preset.file, "options", preset.marks);
    }
    ta_preset_release(&preset);
    if (err >= 0)
        o->loaded_preset = ta_xstrdup(wanted);
    return err;
}

int ta_options_get(struct ta_options *options, const char *name, const char **value, const char **from)
{
    int n = option_number(name);
    if (n < 0)
        return TA_ERR_NOT_FOUND;
    int err = use_preset(options);
    if (err >= 0)
        *value = text_of(options, n, LAYER_PRESET, from);
    return err;
}

int ta_options_stage(struct ta_options *options, const char *slot, const struct ta_opt *table, void *values,
                     struct ta_log *log)
{
    int err = use_preset(options);
    if (err < 0)
        return err;
    ta_opt_defaults(table, values);
    for (const struct ta_opt *opt = table; opt->name && err >= 0; opt++) {
        if (opt->flags & TA_OPT_HIDDEN)
            continue;
        char *full = slot[0] ? ta_xprintf("%s-%s", slot, opt->name) : ta_xstrdup(opt->name);
        int n = option_number(full);
        free(full);
        const char *from;
        const char *text = text_of(options, n, LAYER_PRESET, &from);
        err = ta_opt_set(opt, values, text, from, log);
    }
    if (err < 0)
        ta_opt_release(table, values);
    return err;
}

int ta_options_recipe(struct ta_options *options, const struct ta_recipe_opts **out, struct ta_log *log)
{
    *out = NULL;
    if (!options->typed) {
        options->recipe = (struct ta_recipe_opts){0};
        int err = ta_options_stage(options, "", ta_recipe_options, &options->recipe, log);
        if (err < 0)
            return err;
        options->typed = true;
    }
    *out = &options->recipe;
    return 0;
}

int ta_options_run(struct ta_options *options, struct ta_run_opts *out, struct ta_log *log)
{
    memset(out, 0, sizeof *out);
    return ta_options_stage(options, "", ta_run_options, out, log);
}

int ta_options_sound(struct ta_options *options, struct ta_sound_recipe *out, struct ta_log *log)
{
    memset(out, 0, sizeof *out);
    return ta_options_stage(options, "", ta_sound_recipe_options, out, log);
}

char *ta_options_cache(struct ta_options *options)
{
    const char *off;
    bool without = ta_options_get(options, "no-cache", &off, NULL) >= 0 && !strcmp(off, "on");
    return without ? NULL : ta_cache_folder();
}

// Has the caller set an option of the slot that `info` lacks and `lighter` has?
static bool wants_lighter(struct ta_options *options, const char *slot, const struct ta_stage_info *info,
                          const struct ta_stage_info *lighter)
{
    for (const struct ta_opt *o = lighter->options; o && o->name; o++) {
        char *full = ta_xprintf("%s-%s", slot, o->name);
        bool set = ta_options_by_caller(options, full) && !ta_opt_find(info->options, o->name);
        free(full);
        if (set)
            return true;
    }
    return false;
}

int ta_options_slot(struct ta_options *options, const char *slot, const char **choice)
{
    const char *from;
    const struct ta_recipe_opts *recipe;
    int err = ta_options_get(options, slot, choice, &from);
    const struct ta_stage_info *info = err >= 0 ? ta_slot_chosen(slot, *choice) : NULL;
    if (!info || !info->lighter || strncmp(from, "preset ", strlen("preset ")) != 0 ||
        ta_options_recipe(options, &recipe, NULL) < 0)
        return err;
    const struct ta_stage_info *lighter = ta_slot_chosen(slot, info->lighter);
    if (recipe->quality == TA_QUALITY_FAST || wants_lighter(options, slot, info, lighter))
        *choice = info->lighter;
    return err;
}

void ta_options_each_file(struct ta_options *options,
                          bool (*visit)(void *priv, const struct ta_stage_info *stage, const char *name,
                                        const char *value),
                          void *priv)
{
    bool go_on = true;
    for (const struct ta_stage_info *const *stage = ta_stages; *stage && go_on; stage++) {
        if (!(*stage)->file_option)
            continue;
        char *slot = ta_xstrndup((*stage)->name, strcspn((*stage)->name, "."));
        char *name = ta_xprintf("%s-%s", slot, (*stage)->file_option);
        const char *value = "";
        if (ta_options_get(options, name, &value, NULL) >= 0 && value[0])
            go_on = visit(priv, *stage, name, value);
        free(name);
        free(slot);
    }
}

bool ta_options_by_caller(struct ta_options *options, const char *name)
{
    int n = option_number(name);
    return n >= 0 && value_at(options, n, LAYER_COUNT - 1)->text;
}

const char *ta_options_place(struct ta_options *options, const char *name)
{
    int n = option_number(name);
    const char *from = n >= 0 ? value_at(options, n, LAYER_COUNT - 1)->from : NULL;
    bool itself = from && !strcmp(from + (strncmp(from, "--", 2) ? 0 : 2), name);
    return itself ? NULL : from;
}

char *ta_options_next_vain(struct ta_options *options, const char *slot, const struct ta_opt *table,
                           const struct ta_opt *beside, int *i)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups), k = 0;
    for (int g = 0; g < count; g++) {
        if (strcmp(groups[g].prefix, slot) != 0)
            continue;
        for (const struct ta_opt *o = groups[g].table; o->name; o++, k++) {
            if (k < *i || (table && ta_opt_find(table, o->name)) || (beside && ta_opt_find(beside, o->name)))
                continue;
            char *full = ta_option_full_name(&groups[g], o);
            if (ta_options_by_caller(options, full)) {
                *i = k + 1;
                return full;
            }
            free(full);
        }
    }
    return NULL;
}

// Has the slot options of the user's, or is it one that the plan alone fills?
static bool has_options(const char *slot)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    for (int g = 0; g < count; g++)
        if (!strcmp(groups[g].prefix, slot))
            return true;
    return false;
}

int ta_options_check_stages(struct ta_options *options, struct ta_log *log)
{
    int err = 0;
    for (const struct ta_slot *slot = ta_slots; slot->name && err >= 0; slot++) {
        const char *choice = "";
        const struct ta_stage_info *info = NULL;
        if (!has_options(slot->name))
            continue;
        if (slot->option)
            err = ta_options_slot(options, slot->name, &choice);
        bool first = slot->option && err >= 0 && !strcmp(choice, slot->option->choices[0].name);
        if (err < 0 || (first && !strcmp(choice, "auto")))
            continue; // which stage it will be is the plan's to say
        if (!first)
            info = slot->option ? ta_slot_chosen(slot->name, choice) : ta_slot_stage(slot->name);
        const struct ta_opt *table = info ? info->options : NULL;
        // A network brings pictures to the exact size by the stage beside it.
        const struct ta_opt *beside = info && info->own_factor && ta_slot_stage(slot->name)
                                          ? ta_slot_stage(slot->name)->options
                                          : NULL;
        int i = 0;
        for (char *vain; (vain = ta_options_next_vain(options, slot->name, table, beside, &i)); free(vain)) {
            const char *from = ta_options_place(options, vain);
            ta_problem_at(log, TA_PROBLEM_OPTION_WITHOUT_EFFECT, &(struct ta_problem_about){.option = vain},
                          "%s%s--%s changes nothing: %s%s", from ? from : "", from ? ": " : "", vain,
                          table ? "the chosen stage does not have it" : slot->name, table ? "" : " is off");
        }
        void *values = table ? ta_xcalloc(1, TA_MAX(info->options_size, (size_t)1)) : NULL;
        if (values)
            err = ta_options_stage(options, slot->name, table, values, log);
        if (values && err >= 0)
            ta_opt_release(table, values);
        free(values);
    }
    return err;
}

json_t *ta_options_recipe_json(struct ta_options *options)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    json_t *out = json_object();
    for (int g = 0; g < count; g++) {
        if (groups[g].table == ta_run_options)
            continue;
        for (const struct ta_opt *o = groups[g].table; o->name; o++) {
            char *full = ta_option_full_name(&groups[g], o);
            const char *value, *from;
            if (!(o->flags & TA_OPT_HIDDEN) && ta_options_get(options, full, &value, &from) >= 0)
                json_object_set_new(out, full, json_pack("{s:s, s:s}", "value", value, "from", from));
            free(full);
        }
    }
    return out;
}
