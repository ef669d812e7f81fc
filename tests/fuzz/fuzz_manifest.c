// Manifests of networks of any content: refused with a reason, or read into entries that are complete, whose
// names are no paths.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_models models = {0};
    int err = ta_models_read(&models, (const char *)data, size, "input.yaml", NULL);
    if (err < 0 && models.count) {
        fprintf(stderr, "%d entries are left of a manifest that was refused\n", models.count);
        abort();
    }
    for (int i = 0; i < models.count; i++) {
        const struct ta_model *m = &models.items[i];
        if (!*m->name || strchr(m->name, '/') || m->name[0] == '.' || strlen(m->sha256) != 64 ||
            m->bytes < 1 || m->bytes > TA_MODEL_MAX_BYTES || m->factor < 1 || m->factor > 8 || !m->source ||
            !m->licence) {
            fprintf(stderr, "entry %d is not complete\n", i);
            abort();
        }
    }
    ta_models_release(&models);
    return 0;
}
