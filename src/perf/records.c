#include "perf/records.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "metrics/metrics.h"
#include "recipe/embedded.h"

static int read_file(const char *path, json_t *records, int *broken, struct ta_log *log)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    if (!f && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!f) {
        ta_error(log, "%s: %s", path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return TA_ERR_IO;
    }
    while (getline(&line, &room, f) >= 0) {
        json_t *record = line[strspn(line, " \t\r\n")] ? json_loads(line, JSON_REJECT_DUPLICATES, NULL)
                                                       : NULL;
        if (json_is_object(record))
            json_array_append(records, record);
        else
            *broken += line[strspn(line, " \t\r\n")] != 0;
        json_decref(record);
    }
    int err = ferror(f) ? TA_ERR_IO : 0;
    if (err < 0)
        ta_error(log, "%s: %s", path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    fclose(f);
    free(line);
    return err;
}

json_t *ta_records_read(const char *path, int most, int *broken, struct ta_log *log)
{
    json_t *records = json_array();
    int err = 0;
    *broken = 0;
    for (int i = TA_METRICS_FILES - 1; i >= 0 && err >= 0; i--) {
        char *name = i ? ta_xprintf("%s.%d", path, i) : ta_xstrdup(path);
        err = read_file(name, records, broken, log);
        free(name);
    }
    if (err < 0) {
        json_decref(records);
        return NULL;
    }
    size_t all = json_array_size(records), wanted = most > 0 ? (size_t)most : all;
    json_t *last = json_array();
    for (size_t i = all > wanted ? all - wanted : 0; i < all; i++)
        json_array_append(last, json_array_get(records, i));
    json_decref(records);
    return last;
}

static bool everybody_has(const char *preset)
{
    for (const struct ta_embedded_file *f = ta_embedded_presets; f->name; f++)
        if (!strcmp(f->name, preset))
            return true;
    return false;
}

json_t *ta_records_anonymous(const json_t *records)
{
    // Of each record, only what is known to be harmless is taken over: a member that comes later is not given
    // away by accident.
    static const char *const numbers[] = {"preprocessing_time_sec",
                                          "upscaling_time_sec",
                                          "encoding_time_sec",
                                          "total_time_sec",
                                          "peak_memory_mb",
                                          "gpu_utilization_percent",
                                          "frames_per_second",
                                          "model_load_time_sec",
                                          "queue_query_time_ms",
                                          "frames",
                                          "size",
                                          "tuning",
                                          "cache",
                                          "exit_code",
                                          "version",
                                          "kind"};
    static const char *const parts[] = {"cpu", "cores", "memory_mb"};
    json_t *all = json_array(), *r;
    size_t i;
    json_array_foreach(records, i, r)
    {
        json_t *o = json_object(), *machine = json_object();
        json_object_set_new(o, "number", json_integer((json_int_t)i + 1));
        json_object_set_new(
            o, "day",
            json_stringn(ta_json_member_text(r, "time"), strnlen(ta_json_member_text(r, "time"), 10)));
        for (size_t n = 0; n < TA_COUNT(numbers); n++)
            json_object_set(o, numbers[n], json_object_get(r, numbers[n]));
        for (size_t n = 0; n < TA_COUNT(parts); n++)
            json_object_set(machine, parts[n], json_object_get(json_object_get(r, "machine"), parts[n]));
        json_object_set_new(o, "machine", machine);
        const char *preset = ta_json_member_text(json_object_get(r, "recipe"), "preset");
        json_object_set_new(o, "preset", everybody_has(preset) ? json_string(preset) : json_null());
        json_array_append_new(all, o);
    }
    return all;
}
