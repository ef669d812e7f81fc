#include "metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/mem.h"

// Records of several machines may have been put together in one file.
static const size_t FILE_BYTES = (size_t)1 << 30;

static bool is_blank(const char *line, const char *end)
{
    while (line < end && strchr(" \t\r", *line))
        line++;
    return line == end;
}

// Of one file, from its end on, until `most` are in `out`: the newest first.
static int read_file(const char *path, size_t most, json_t *out, int *broken, struct ta_log *log)
{
    struct ta_buf text = {0};
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    int err = ta_file_read(path, FILE_BYTES, &text, log);
    const char *begin = ta_buf_text(&text), *end = begin + text.size;
    while (err >= 0 && end > begin && json_array_size(out) < most) {
        const char *line = end;
        while (line > begin && line[-1] != '\n')
            line--;
        json_t *record = is_blank(line, end)
                             ? NULL
                             : json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(record))
            json_array_append(out, record);
        else
            *broken += !is_blank(line, end);
        json_decref(record);
        end = line > begin ? line - 1 : begin;
    }
    ta_buf_release(&text);
    return err;
}

json_t *ta_metrics_last(const char *path, int most, int *broken, struct ta_log *log)
{
    json_t *newest = json_array(), *out = NULL;
    size_t wanted = most > 0 ? (size_t)most : SIZE_MAX;
    int err = 0;
    *broken = 0;
    for (int i = 0; i < TA_METRICS_FILES && err >= 0 && json_array_size(newest) < wanted; i++) {
        char *name = i ? ta_xprintf("%s.%d", path, i) : ta_xstrdup(path);
        err = read_file(name, wanted, newest, broken, log);
        free(name);
    }
    if (err >= 0) {
        out = json_array();
        for (size_t i = json_array_size(newest); i > 0; i--)
            json_array_append(out, json_array_get(newest, i - 1));
    }
    json_decref(newest);
    return out;
}
