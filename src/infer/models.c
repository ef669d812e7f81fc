#include "infer/models.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/path.h"
#include "infer/model_entry.h"
#include "infer/onnx_file.h"

void ta_model_release(struct ta_model *m)
{
    free(m->name);
    free(m->summary);
    free(m->licence);
    free(m->source);
    free(m->file);
    free(m->pair);
    free(m->manifest);
    *m = (struct ta_model){0};
}

static char *copy(const char *text)
{
    return text ? ta_xstrdup(text) : NULL;
}

static void copy_model(struct ta_model *to, const struct ta_model *from)
{
    *to = *from;
    to->name = copy(from->name);
    to->summary = copy(from->summary);
    to->licence = copy(from->licence);
    to->source = copy(from->source);
    to->file = copy(from->file);
    to->pair = copy(from->pair);
    to->manifest = copy(from->manifest);
}

void ta_models_release(struct ta_models *models)
{
    for (int i = 0; i < models->count; i++)
        ta_model_release(&models->items[i]);
    free(models->items);
    *models = (struct ta_models){0};
}

const struct ta_model *ta_models_named(const struct ta_models *models, const char *name)
{
    for (int i = 0; i < models->count; i++)
        if (!strcmp(models->items[i].name, name))
            return &models->items[i];
    return NULL;
}

const struct ta_model *ta_models_with_sum(const struct ta_models *models, const char *sha256)
{
    for (int i = 0; i < models->count; i++)
        if (!strcmp(models->items[i].sha256, sha256))
            return &models->items[i];
    return NULL;
}

bool ta_model_is_file(const char *value)
{
    const char *extension = ta_path_extension(value);
    return strchr(value, '/') || !strcmp(extension, "onnx") || !strcmp(extension, "rnnn");
}

char *ta_model_file_name(const struct ta_model *m)
{
    return ta_xprintf("%s.%s", m->name, ta_model_format_name(m->format));
}

// Weights of RNNoise: a line that says so, and numbers.
static int check_rnnn(const struct ta_buf *file, struct ta_log *log)
{
    static const char head[] = "rnnoise-nu model file version 1\n";
    size_t size = strlen(head);
    bool fits = file->size > size && !memcmp(file->data, head, size);
    for (size_t i = size; fits && i < file->size; i++)
        fits = strchr("0123456789- \r\n", file->data[i]) && file->data[i];
    if (!fits)
        ta_error(log, "it is not a file of weights for RNNoise, of version 1");
    return fits ? 0 : TA_ERR_FORMAT;
}

static int refuse_name(const struct ta_models *models, const char *name, struct ta_log *log)
{
    const char **names = ta_xcalloc((size_t)models->count + 1, sizeof *names);
    for (int i = 0; i < models->count; i++)
        names[i] = models->items[i].name;
    const char *near = ta_nearest(name, names);
    if (near)
        ta_error(log, "there is no network \"%s\": did you mean \"%s\"?", name, near);
    else
        ta_error(log,
                 "there is no network \"%s\" (see \"terminalai models list\"; a file is named by its path)",
                 name);
    free(names);
    return TA_ERR_INVALID;
}

// The bytes of a network, and what is known of them.
static int read_model(struct ta_model_found *found, const struct ta_models *models,
                      const struct ta_model *wanted, struct ta_log *log)
{
    struct ta_buf file = {0};
    struct ta_onnx_facts facts;
    int err = ta_file_read(found->path, (size_t)TA_MODEL_MAX_BYTES, &file, log);
    if (err < 0)
        goto out;
    ta_sha256_hex(ta_buf_text(&file), file.size, found->sha256);
    if (wanted && strcmp(wanted->sha256, found->sha256) != 0) {
        ta_error(log,
                 "%s: it is not the network \"%s\": its checksum is another; \"terminalai models fetch %s\" "
                 "gets it anew",
                 found->path, wanted->name, wanted->name);
        err = TA_ERR_DAMAGED;
        goto out;
    }
    struct ta_buf why = {0};
    struct ta_log *first = NULL;
    bool rnnn = wanted ? wanted->format == TA_MODEL_RNNN : !strcmp(ta_path_extension(found->path), "rnnn");
    err = ta_log_keep_first(&first, &why);
    if (err >= 0)
        err = rnnn ? check_rnnn(&file, first)
                   : ta_onnx_file_check(&facts, ta_buf_text(&file), file.size, first);
    if (err < 0)
        ta_error(log, "%s: %s", found->path, why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_log_destroy(&first);
    ta_buf_release(&why);
    const struct ta_model *model = wanted ? wanted : ta_models_with_sum(models, found->sha256);
    if (err >= 0 && model) {
        found->listed = true;
        copy_model(&found->model, model);
    }
out:
    ta_buf_release(&file);
    return err;
}

int ta_model_find(struct ta_model_found *found, const struct ta_models *models, const char *folder,
                  const char *value, struct ta_log *log)
{
    const struct ta_model *wanted = NULL;
    *found = (struct ta_model_found){0};
    if (ta_model_is_file(value)) {
        found->path = ta_path_absolute(value);
        return read_model(found, models, NULL, log);
    }
    wanted = ta_models_named(models, value);
    if (!wanted)
        return refuse_name(models, value, log);
    char *name = ta_model_file_name(wanted);
    found->path = ta_path_join(folder ? folder : "", name);
    free(name);
    if (!folder || access(found->path, F_OK) < 0) {
        ta_error(log, "the network \"%s\" is not here yet: \"terminalai models fetch %s%s\"", value, value,
                 wanted->file ? "" : " --from FILE");
        return TA_ERR_NOT_FOUND;
    }
    return read_model(found, models, wanted, log);
}

void ta_model_found_release(struct ta_model_found *found)
{
    free(found->path);
    ta_model_release(&found->model);
    *found = (struct ta_model_found){0};
}
