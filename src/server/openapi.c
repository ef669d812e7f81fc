// The description of the API, made of the table of routes.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/tree.h"
#include "recipe/embedded.h"
#include "server/http.h"
#include "server/tables.h"

extern const struct ta_embedded_file ta_embedded_schemas[]; // schemas.yaml alone

static json_t *schema_of(const char *name)
{
    char *ref = ta_xprintf("#/components/schemas/%s", name);
    json_t *o = json_pack("{s:s}", "$ref", ref);
    free(ref);
    return o;
}

// A body or an answer: of a schema's name JSON, of a media type bytes.
static json_t *content_of(const char *what)
{
    if (what && strchr(what, '/'))
        return json_pack("{s:{s:{}}}", "content", what, "schema");
    json_t *schema = what && *what ? schema_of(what) : json_pack("{s:s}", "type", "object");
    const char *type = what && !*what ? "application/octet-stream" : "application/json";
    if (what && !*what) {
        json_decref(schema);
        schema = json_object();
    }
    return json_pack("{s:{s:{s:o}}}", "content", type, "schema", schema);
}

// What stands in braces in the path.
static void add_places(json_t *list, const char *path)
{
    for (const char *at = path; (at = strchr(at, '{'));) {
        size_t n = strcspn(++at, "}");
        char *name = ta_xstrndup(at, n);
        bool number = !strcmp(name, "id");
        json_t *schema = number ? json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 1, "maximum",
                                            (json_int_t)999999999999999999)
                                : json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength",
                                            255);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", "path", "required",
                                              1, "schema", schema));
        free(name);
    }
}

static json_t *parameters_of(const struct ta_route *t)
{
    json_t *list = json_array();
    add_places(list, t->path);
    for (const struct ta_parameter *p = t->query; p && p->name; p++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", p->name, "in", "query",
                                              "description", p->what, "schema", "type", p->type));
    return list;
}

static json_t *operation_of(const struct ta_route *t)
{
    json_t *o = json_pack("{s:s, s:o}", "summary", t->summary, "parameters", parameters_of(t));
    if (t->body) {
        json_t *body = content_of(t->body);
        json_object_set_new(body, "required", json_true());
        json_object_set_new(o, "requestBody", body);
    }
    json_t *done = content_of(t->answer), *answers = json_object();
    json_object_set_new(done, "description", json_string("done"));
    json_object_set_new(answers, "2XX", done);
    json_t *refused = json_pack("{s:{s:{s:o}}, s:s}", "content", "application/problem+json", "schema",
                                schema_of("Problem"), "description",
                                "refused: the problem says why (RFC 9457)");
    json_object_set_new(answers, "default", refused);
    if (t->answer && strchr(t->answer, '/')) // bytes that a client may have already
        json_object_set_new(answers, "304", json_pack("{s:s}", "description", "unchanged"));
    json_object_set_new(o, "responses", answers);
    return o;
}

static json_t *paths(void)
{
    json_t *all = json_object();
    for (const struct ta_route *t = ta_routes; t->method; t++) {
        json_t *path = json_object_get(all, t->path);
        if (!path) {
            path = json_object();
            json_object_set_new(all, t->path, path);
        }
        char *method = ta_xstrdup(t->method);
        for (char *c = method; *c; c++)
            *c = (char)(*c | 0x20);
        json_object_set_new(path, method, operation_of(t));
        free(method);
    }
    return all;
}

char *ta_openapi_text(void)
{
    json_t *schemas = NULL;
    ta_yaml_parse(ta_embedded_schemas[0].data, ta_embedded_schemas[0].size, "schemas.yaml", &schemas, NULL,
                  NULL);
    json_t *o = json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o?, s:{s:{s:s, s:s}}}, s:[{s:[]}, {}]}",
                          "openapi", "3.1.0", "info", "title", "TerminalAI", "version", ta_version(),
                          "description", "The queue and the service of TerminalAI.", "paths", paths(),
                          "components", "schemas", schemas, "securitySchemes", "token", "type", "http",
                          "scheme", "bearer", "security", "token");
    char *text = ta_json_text(o);
    json_decref(o);
    return text;
}
