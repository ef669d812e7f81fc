#include "cli/completion_words.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/help.h"
#include "infer/models.h"
#include "media/encode/encoder_row.h"
#include "recipe/models.h"
#include "video/luts.h"

static void add_word(struct ta_words *w, const char *name, const char *text)
{
    if (name[strcspn(name, " '\"\\$`()")]) // a preset of the user's own may be called so
        return;
    w->items = ta_xrealloc(w->items, ((size_t)w->count + 1) * sizeof *w->items);
    w->items[w->count++] = (struct ta_word){ta_xstrdup(name), ta_xstrdup(text ? text : "")};
}

void ta_words_release(struct ta_words *w)
{
    for (int i = 0; i < w->count; i++) {
        free(w->items[i].name);
        free(w->items[i].text);
    }
    free(w->items);
    *w = (struct ta_words){0};
}

// With spaces between.
void ta_words_append_names(const struct ta_words *w, struct ta_buf *out)
{
    for (int i = 0; i < w->count; i++)
        ta_buf_printf(out, "%s%s", i ? " " : "", w->items[i].name);
}

static void add_presets(struct ta_words *w)
{
    char *text = ta_presets_describe();
    json_t *presets = json_loads(text, 0, NULL), *preset;
    size_t i;
    json_array_foreach(presets, i, preset)
    {
        const char *name = json_string_value(json_object_get(preset, "name"));
        if (name)
            add_word(w, name, json_string_value(json_object_get(preset, "summary")));
    }
    json_decref(presets);
    free(text);
}

static void add_choices(struct ta_words *w, const struct ta_choice *choices)
{
    for (const struct ta_choice *c = choices; c && c->name; c++)
        add_word(w, c->name, c->help);
}

// Those of one purpose, or all (-1).
static void add_models(struct ta_words *w, int purpose)
{
    struct ta_models models = {0};
    if (ta_models_load(&models, NULL) >= 0)
        for (int i = 0; i < models.count; i++)
            if (purpose < 0 || (int)models.items[i].purpose == purpose)
                add_word(w, models.items[i].name, models.items[i].summary);
    ta_models_release(&models);
    w->files = true;
}

// Options that take names beside what else they take.
static const struct named {
    const char *option;
    bool list;
    const struct ta_choice words[16];
} named[] = {
    {"resolution",
     false,
     {{"auto", "by the preset and the source"},
      {"source", "as the source has it"},
      {"480", "lines"},
      {"576", "lines"},
      {"720", "lines"},
      {"1080", "lines"},
      {"1440", "lines"},
      {"2160", "lines, also called 4k"}}},
    {"aspect",
     false,
     {{"auto", "as the source says"}, {"4:3", "television as it was"}, {"16:9", "wide screen"}}},
    {"loudness",
     false,
     {{"off", "as it is"},
      {"web", "-14 LUFS, as the web has it"},
      {"broadcast", "-23 LUFS, as television has it"}}},
    {"device",
     false,
     {{"auto", "the first that is not the processor"},
      {"cpu", "the processor"},
      {"gpu", "a graphics card"},
      {"npu", "a processor for networks"}}},
    {"log-level",
     false,
     {{"error", "what failed"},
      {"warning", "what lacks something, too"},
      {"info", "what is done, too"},
      {"verbose", "how it is done, too"},
      {"debug", "everything"}}},
    {"state",
     true,
     {{"queued", "waits for its turn"},
      {"downloading", "its source comes"},
      {"planning", "is measured"},
      {"running", "is made"},
      {"paused", "until it is resumed"},
      {"done", "is there"},
      {"failed", "says why"},
      {"cancelled", "by somebody"}}},
};

static bool find_named(const char *name, const struct ta_opt *o, struct ta_words *w)
{
    for (size_t i = 0; i < TA_COUNT(named); i++)
        if (!strcmp(name, named[i].option) && o->kind != &ta_opt_path) {
            add_choices(w, named[i].words);
            w->list = named[i].list;
            return true;
        }
    size_t length = o->syntax ? strlen(o->syntax) : 0;
    if (length > 5 && !strcmp(o->syntax + length - 5, "|auto")) {
        add_word(w, "auto", "as it was measured");
        return true;
    }
    return false;
}

void ta_words_of_value(const char *name, const struct ta_opt *o, struct ta_words *w)
{
    *w = (struct ta_words){0};
    if (o->choices) {
        add_choices(w, o->choices);
    } else if (find_named(name, o, w)) {
        // these
    } else if (!strcmp(name, "preset") || !strcmp(name, "presets")) {
        add_presets(w);
        w->list = !strcmp(name, "presets");
        w->files = true;
    } else if (!strcmp(name, "encoder")) {
        add_word(w, "auto", "h264, or hevc for HDR");
        for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
            add_word(w, (*e)->name, (*e)->summary);
    } else if (!strcmp(name, "scale-model")) {
        add_models(w, TA_MODEL_UPSCALE);
    } else if (!strcmp(name, "deinterlace-model")) {
        add_models(w, TA_MODEL_DEINTERLACE);
    } else if (!strcmp(name, "colour-lut")) {
        add_word(w, "none", "no look-up table");
        for (const struct ta_lut_info *l = ta_luts; l->name; l++)
            add_word(w, l->name, l->summary);
        w->files = true;
    }
}

// Operands behind an action.
void ta_words_of_others(const struct ta_command *c, struct ta_words *w)
{
    *w = (struct ta_words){0};
    if (c == &ta_command_models)
        add_models(w, -1);
}

void ta_words_of_operands(const struct ta_command *c, struct ta_words *w)
{
    *w = (struct ta_words){0};
    if (c && c->actions) {
        add_choices(w, c->actions);
    } else if (c && c->operand_kind == TA_OPERAND_PRESET) {
        add_presets(w);
    } else if (c && c->operand_kind == TA_OPERAND_SHELL) {
        add_word(w, "bash", "");
        add_word(w, "zsh", "");
        add_word(w, "fish", "");
    } else if (!c || (c->operand_kind == TA_OPERAND_COMMAND && !c->family)) {
        for (const struct ta_command *const *other = ta_commands; *other; other++)
            if (!ta_command_is_of(*other, NULL))
                add_word(w, (*other)->name, (*other)->summary);
    } else if (c && c->family) {
        for (const struct ta_command *const *other = ta_commands; *other; other++)
            if (ta_command_is_of(*other, c))
                add_word(w, ta_command_last_word(*other), (*other)->summary);
    }
}

bool ta_option_takes_path(const struct ta_opt *o)
{
    static const char *const words[] = {"FILE", "DIR", "OUT", "TAPE"};
    for (size_t i = 0; o->syntax && i < TA_COUNT(words); i++)
        if (!strcmp(o->syntax, words[i]))
            return true;
    return false;
}

bool ta_option_is_offered(const struct ta_opt *o)
{
    return !(o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED));
}
