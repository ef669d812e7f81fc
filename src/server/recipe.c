#include "server/recipe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/opt.h"
#include "base/problem.h"
#include "base/tree.h"
#include "recipe/options.h"
#include "server/roots.h"

// Of clients at the address these would reach beyond the folders that were opened to them.
static bool is_for_clients(const struct ta_request *r, const char *name, const char *value)
{
    if (r->local)
        return true;
    if (!strcmp(name, "preset")) // a path is a file that this process would read
        return !strchr(value, '/') && !strstr(value, ".yaml");
    const struct ta_option_group *group;
    const struct ta_opt *o = ta_option_find(name, &group);
    return !o || group->table != ta_run_options || o->kind != &ta_opt_path;
}

static char *text_of(const json_t *value)
{
    if (json_is_string(value))
        return ta_xstrdup(json_string_value(value));
    if (json_is_boolean(value))
        return ta_xstrdup(json_is_true(value) ? "on" : "off");
    if (json_is_number(value))
        return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    return NULL;
}

// What the library said last: the first error since the list was cleared.
static const struct ta_problem *said(const struct ta_recipe *recipe, int err)
{
    ta_log_fail(recipe->log, err, "options", NULL);
    return ta_problems_error(recipe->problems);
}

static void refuse(struct ta_request *r, const char *option, const struct ta_problem *p)
{
    bool coded = p && p->code[0] && strcmp(p->code, "invalid-value") != 0;
    ta_request_problem(r, 422, coded ? p->code : "option-value", "%s",
                       p ? p->message : "these options do not go together");
    json_t *args = p ? json_loads(p->args, 0, NULL) : NULL, *value;
    const char *name;
    json_object_foreach(args, name, value) ta_request_arg(r, name, json_incref(value));
    json_decref(args);
    // What goes wrong together is told with the name of one of them in front.
    char *first = p ? ta_xstrndup(p->message, strcspn(p->message, ":")) : NULL;
    if (p && p->option)
        option = p->option;
    else if (!option && first && ta_option_find(first, NULL))
        option = first;
    if (option)
        ta_request_arg(r, "option", json_string(option));
    free(first);
}

// One option; false after a refusal.
static bool set_one(struct ta_request *r, struct ta_recipe *recipe, const char *name, const json_t *value)
{
    char *text = text_of(value);
    ta_problems_clear(recipe->problems);
    if (!text) {
        ta_request_problem(r, 422, "option-type", "%s: a text, a number, true or false", name);
        ta_request_arg(r, "option", json_string(name));
    } else if (!is_for_clients(r, name, text)) {
        ta_request_problem(r, 403, "option-not-for-clients", "%s: not for clients", name);
        ta_request_arg(r, "option", json_string(name));
    } else {
        int err = ta_options_set(recipe->options, TA_LAYER_CALLER, name, text, name);
        if (err < 0)
            refuse(r, name, said(recipe, err));
        else
            json_object_set_new(recipe->texts, name, json_string(text));
    }
    free(text);
    return !r->status;
}

static bool check_file(void *priv, const struct ta_stage_info *stage, const char *name, const char *value)
{
    struct ta_request *r = priv;
    (void)stage;
    // A word that is no file is the name of something that is known, or will be told to be nothing.
    bool word = !strchr(value, '/') && access(value, F_OK) < 0;
    if (!word && !ta_roots_hold(r, value)) {
        ta_request_problem(r, 403, "not-opened", "%s: %s is not in a folder that was opened to clients", name,
                           value);
        ta_request_arg(r, "option", json_string(name));
    }
    return !r->status;
}

// What single values do not show.
static bool check_together(struct ta_request *r, struct ta_recipe *recipe)
{
    const struct ta_recipe_opts *typed;
    ta_problems_clear(recipe->problems);
    int err = ta_options_recipe(recipe->options, &typed, recipe->log);
    if (err >= 0)
        err = ta_options_check_stages(recipe->options, recipe->log);
    if (err < 0)
        refuse(r, NULL, said(recipe, err));
    else
        ta_options_each_file(recipe->options, check_file, r);
    return !r->status;
}

static bool create(struct ta_request *r, struct ta_recipe *out)
{
    *out = (struct ta_recipe){.texts = json_object()};
    int err = ta_log_keep_first(&out->log, NULL);
    if (err >= 0)
        err = ta_problems_create(&out->problems);
    if (err >= 0) {
        ta_log_collect(out->log, out->problems);
        err = ta_options_create(&out->options, out->log);
    }
    if (err < 0)
        ta_request_problem(r, 503, "no-memory", "out of memory");
    return err >= 0;
}

bool ta_recipe_read(struct ta_request *r, const json_t *wanted, struct ta_recipe *out)
{
    const char *name;
    json_t *value;
    bool ok = create(r, out);
    json_object_foreach((json_t *)wanted, name, value) ok = ok && set_one(r, out, name, value);
    return ok && check_together(r, out);
}

void ta_recipe_release(struct ta_recipe *recipe)
{
    json_decref(recipe->texts);
    ta_options_destroy(&recipe->options);
    ta_log_destroy(&recipe->log);
    ta_problems_destroy(&recipe->problems);
    *recipe = (struct ta_recipe){0};
}

// ---- checking without making anything ----

// The refusal as an item of a list; the request has none then.
static void move_refusal(struct ta_request *r, json_t *list)
{
    json_t *item = json_object();
    static const char *const kept[] = {"code", "detail", "args"};
    for (size_t i = 0; i < TA_COUNT(kept); i++)
        json_object_set(item, kept[i], json_object_get(r->answer, kept[i]));
    json_array_append_new(list, item);
    json_decref(r->answer);
    r->answer = NULL;
    r->status = 0;
}

// What takes nothing from a job but is not what its reader thinks.
static void add_remarks(const struct ta_recipe *recipe, json_t *list)
{
    for (size_t i = 0; i < ta_problems_count(recipe->problems); i++) {
        const struct ta_problem *p = ta_problems_get(recipe->problems, i);
        json_t *args = json_object();
        if (p->option)
            json_object_set_new(args, "option", json_string(p->option));
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "code", p->code, "detail",
                                              ta_json_any_text(p->message), "args", args));
    }
}

void ta_recipe_check(struct ta_request *r)
{
    const json_t *wanted = json_object_get(r->body, "options");
    struct ta_recipe recipe = {0};
    json_t *problems = json_array(), *value;
    const char *name;
    if (!json_is_object(wanted) || json_object_size(r->body) != 1) {
        ta_request_problem(r, 422, "options", "give {\"options\": {name: value}}");
        json_decref(problems);
        return;
    }
    if (create(r, &recipe)) {
        // Each of them that is wrong, and only if none is, what does not go together.
        json_object_foreach((json_t *)wanted, name, value) if (!set_one(r, &recipe, name, value))
            move_refusal(r, problems);
        if (!json_array_size(problems) && !check_together(r, &recipe))
            move_refusal(r, problems);
        bool ok = !json_array_size(problems);
        if (ok)
            add_remarks(&recipe, problems);
        json_t *o = json_pack("{s:b, s:O}", "ok", ok, "problems", problems);
        if (ok)
            json_object_set_new(o, "values", ta_options_recipe_json(recipe.options));
        ta_request_reply(r, 200, o);
    }
    json_decref(problems);
    ta_recipe_release(&recipe);
}
