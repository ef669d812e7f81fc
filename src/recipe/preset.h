// Presets: named recipes as YAML, embedded in the program, or given as a file.
#ifndef TA_RECIPE_PRESET_H
#define TA_RECIPE_PRESET_H

#include <jansson.h>

struct ta_log;
struct ta_marks;

struct ta_preset {
    char *name, *summary;
    char *file;             // for messages
    json_t *options;        // object: option name to value; not checked against the tables yet
    struct ta_marks *marks; // lines; option x stands at "options.x"
};

// By name (a user's own in $XDG_CONFIG_HOME/terminalai/presets/NAME.yaml wins over the built-in one), or by
// path when `name` has a slash or ends in .yaml. `from` says in messages where the name stood; may be NULL.
// Unknown names are TA_ERR_NOT_FOUND with the nearest one.
int ta_preset_load(struct ta_preset *out, const char *name, const char *from, struct ta_log *log);
// Parses YAML text: version 1; name, summary, options.
int ta_preset_parse(struct ta_preset *out, const char *text, size_t size, const char *file,
                    struct ta_log *log);
void ta_preset_release(struct ta_preset *p);

#endif
