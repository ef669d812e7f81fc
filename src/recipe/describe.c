// The options as data, for the page, the API and other programs: a description of each, and a JSON Schema
// made of these descriptions alone.
#include <stdlib.h>
#include <string.h>

#include <terminalai/options.h>

#include "base/mem.h"
#include "base/tree.h"
#include "media/encode/encoder_row.h"
#include "recipe/options.h"
#include "video/stage.h"

// ---- description ----

static bool fills(const struct ta_stage_info *stage, const char *slot)
{
    size_t n = strlen(slot);
    return !strncmp(stage->name, slot, n) && stage->name[n] == '.';
}

// The stages of a slot that have the option, and the choices of the slot that name these.
static void add_stages(json_t *d, const char *slot, const struct ta_opt *o)
{
    json_t *stages = json_array(), *values = json_array();
    const struct ta_opt *choice = NULL;
    for (const struct ta_slot *s = ta_slots; s->name; s++)
        if (!strcmp(s->name, slot))
            choice = s->option;
    // A choice that the plan replaces by one of the others.
    if (choice && !strcmp(choice->choices[0].name, "auto"))
        json_array_append_new(values, json_string("auto"));
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++) {
        if (!fills(*s, slot) || !(*s)->options || !ta_opt_find((*s)->options, o->name))
            continue;
        json_array_append_new(stages, json_string((*s)->name));
        json_array_append_new(values, json_string(ta_stage_choice(*s)));
    }
    json_object_set_new(d, "applies_to", stages);
    if (choice)
        json_object_set_new(d, "depends", json_pack("{s:O}", choice->name, values));
    json_decref(values);
}

static bool takes_crf(const struct ta_encoder_info *e)
{
    return !e->lossless && !e->lossy_intra;
}

static bool has_hardware(const struct ta_encoder_info *e)
{
    return e->hardware;
}

// Options of the recipe that matter for some encoders.
static void add_encoders(json_t *d, const struct ta_opt *o)
{
    bool (*matters)(const struct ta_encoder_info *e) = !strcmp(o->name, "crf") ||
                                                               !strcmp(o->name, "preset-speed")
                                                           ? takes_crf
                                                       : !strcmp(o->name, "hardware") ? has_hardware
                                                                                      : NULL;
    if (!matters)
        return;
    json_t *values = json_pack("[s]", "auto");
    for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
        if (matters(*e))
            json_array_append_new(values, json_string((*e)->name));
    json_object_set_new(d, "depends", json_pack("{s:o}", "encoder", values));
}

static json_t *describe(const struct ta_option_group *group, const struct ta_opt *o)
{
    char *full = ta_option_full_name(group, o);
    json_t *d = ta_opt_describe(o);
    json_object_set_new(d, "name", json_string(full));
    json_object_set_new(d, "group", json_string(group->title));
    // What the plan keeps decides the output's bytes; the rest does not.
    json_object_set_new(d, "scope", json_string(group->table == ta_run_options ? "run" : "recipe"));
    if (group->prefix[0])
        add_stages(d, group->prefix, o);
    else if (group->table == ta_recipe_options)
        add_encoders(d, o);
    free(full);
    return d;
}

static json_t *describe_all(void)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups);
    json_t *list = json_array();
    for (int g = 0; g < count; g++)
        for (const struct ta_opt *o = groups[g].table; o->name; o++)
            if (!(o->flags & TA_OPT_HIDDEN))
                json_array_append_new(list, describe(&groups[g], o));
    return list;
}

char *ta_options_describe(void)
{
    json_t *list = describe_all();
    char *text = ta_json_text(list);
    json_decref(list);
    return text;
}

// ---- JSON Schema ----

// "3:2:3:2" with as many numbers as the option takes.
static char *numbers_pattern(const json_t *d)
{
    int least = (int)json_integer_value(json_object_get(d, "min_count")),
        most = (int)json_integer_value(json_object_get(d, "max_count"));
    const char *number = "-?[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?";
    return ta_xprintf("^%s%s(:%s){%d,%d}%s$", least ? "" : "(", number, number, TA_MAX(least, 1) - 1,
                      TA_MAX(most, 1) - 1, least ? "" : ")?");
}

// What a kind of value is in JSON. `d` is an option's description.
static json_t *schema_of_kind(const json_t *d)
{
    const char *kind = json_string_value(json_object_get(d, "kind"));
    if (!strcmp(kind, "switch"))
        return json_pack("{s:s}", "type", "boolean");
    if (!strcmp(kind, "integer") || !strcmp(kind, "number"))
        return json_pack("{s:s}", "type", kind);
    if (!strcmp(kind, "size"))
        return json_pack("{s:[s, s], s:s}", "type", "string", "integer", "pattern",
                         "^[0-9]+(\\.[0-9]+)?[ ]*([kKmMgGtT]?(i?[bB])?)$");
    if (!strcmp(kind, "numbers")) {
        char *pattern = numbers_pattern(d);
        json_t *s = json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
        free(pattern);
        return s;
    }
    if (!strcmp(kind, "strength")) { // a word, or such numbers
        char *numbers = numbers_pattern(d), *pattern = ta_xprintf("^auto$|%s", numbers);
        json_t *s = json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
        free(numbers);
        free(pattern);
        return s;
    }
    if (!strcmp(kind, "noise")) // a number, or the word for what was measured
        return json_pack("{s:[s, s], s:s}", "type", "number", "string", "pattern",
                         "^(auto|[0-9]*\\.?[0-9]+)$");
    if (!strcmp(kind, "resolution")) // lines may be written as a number
        return json_pack("{s:[s, s]}", "type", "string", "integer");
    return json_pack("{s:s}", "type", "string");
}

json_t *ta_option_schema(const json_t *description)
{
    // Where the words of a description have their place in a schema; all others go under "x-terminalai".
    static const char *const places[][2] = {
        {"name", NULL}, {"help", "description"}, {"default", "default"}, {"deprecated", "deprecated"}};
    json_t *s = schema_of_kind(description), *rest = json_object(), *value;
    const char *kind = json_string_value(json_object_get(description, "kind"));
    // Those of a list of numbers are for each of them, which a schema of a text can't say.
    bool limits = strcmp(kind, "numbers") != 0 && strcmp(kind, "strength") != 0;
    const char *key;
    json_object_foreach((json_t *)description, key, value)
    {
        size_t p = 0;
        while (p < TA_COUNT(places) && strcmp(places[p][0], key))
            p++;
        if (p < TA_COUNT(places)) {
            if (places[p][1] && !json_is_null(value))
                json_object_set(s, places[p][1], value);
        } else if (limits && !strcmp(key, "min")) {
            json_object_set(s, "minimum", value);
        } else if (limits && !strcmp(key, "max")) {
            json_object_set(s, "maximum", value);
        } else {
            json_object_set(rest, key, value);
        }
    }
    json_t *choices = json_object_get(description, "choices"), *choice, *names = json_array();
    size_t i;
    json_array_foreach(choices, i, choice) json_array_append(names, json_object_get(choice, "name"));
    if (json_array_size(names))
        json_object_set(s, "enum", names);
    json_decref(names);
    json_object_set_new(s, "x-terminalai", rest);
    return s;
}

char *ta_options_schema(void)
{
    json_t *list = describe_all(), *properties = json_object(), *d;
    size_t i;
    json_array_foreach(list, i, d)
        json_object_set_new(properties, json_string_value(json_object_get(d, "name")), ta_option_schema(d));
    json_t *schema = json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "$schema",
                               "https://json-schema.org/draft/2020-12/schema", "title", "TerminalAI options",
                               "description",
                               "Options of a restoration by name, as presets and jobs hold them.", "type",
                               "object", "properties", properties, "additionalProperties", 0);
    char *text = ta_json_text(schema);
    json_decref(schema);
    json_decref(list);
    return text;
}
