#include <terminalai/probe.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/tree.h"
#include "media/source.h"

int ta_probe(const char *path, char **json, struct ta_log *log)
{
    *json = NULL;
    struct ta_log *own = ta_log_child(log, "probe");
    struct ta_source *source = NULL;
    int err = ta_source_open(&source, path, NULL, own);
    if (err >= 0) {
        json_t *facts = ta_source_json(source);
        *json = ta_json_text(facts);
        json_decref(facts);
    }
    ta_source_close(&source);
    ta_log_fail(own, err, path, NULL);
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}
