#include "perf/records.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "recipe/embedded.h"

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
