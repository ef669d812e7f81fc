#include "recipe/models.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "recipe/embedded.h"
#include "recipe/folders.h"
#include "video/stage.h"

enum { MANIFEST_LIMIT = 1 << 20 };

int ta_models_load(struct ta_models *models, struct ta_log *log)
{
    char *own = ta_config_path("models.yaml");
    struct ta_buf text = {0};
    int err = 0;
    *models = (struct ta_models){0};
    if (own && access(own, F_OK) == 0) {
        err = ta_file_read(own, MANIFEST_LIMIT, &text, log);
        if (err >= 0)
            err = ta_models_read(models, ta_buf_text(&text), text.size, own, log);
    }
    for (const struct ta_embedded_file *f = ta_embedded_models; f->name && err >= 0; f++)
        err = ta_models_read(models, f->data, f->size, "built in", log);
    ta_buf_release(&text);
    free(own);
    return err;
}

char *ta_models_folder(void)
{
    return ta_data_path("models");
}

bool ta_models_has(const char *name)
{
    char *folder = ta_models_folder(), *path = folder ? ta_xprintf("%s/%s.onnx", folder, name) : NULL;
    bool here = path && access(path, F_OK) == 0;
    free(folder);
    free(path);
    return here;
}

int ta_models_find(struct ta_model_found *found, const char *value, struct ta_log *log)
{
    struct ta_models models;
    *found = (struct ta_model_found){0};
    int err = ta_models_load(&models, log);
    char *folder = ta_models_folder();
    if (err >= 0)
        err = ta_model_find(found, &models, folder, value, log);
    free(folder);
    ta_models_release(&models);
    return err;
}

int ta_stage_find_file(const struct ta_stage_info *stage, const char *value, char **path, char sum[65],
                       struct ta_log *log)
{
    struct ta_model_found found = {0};
    *path = NULL;
    if (stage->find_file)
        return stage->find_file(value, path, sum, log);
    int err = ta_models_find(&found, value, log);
    if (err >= 0) {
        *path = ta_xstrdup(found.path);
        memcpy(sum, found.sha256, sizeof found.sha256);
    }
    ta_model_found_release(&found);
    return err;
}
