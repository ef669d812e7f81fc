#include "cli/serve_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "recipe/folders.h"

int ta_serve_file_load(const char *path, char **name, json_t **root, struct ta_marks **marks,
                       struct ta_log *log)
{
    *name = path ? ta_xstrdup(path) : ta_config_path("config.yaml");
    *root = NULL;
    *marks = NULL;
    int err = 0;
    if (*name && (path || access(*name, F_OK) == 0))
        err = ta_yaml_load(*name, root, marks, log);
    if (err >= 0 && *root && !json_is_null(*root) && !json_is_object(*root)) {
        ta_error(log, "%s:1: a configuration is a list of \"option: value\" lines", *name);
        err = TA_ERR_FORMAT;
    }
    if (!json_is_object(*root)) {
        json_decref(*root);
        *root = json_object();
    }
    return err < 0 ? err : 0;
}

// One value, or the values of an option that may be given several times.
static int set_option(const struct ta_opt *o, void *values, const json_t *value, const char *where,
                      struct ta_log *log)
{
    bool list = json_is_array(value) && o->kind == &ta_opt_list;
    size_t count = list ? json_array_size(value) : 1;
    int err = 0;
    for (size_t i = 0; i < count && err >= 0; i++) {
        char *text = ta_opt_json_to_text(list ? json_array_get(value, i) : value);
        if (text)
            err = ta_opt_set(o, values, text, where, log);
        else {
            ta_error(log, "%s: %s must be one value%s", where, o->name,
                     o->kind == &ta_opt_list ? " or a list of values" : ", not a list or a group");
            err = TA_ERR_INVALID;
        }
        free(text);
    }
    return err;
}

int ta_serve_file_apply(struct ta_cli *cli, const struct ta_opt *table, void *values, const char *name,
                        const json_t *root, const struct ta_marks *marks)
{
    const json_t *group = json_object_get(root, "serve");
    const char *key;
    json_t *value;
    int err = 0;
    if (group && !json_is_null(group) && !json_is_object(group)) {
        ta_error(cli->log, "%s:%d: serve must be a group of \"option: value\" lines", name,
                 ta_marks_line(marks, "serve"));
        return TA_ERR_FORMAT;
    }
    json_object_foreach((json_t *)group, key, value)
    {
        char *place = ta_xprintf("serve.%s", key);
        char *where = ta_xprintf("%s:%d", name, ta_marks_line(marks, place));
        const struct ta_opt *o = ta_opt_find(table, key);
        int one = !o                          ? ta_opt_unknown(table, key, "option", where, cli->log)
                  : ta_cli_is_given(cli, key) ? 0
                                              : set_option(o, values, value, where, cli->log);
        err = err < 0 ? err : one; // all that is wrong is told
        free(where);
        free(place);
    }
    return err < 0 ? err : 0;
}
