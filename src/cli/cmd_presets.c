// terminalai presets: the named recipes.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "recipe/options.h"
#include "video/luts.h"

struct presets_opts {
    bool json, luts;
    char *write_lut;
};

static const struct ta_opt presets_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct presets_opts, json, bool),
     .help = "print JSON, for programs"},
    {.name = "luts",
     .kind = &ta_opt_switch,
     TA_FIELD(struct presets_opts, luts, bool),
     .help = "list the built-in look-up tables for colour instead (--colour-lut)"},
    {.name = "write-lut",
     .kind = &ta_opt_text,
     TA_FIELD(struct presets_opts, write_lut, char *),
     .syntax = "NAME",
     .help = "print one of these tables as a .cube file, for other programs"},
    {0},
};

static const json_t *find_preset(struct ta_cli *cli, const json_t *presets, const char *name)
{
    size_t count = json_array_size(presets);
    const char **names = ta_xcalloc(count + 1, sizeof(*names));
    const json_t *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const json_t *preset = json_array_get(presets, i);
        names[i] = ta_json_member_text(preset, "name");
        if (!strcmp(names[i], name))
            found = preset;
    }
    if (!found) {
        const char *nearest = ta_nearest(name, names);
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, name);
        ta_error(cli->log, "unknown preset %s%s%s%s", quoted.data,
                 nearest ? "; did you mean \"" : " (\"terminalai presets\" lists them)",
                 nearest ? nearest : "", nearest ? "\"?" : "");
        ta_buf_release(&quoted);
    }
    free(names);
    return found;
}

static void append_list(const json_t *presets, int width, struct ta_buf *out)
{
    struct ta_table table = {.columns = 2};
    size_t i;
    json_t *preset;
    json_array_foreach(presets, i, preset)
    {
        ta_table_cell(&table, "%s", ta_json_member_text(preset, "name"));
        ta_table_cell(&table, "%s", ta_json_member_text(preset, "summary"));
    }
    ta_table_print(&table, 0, width, out);
    ta_table_release(&table);
    ta_text_wrap(
        out,
        "\n\"terminalai presets NAME\" shows what one sets; \"--preset NAME\" uses it, and options on the "
        "command line go over it.",
        0, width);
}

static void append_preset(const json_t *preset, int width, struct ta_buf *out)
{
    struct ta_table table = {.columns = 3};
    ta_buf_printf(out, "%s: ", ta_json_member_text(preset, "name"));
    ta_text_wrap(out, ta_json_member_text(preset, "summary"), 0, width);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(preset, "values"), key, value)
    {
        char *text = json_is_boolean(value) ? ta_xstrdup(json_is_true(value) ? "on" : "off")
                                            : ta_opt_json_to_text(value);
        const struct ta_opt *o = ta_option_find(key, NULL);
        ta_table_cell(&table, "--%s", key);
        ta_table_cell(&table, "%s", text && *text ? text : "-");
        ta_table_cell(&table, "%s", o && o->help ? o->help : "");
        free(text);
    }
    if (table.count)
        ta_table_print(&table, 2, width, out);
    else
        ta_buf_puts(out, "  sets nothing: all options have their defaults\n");
    ta_table_release(&table);
}

static void append_luts(bool json, int width, struct ta_buf *out)
{
    struct ta_table table = {.columns = 2};
    json_t *list = json_array();
    for (const struct ta_lut_info *l = ta_luts; l->name; l++) {
        ta_table_cell(&table, "%s", l->name);
        ta_table_cell(&table, "%s", l->summary);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", l->name, "summary", l->summary));
    }
    if (json) {
        char *text = ta_json_text(list);
        ta_buf_puts(out, text);
        free(text);
    } else {
        ta_table_print(&table, 0, width, out);
    }
    json_decref(list);
    ta_table_release(&table);
}

static enum ta_exit append_lut_file(struct ta_cli *cli, const char *name, struct ta_buf *out)
{
    const char *names[16] = {0};
    const struct ta_lut_info *info = ta_lut_find(name);
    struct ta_cube cube;
    if (info) {
        ta_lut_make(&cube, info);
        ta_cube_write(&cube, out);
        ta_cube_release(&cube);
        return TA_EXIT_OK;
    }
    for (int i = 0; ta_luts[i].name && i < (int)TA_COUNT(names) - 1; i++)
        names[i] = ta_luts[i].name;
    const char *nearest = ta_nearest(name, names);
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, name);
    ta_error(cli->log, "unknown look-up table %s%s%s%s", ta_buf_text(&quoted),
             nearest ? "; did you mean \"" : " (\"terminalai presets --luts\" lists them)",
             nearest ? nearest : "", nearest ? "\"?" : "");
    ta_buf_release(&quoted);
    return TA_EXIT_USAGE;
}

// --luts and --write-lut.
static enum ta_exit run_luts(struct ta_cli *cli, const struct presets_opts *opts, int width)
{
    struct ta_buf out = {0};
    enum ta_exit status = TA_EXIT_OK;
    if (cli->operand_count || (opts->luts && opts->write_lut))
        return ta_cli_usage(cli, "--luts and --write-lut stand alone, without names of presets");
    if (opts->write_lut)
        status = append_lut_file(cli, opts->write_lut, &out);
    else
        append_luts(opts->json, width, &out);
    if (!status)
        status = ta_cli_output(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static enum ta_exit run_presets(struct ta_cli *cli)
{
    const struct presets_opts *opts = cli->values;
    if (opts->luts || opts->write_lut)
        return run_luts(cli, opts, ta_console_columns(STDOUT_FILENO));
    int width = ta_console_columns(STDOUT_FILENO);
    char *text = ta_presets_describe();
    json_t *presets = json_loads(text, 0, NULL);
    struct ta_buf out = {0};
    enum ta_exit status = TA_EXIT_OK;
    free(text);
    if (!cli->operand_count && !opts->json)
        append_list(presets, width, &out);
    json_t *chosen = cli->operand_count ? json_array() : json_incref(presets);
    for (int i = 0; i < cli->operand_count; i++) {
        const json_t *preset = find_preset(cli, presets, cli->operands[i]);
        if (!preset) {
            status = TA_EXIT_USAGE;
            continue;
        }
        json_array_append(chosen, (json_t *)preset);
        if (!opts->json) {
            ta_buf_puts(&out, i ? "\n" : "");
            append_preset(preset, width, &out);
        }
    }
    if (opts->json && !status) {
        text = ta_json_text(chosen);
        ta_buf_puts(&out, text);
        free(text);
    }
    status = ta_exit_worse(status, ta_cli_output(cli, ta_buf_text(&out)));
    json_decref(chosen);
    json_decref(presets);
    ta_buf_release(&out);
    return status;
}

static const struct ta_example presets_examples[] = {
    {"terminalai presets", "all, with a line about each"},
    {"terminalai presets vhs", "what it sets"},
    {"terminalai presets --write-lut warm_vintage > warm.cube", "a built-in look-up table as a file"},
    {0},
};

static const struct ta_command_group presets_groups[] = {{"What to show", presets_options, 0}, {0}};

const struct ta_command ta_command_presets = {
    .name = "presets",
    .operands = "[NAME...]",
    .summary = "list presets, or show what one sets",
    .description =
        "A preset is a named recipe. Your own ones are YAML files in ~/.config/terminalai/presets/, or "
        "anywhere when --preset gets a path.",
    .examples = presets_examples,
    .groups = presets_groups,
    .values_size = sizeof(struct presets_opts),
    .operand_kind = TA_OPERAND_PRESET,
    .max_operands = -1,
    .run = run_presets,
};
