#include "cli/engine_rows.h"

#include <stdlib.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "cli/command.h"
#include "infer/engine.h"
#include "recipe/engine_places.h"

static const char NOTHING_TOLD[] = "it does not work";

static bool add_device(json_t *list, struct ta_engine *e, int device)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = ta_engine_test(e, device, log);
    bool works = err >= 0;
    json_t *o = json_object();
    json_object_set_new(o, "kind", json_string(ta_device_kind_name(e->devices[device].kind)));
    json_object_set_new(o, "provider", ta_json_any_text(e->devices[device].provider));
    json_object_set_new(o, "vendor", ta_json_any_text(e->devices[device].vendor));
    json_object_set_new(o, "works", json_boolean(works));
    if (!works)
        ta_cli_row_failed(o, err, why.size ? ta_buf_text(&why) : NOTHING_TOLD, NULL);
    json_array_append_new(list, o);
    ta_log_destroy(&log);
    ta_buf_release(&why);
    return works;
}

json_t *ta_engine_row(const struct ta_engine_info *engine, const char *named, int *opened, struct ta_log *log)
{
    struct ta_buf why = {0};
    struct ta_log *first = NULL;
    struct ta_engine *e = NULL;
    bool works = false;
    json_t *o = json_object(), *notes = json_array(), *devices = json_array();
    int err = ta_log_keep_first(&first, &why);
    if (err >= 0)
        err = ta_engine_open(&e, engine, named, 1, 0, first);
    *opened = err;
    for (int i = 0; e && i < e->note_count; i++)
        json_array_append_new(notes, ta_json_any_text(e->notes[i]));
    for (int i = 0; e && i < e->device_count; i++)
        works |= add_device(devices, e, i);
    json_object_set_new(o, "name", json_string(engine->name));
    json_object_set_new(o, "summary", json_string(engine->summary));
    json_object_set_new(o, "works", json_boolean(works));
    if (e) {
        json_object_set_new(o, "library", ta_json_any_text(e->library));
        json_object_set_new(o, "version", ta_json_any_text(e->version));
        ta_verbose(log, "%s: %s", engine->name, e->library);
    } else {
        ta_cli_row_failed(o, err, why.size ? ta_buf_text(&why) : NOTHING_TOLD, engine->advice);
    }
    json_object_set_new(o, "notes", notes);
    json_object_set_new(o, "devices", devices);
    ta_engine_close(&e);
    ta_log_destroy(&first);
    ta_buf_release(&why);
    return o;
}
