// terminalai models: networks in files, and what they are good for.
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/table.h"
#include "infer/engine.h"
#include "infer/onnx_file.h"
#include "infer/pictures.h"
#include "recipe/engine_places.h"

#define LARGEST_FILE ((size_t)1 << 30) // bytes; networks for pictures are a hundredth of it

struct models_opts {
    struct ta_engine_opts engine;
    bool json;
};

static const struct ta_opt models_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct models_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

static json_t *shapes_of(const struct ta_tensor_shape *shapes, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *dims = json_array();
        for (int d = 0; d < shapes[i].count; d++)
            json_array_append_new(dims, shapes[i].dim[d] < 0 ? json_null() : json_integer(shapes[i].dim[d]));
        json_t *o = json_object();
        json_object_set_new(o, "name", ta_json_any_text(shapes[i].name));
        json_object_set_new(o, "float", json_boolean(shapes[i].is_float));
        json_object_set_new(o, "shape", dims);
        json_array_append_new(list, o);
    }
    return list;
}

// Loads it, and finds out what it does. e: NULL when there is no engine, which was told.
static int look_inside(json_t *o, struct ta_engine *e, const struct ta_buf *file, struct ta_log *log)
{
    struct ta_onnx_facts facts;
    struct ta_network *n = NULL;
    struct ta_network_use use;
    int err = ta_onnx_file_check(&facts, ta_buf_text(file), file->size, log);
    if (err < 0)
        return err;
    json_object_set_new(o, "ir_version", json_integer(facts.ir_version));
    json_object_set_new(o, "operators", json_integer(facts.operators));
    json_object_set_new(o, "nodes", json_integer(facts.nodes));
    json_object_set_new(o, "weights", json_integer(facts.weights));
    if (!e) {
        ta_error(log, "no engine is here to look at it; see \"terminalai engines\"");
        return TA_ERR_NOT_FOUND;
    }
    err = e->info->load(e, ta_buf_text(file), file->size, 0, &n, log);
    if (err < 0)
        return err;
    json_object_set_new(o, "inputs", shapes_of(n->in, n->in_count));
    json_object_set_new(o, "outputs", shapes_of(n->out, n->out_count));
    err = ta_network_find_use(n, &use, log);
    if (err >= 0) {
        json_object_set_new(o, "planes", json_integer(use.planes));
        json_object_set_new(o, "factor", json_integer(use.factor));
        json_object_set_new(o, "width", use.width ? json_integer(use.width) : json_null());
        json_object_set_new(o, "height", use.height ? json_integer(use.height) : json_null());
    }
    ta_network_unload(&n);
    return err;
}

static json_t *model_row(struct ta_engine *e, const char *path)
{
    struct ta_buf file = {0}, why = {0};
    struct ta_log *log = NULL;
    char sum[TA_SHA256_HEX];
    json_t *o = json_object();
    json_object_set_new(o, "file", ta_json_any_text(path));
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = ta_file_read(path, LARGEST_FILE, &file, log);
    if (err >= 0) {
        ta_sha256_hex(ta_buf_text(&file), file.size, sum);
        json_object_set_new(o, "bytes", json_integer((json_int_t)file.size));
        json_object_set_new(o, "sha256", json_string(sum));
        err = look_inside(o, e, &file, log);
    }
    json_object_set_new(o, "fits", json_boolean(err >= 0));
    if (err < 0)
        json_object_set_new(o, "why", ta_json_any_text(why.size ? ta_buf_text(&why) : ta_error_text(err)));
    ta_log_destroy(&log);
    ta_buf_release(&why);
    ta_buf_release(&file);
    return o;
}

static void add_row(struct ta_table *t, const json_t *o)
{
    bool fits = json_is_true(json_object_get(o, "fits"));
    ta_table_cell(t, "%s", json_string_value(json_object_get(o, "file")));
    ta_table_cell(t, "%s", fits ? "fits" : "refused");
    if (!fits) {
        ta_table_cell(t, "%s", json_string_value(json_object_get(o, "why")));
        return;
    }
    bool colour = json_integer_value(json_object_get(o, "planes")) == 3;
    const json_t *width = json_object_get(o, "width"), *height = json_object_get(o, "height");
    struct ta_buf size = {0};
    if (json_is_integer(width) && json_is_integer(height))
        ta_buf_printf(&size, ", pictures of %lld x %lld alone", (long long)json_integer_value(width),
                      (long long)json_integer_value(height));
    ta_table_cell(t, "enlarges %lld times, %s%s; operators of version %lld, %lld nodes, sha256 %s",
                  (long long)json_integer_value(json_object_get(o, "factor")),
                  colour ? "colour" : "brightness alone", ta_buf_text(&size),
                  (long long)json_integer_value(json_object_get(o, "operators")),
                  (long long)json_integer_value(json_object_get(o, "nodes")),
                  json_string_value(json_object_get(o, "sha256")));
    ta_buf_release(&size);
}

static enum ta_exit run_models(struct ta_cli *cli)
{
    const struct models_opts *opts = cli->values;
    const char *named = ta_engine_named(opts->engine.engine_library);
    struct ta_engine *e = NULL;
    struct ta_table table = {.columns = 3};
    json_t *list = json_array();
    bool all = true;
    if (strcmp(cli->operands[0], "show") != 0)
        return ta_cli_usage(cli, "\"%s\": it is \"terminalai models show FILE.onnx\"", cli->operands[0]);
    ta_engine_open(&e, &ta_engine_onnx, named, 1, cli->log);
    for (int i = 1; i < cli->operand_count; i++) {
        json_t *row = model_row(e, cli->operands[i]);
        all &= json_is_true(json_object_get(row, "fits"));
        add_row(&table, row);
        json_array_append_new(list, row);
    }
    ta_engine_close(&e);
    enum ta_exit status = ta_cli_show_list(cli, opts->json, list, &table, NULL);
    return all ? status : ta_exit_worse(status, TA_EXIT_FAILED);
}

static const struct ta_command_group models_groups[] = {
    {"Engine", ta_engine_options, offsetof(struct models_opts, engine)},
    {"What to show", models_options, 0},
    {0},
};

const struct ta_command ta_command_models = {
    .name = "models",
    .operands = "show FILE.onnx...",
    .summary = "tell what networks in files are good for",
    .description =
        "Looks at networks in .onnx files: reads the file, loads it with ONNX Runtime on the processor, "
        "compares its shapes with what is expected of a network that enlarges pictures, and finds out by how "
        "much by giving it a small grey one. A file whose numbers lie in other files is refused; those are not "
        "opened. Exit status 1 when one is refused. Nothing restores with a network yet.",
    .groups = models_groups,
    .values_size = sizeof(struct models_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 2,
    .max_operands = -1,
    .run = run_models,
};
