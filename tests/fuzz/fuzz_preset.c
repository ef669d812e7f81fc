// Preset files of any content: refused with a reason, or read into something complete.
#include <stdint.h>
#include <stdlib.h>

#include "recipe/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_preset preset = {0};
    if (ta_preset_parse(&preset, (const char *)data, size, "input.yaml", NULL) >= 0)
        if (!preset.name || !preset.summary || !json_is_object(preset.options))
            abort();
    ta_preset_release(&preset);
    return 0;
}
