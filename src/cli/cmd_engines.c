// terminalai engines: what can run neural networks here, found by running one.
#include <stdlib.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/engine_rows.h"
#include "cli/table.h"
#include "infer/engine.h"
#include "recipe/engine_places.h"

struct engines_opts {
    struct ta_engine_opts engine;
    bool json;
};

static const struct ta_opt engines_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct engines_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

static void add_row(struct ta_table *t, const char *name, const char *state, const char *text)
{
    ta_table_cell(t, "%s", name);
    ta_table_cell(t, "%s", state);
    ta_table_cell(t, "%s", text);
}

static void add_engine(struct ta_table *t, const json_t *o)
{
    size_t i;
    const json_t *device, *note;
    bool works = json_is_true(json_object_get(o, "works"));
    char *text = json_object_get(o, "library")
                     ? ta_xprintf("%s; version %s, %s", ta_json_member_text(o, "summary"),
                                  ta_json_member_text(o, "version"), ta_json_member_text(o, "library"))
                     : ta_xprintf("%s; %s; %s", ta_json_member_text(o, "summary"),
                                  ta_json_member_text(o, "why"), ta_json_member_text(o, "advice"));
    add_row(t, ta_json_member_text(o, "name"),
            works                           ? "works"
            : json_object_get(o, "library") ? "fails"
                                            : "missing",
            text);
    free(text);
    json_array_foreach(json_object_get(o, "devices"), i, device)
    {
        works = json_is_true(json_object_get(device, "works"));
        const char *vendor = ta_json_member_text(device, "vendor"), *why = ta_json_member_text(device, "why");
        char *name = ta_xprintf("  %s", ta_json_member_text(device, "kind"));
        text = ta_xprintf("%s%s%s%s%s", ta_json_member_text(device, "provider"), *vendor ? ", " : "", vendor,
                          *why ? "; " : "", why);
        add_row(t, name, works ? "works" : "fails", text);
        free(name);
        free(text);
    }
    json_array_foreach(json_object_get(o, "notes"), i, note)
        add_row(t, "", "unused", json_string_value(note));
}

static enum ta_exit run_engines(struct ta_cli *cli)
{
    const struct engines_opts *opts = cli->values;
    const char *named = ta_engine_named(opts->engine.engine_library);
    struct ta_table table = {.columns = 3};
    json_t *list = json_array();
    bool any = false;
    for (int i = 0; ta_engines[i]; i++) {
        int opened;
        json_t *row = ta_engine_row(ta_engines[i], named, &opened, cli->log);
        add_engine(&table, row);
        any |= json_is_true(json_object_get(row, "works")) &&
               (!named || ta_engine_is_meant(ta_engines[i], named));
        json_array_append_new(list, row);
    }
    enum ta_exit status = ta_cli_show_list(cli, opts->json, list, &table, NULL);
    // That none is found is an answer; one that was named and does not work is a failure.
    return named && !any ? ta_exit_worse(status, TA_EXIT_FAILED) : status;
}

static const struct ta_example engines_examples[] = {
    {"terminalai engines", "what is here, and what is missing"},
    {"terminalai engines --engine-library ~/onnx/libonnxruntime.so",
     "does this one work, which lies where nobody looks?"},
    {0},
};

static const struct ta_command_group engines_groups[] = {
    {"Where it is", ta_engine_options, offsetof(struct engines_opts, engine)},
    {"What to show", engines_options, 0},
    {0},
};

const struct ta_command ta_command_engines = {
    .name = "engines",
    .operands = "",
    .summary = "list what can run neural networks here",
    .description =
        "Opens each engine and runs a small network on each of its devices: what is listed as working works. "
        "Engines are libraries of others, opened from where you have them; restoring needs none. Nothing is "
        "downloaded, and ONNX Runtime is told not to report to its maker. Providers for graphics cards are "
        "opened as plugins where their packages are installed; none has yet been seen on a device.",
    .examples = engines_examples,
    .groups = engines_groups,
    .values_size = sizeof(struct engines_opts),
    .run = run_engines,
};
