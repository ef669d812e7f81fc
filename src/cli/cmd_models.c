// terminalai models: networks by name, and networks in files.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/model_rows.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "infer/fetch.h"
#include "recipe/engine_places.h"
#include "recipe/folders.h"
#include "recipe/models.h"

enum { LONGEST_SILENCE = 3600, LINE_EVERY_MS = 100, PLAIN_EVERY_MS = 10000 };

struct models_opts {
    struct ta_engine_opts engine;
    char *from;
    int64_t timeout;
    bool json;
};

static const struct ta_opt fetch_options[] = {
    {.name = "from",
     .kind = &ta_opt_text,
     TA_FIELD(struct models_opts, from, char *),
     .syntax = "FILE|ADDRESS",
     .help =
         "take the network from this file, or download it from this address; it must be the same, byte for "
         "byte, as the manifest says"},
    {.name = "timeout",
     .kind = &ta_opt_int,
     TA_FIELD(struct models_opts, timeout, int64_t),
     .def = "30",
     .min = 1,
     .max = LONGEST_SILENCE,
     .unit = "s",
     .help = "give a download up when nothing comes for so long; the same command goes on where it was"},
    {0},
};

static const struct ta_opt models_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct models_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

// One call.
struct call {
    struct ta_cli *cli;
    const struct models_opts *opts;
    struct ta_models models;
    char *folder; // of the networks; NULL: none
    char *cache;  // NULL: nothing is kept
    struct ta_table table;
    json_t *list;
    bool failed;
    int64_t shown_ms; // when progress was last told
};

static void add(struct call *c, json_t *row)
{
    ta_model_add_row(&c->table, row);
    json_array_append_new(c->list, row);
}

static void set_failed(struct call *c, json_t *row, int err, const char *why)
{
    ta_cli_row_failed(row, err, why, NULL);
    json_object_set_new(row, "state", json_string("failed"));
    c->failed = true;
}

static void list_one(struct call *c, const struct ta_model *m)
{
    add(c, ta_model_row(m, c->folder, false));
}

static void verify_one(struct call *c, const struct ta_model *m)
{
    json_t *row = ta_model_row(m, c->folder, true);
    const char *state = ta_json_member_text(row, "state");
    if (!strcmp(state, "wrong"))
        ta_cli_row_failed(row, TA_ERR_MISMATCH, "it is not what the manifest says",
                          "\"terminalai models fetch\" gets it anew");
    else if (!strcmp(state, "absent"))
        ta_cli_row_failed(row, TA_ERR_NOT_FOUND, "it is not here", "\"terminalai models fetch\" gets it");
    c->failed |= strcmp(state, "here") != 0;
    add(c, row);
}

static void remove_one(struct call *c, const struct ta_model *m)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    bool removed = false;
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = ta_model_remove(m, c->folder, &removed, log);
    json_t *row = ta_model_row(m, c->folder, false);
    json_object_set_new(row, "removed", json_boolean(removed));
    if (err < 0)
        set_failed(c, row, err, ta_buf_text(&why));
    else
        json_object_set_new(row, "why", json_string(removed ? "removed" : "it was not here"));
    add(c, row);
    ta_log_destroy(&log);
    ta_buf_release(&why);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// A line on a terminal; elsewhere one now and then. have < 0: another call is at it.
static void on_progress(void *priv, const struct ta_model *m, int64_t have)
{
    struct call *c = priv;
    struct ta_console *console = c->cli->console;
    bool line = ta_console_is_terminal(console);
    int64_t now = now_ms();
    if (have >= 0 && now - c->shown_ms < (line ? LINE_EVERY_MS : PLAIN_EVERY_MS))
        return;
    c->shown_ms = now;
    struct ta_buf text = {0};
    ta_buf_printf(&text, "%s: ", m->name);
    if (have < 0) {
        ta_buf_puts(&text, "another call is fetching it; waiting for that");
    } else {
        ta_append_bytes(&text, have);
        ta_buf_puts(&text, " of ");
        ta_append_bytes(&text, m->bytes);
    }
    if (line)
        ta_console_status(console, ta_buf_text(&text));
    else if (!ta_console_is_quiet(console))
        ta_console_print(console, "%s", ta_buf_text(&text));
    ta_buf_release(&text);
}

static void fetch_one(struct call *c, const struct ta_model *m)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    struct ta_fetch fetch = {c->opts->from, (int)c->opts->timeout, on_progress, c, false};
    int err = ta_log_keep_first(&log, &why);
    c->shown_ms = now_ms();
    if (err >= 0)
        err = ta_model_fetch(m, c->folder, &fetch, log);
    ta_console_status(c->cli->console, "");
    json_t *row = ta_model_row(m, c->folder, false);
    json_object_set_new(row, "fetched", json_boolean(err >= 0 && !fetch.was_here));
    if (err < 0)
        set_failed(c, row, err, ta_buf_text(&why));
    add(c, row);
    ta_log_destroy(&log);
    ta_buf_release(&why);
}

static void show_one(struct call *c, const struct ta_model *m)
{
    list_one(c, m);
}

static void show_file(struct call *c, const char *path)
{
    json_t *row = ta_model_file_row(&c->models, path, ta_engine_named(c->opts->engine.engine_library),
                                    c->cache);
    c->failed |= !json_is_true(json_object_get(row, "fits"));
    ta_model_add_file_row(&c->table, row);
    json_array_append_new(c->list, row);
}

static const struct action {
    const char *name;
    void (*one)(struct call *c, const struct ta_model *m);
    void (*file)(struct call *c, const char *path); // NULL: takes names alone
    enum { NEEDS_NAMES, OR_ALL, OR_THOSE_HERE } names;
} actions[] = {
    {"list", list_one, NULL, OR_ALL},          {"show", show_one, show_file, NEEDS_NAMES},
    {"fetch", fetch_one, NULL, NEEDS_NAMES},   {"verify", verify_one, NULL, OR_THOSE_HERE},
    {"remove", remove_one, NULL, NEEDS_NAMES},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < TA_COUNT(actions); i++)
        if (!strcmp(actions[i].name, name))
            return &actions[i];
    return NULL;
}

// All operands are looked at before anything is done.
static enum ta_exit check_operands(struct call *c, const struct action *a)
{
    struct ta_cli *cli = c->cli;
    if (cli->operand_count == 1 && a->names == NEEDS_NAMES)
        return ta_cli_usage(cli, "\"terminalai models %s\" needs names%s", a->name,
                            a->file ? " or files" : " (see \"terminalai models list\")");
    if (c->opts->from && (a->one != fetch_one || cli->operand_count != 2))
        return ta_cli_usage(cli, "--from is for fetching one network");
    for (int i = 1; i < cli->operand_count; i++) {
        const char *value = cli->operands[i];
        if (ta_models_named(&c->models, value) || (a->file && ta_model_is_file(value)))
            continue;
        struct ta_model_found found;
        if (ta_model_is_file(value))
            return ta_cli_usage(cli, "\"terminalai models %s\" takes names, not files: %s", a->name, value);
        ta_model_find(&found, &c->models, c->folder, value, cli->log); // says what is near
        ta_model_found_release(&found);
        return TA_EXIT_USAGE;
    }
    return TA_EXIT_OK;
}

static void run_action(struct call *c, const struct action *a)
{
    struct ta_cli *cli = c->cli;
    for (int i = 1; i < cli->operand_count; i++) {
        const struct ta_model *m = ta_models_named(&c->models, cli->operands[i]);
        if (m)
            a->one(c, m);
        else
            a->file(c, cli->operands[i]);
    }
    for (int i = 0; i < c->models.count && cli->operand_count == 1; i++) {
        const struct ta_model *m = &c->models.items[i];
        if (ta_models_named(&c->models, m->name) == m && // not hidden by the user's own of that name
            (a->names == OR_ALL || ta_model_state(m, c->folder, false) != TA_MODEL_ABSENT))
            a->one(c, m);
    }
}

static enum ta_exit run_models(struct ta_cli *cli)
{
    struct call c = {.cli = cli, .opts = cli->values, .table = {.columns = 3}};
    if (!ta_cli_is_action(cli, cli->operands[0]))
        return TA_EXIT_USAGE;
    const struct action *a = find_action(cli->operands[0]);
    enum ta_exit status = ta_models_load(&c.models, cli->log) >= 0 ? TA_EXIT_OK : TA_EXIT_FAILED;
    c.folder = ta_models_folder();
    c.cache = ta_cache_folder();
    if (status == TA_EXIT_OK)
        status = check_operands(&c, a);
    if (status == TA_EXIT_OK) {
        c.list = json_array();
        run_action(&c, a);
        char *more = a->names == NEEDS_NAMES || !c.folder ? NULL
                                                          : ta_xprintf("\nThey are kept in %s\n", c.folder);
        status = ta_cli_show_list(cli, c.opts->json, c.list, &c.table, more);
        free(more);
    }
    ta_models_release(&c.models);
    free(c.folder);
    free(c.cache);
    return c.failed ? ta_exit_worse(status, TA_EXIT_FAILED) : status;
}

static const struct ta_command_group models_groups[] = {
    {"Fetching", fetch_options, 0},
    {"Engine", ta_engine_options, offsetof(struct models_opts, engine)},
    {"What to show", models_options, 0},
    {0},
};

static const struct ta_choice model_actions[] = {
    {"list", "the networks that are known, and which are here"},
    {"show", "what a network, or one in a file, is good for"},
    {"fetch", "get one: download it, or take it from a file (--from)"},
    {"verify", "compare those that are here with their checksums"},
    {"remove", "delete one"},
    {0},
};

static const struct ta_example examples[] = {
    {"terminalai models list", "the networks that are known, and which are here"},
    {"terminalai models fetch NAME --from ./network.onnx", "take one that you have"},
    {"terminalai models show ./network.onnx", "what a network of your own is good for"},
    {0},
};

const struct ta_command ta_command_models = {
    .name = "models",
    .operands = "ACTION [NAME...]",
    .summary = "get networks, and tell what those in files are good for",
    .description =
        "Networks are known by name: a manifest, built in and in models.yaml beside your configuration, says what "
        "each takes and makes, its licence and its checksum. None is part of this program. \"fetch\" downloads one, "
        "or takes it from your file with --from; a download that broke off goes on where it was; what has another "
        "checksum is refused. They are kept in $XDG_DATA_HOME/terminalai/models (~/.local/share).\n\n"
        "\"show\" with a file reads it, loads it with ONNX Runtime on the processor (in a process of its own, "
        "which it may crash), compares its shapes with what is expected of a network that enlarges pictures, and "
        "finds out by how much by giving it a small grey one. A file whose numbers lie in other files is refused; "
        "those are not opened. Exit status 1 when something is refused, absent or could not be done.",
    .actions = model_actions,
    .examples = examples,
    .groups = models_groups,
    .values_size = sizeof(struct models_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_models,
};
