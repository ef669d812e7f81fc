// Files that are compiled into the program; written by tools/embed.py at build time.
#ifndef TA_RECIPE_EMBEDDED_H
#define TA_RECIPE_EMBEDDED_H

#include <stddef.h>

struct ta_embedded_file {
    const char *name; // file name without folder and extension: "vhs"
    const char *data; // the file's bytes, followed by a NUL
    size_t size;      // without that NUL
};

// Each sorted by name; the last entry has name == NULL. Static storage, any thread.
extern const struct ta_embedded_file ta_embedded_presets[]; // presets/*.yaml
extern const struct ta_embedded_file ta_embedded_models[];  // models/manifest.yaml alone

#endif
