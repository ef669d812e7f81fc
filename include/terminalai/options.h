// Options: what the user wants (the recipe) and how to run it, by name and text, in layers. The same tables
// feed the command line, configuration files, presets, the environment and this API; ta_options_describe()
// lists them.
#ifndef TERMINALAI_OPTIONS_H
#define TERMINALAI_OPTIONS_H

#include <terminalai/log.h>

#ifdef __cplusplus
extern "C" {
#endif

// Where a value came from; later layers win. Below all of them lie the built-in defaults and then the preset.
enum ta_layer {
    TA_LAYER_CONFIG = 0,  // configuration file
    TA_LAYER_ENVIRONMENT, // TERMINALAI_*
    TA_LAYER_CALLER,      // command line, API call
};

// A set of option values. Thread-safety: Unsafe: also reading it notes what the preset says.
struct ta_options;

// An empty set (all defaults). `log` may be NULL and must outlive the set. Returns 0 or TA_ERR_NOMEM.
int ta_options_create(struct ta_options **out, struct ta_log *log);
void ta_options_destroy(struct ta_options **options);

// Sets one option: ta_options_set(o, TA_LAYER_CALLER, "crf", "16", "--crf"). `from` says where the value
// stood and is shown in messages and by `plan` (NULL: the layer's name). Unknown names and bad values are
// refused with TA_ERR_INVALID and a message that has the nearest name or the range.
int ta_options_set(struct ta_options *options, enum ta_layer layer, const char *name, const char *value,
                   const char *from);

// Reads a YAML file of options into the CONFIG layer. `path` NULL means
// $XDG_CONFIG_HOME/terminalai/config.yaml (or ~/.config/...), which may be missing; a named file may not.
// Messages have file and line.
int ta_options_load_config(struct ta_options *options, const char *path);
// Reads TERMINALAI_CRF, TERMINALAI_PRESET_SPEED, ... into the ENVIRONMENT layer. Unknown TERMINALAI_* names
// are warned about.
int ta_options_load_environment(struct ta_options *options);

// The text of an option as it stands (defaults and preset included) and where it came from; both are valid
// until the set changes. TA_ERR_NOT_FOUND for an unknown name. `from` may be NULL.
int ta_options_get(struct ta_options *options, const char *name, const char **value, const char **from);

// Where what was found out about sources may be kept from run to run: as ta_cache_folder()
// (<terminalai/survey.h>) says, NULL with the option "no-cache" on. To be freed with free().
char *ta_options_cache(struct ta_options *options);

// All options as a JSON list of {name, group, scope ("recipe": decides the output; "run"), kind, default
// (null for none), min, max, min_count, max_count, choices [{name, help}], unit, help, syntax, letter,
// advanced, deprecated, applies_to [stages that have it], depends {option: [values with which it matters]}};
// keys that do not apply are absent. The one source for pages and APIs. Never NULL; to be freed with free().
char *ta_options_describe(void);
// The same as a JSON Schema (2020-12) of an object of options: type, enum, pattern, minimum, maximum, default
// and description in the schema's own words, all else of a description under "x-terminalai". To be freed with
// free().
char *ta_options_schema(void);

// The presets, built in and the user's own, as JSON [{name, summary, from, values:{...}}]. To be freed with
// free(). free().
char *ta_presets_describe(void);

#ifdef __cplusplus
}
#endif
#endif
