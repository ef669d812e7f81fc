#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

// Of one file, up to `most` of its last lines in front of those in `out`, which are newer.
static void read_file(const char *path, size_t most, json_t *out)
{
    struct ta_buf text = {0};
    // Whoever writes puts a file aside before it has so many bytes; one line may go beyond.
    if (ta_file_read(path, 2 * (size_t)TA_METRICS_FILE_BYTES, &text, NULL) < 0)
        return;
    const char *begin = ta_buf_text(&text), *end = begin + text.size;
    while (end > begin && json_array_size(out) < most) {
        const char *line = end;
        while (line > begin && line[-1] != '\n')
            line--;
        json_t *record = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(record))
            json_array_insert(out, 0, record);
        json_decref(record);
        end = line > begin ? line - 1 : begin;
    }
    ta_buf_release(&text);
}

json_t *ta_metrics_last(const char *path, int most)
{
    json_t *out = json_array();
    read_file(path, (size_t)most, out);
    for (int i = 1; i < TA_METRICS_FILES && json_array_size(out) < (size_t)most; i++) {
        char *aside = ta_xprintf("%s.%d", path, i);
        read_file(aside, (size_t)most, out);
        free(aside);
    }
    return out;
}
