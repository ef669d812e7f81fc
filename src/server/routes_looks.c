// What a file is, how a plan of it would be, and how it would look. All is asked of processes of their own.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "media/parts/name.h"
#include "server/asker.h"
#include "server/http.h"
#include "server/looks.h"
#include "server/recipe.h"
#include "server/routes.h"

enum { WIDTH_MAX = 8192, THUMBNAIL_MAX = 640, THUMBNAIL = 320, EXCERPT_SECONDS = 10, EXCERPT_MAX = 120 };

// ---- what is asked about ----

// A source as it is now: names, sizes and times of its files.
static char *state_of(const char *source)
{
    struct ta_buf out = {0};
    char **files;
    int count = ta_name_files(source, &files);
    for (int i = 0; i < count; i++) {
        struct stat st = {0};
        if (stat(files[i], &st) < 0)
            st.st_size = -1;
        ta_buf_printf(&out, "%s %lld %lld %ld\n", files[i], (long long)st.st_size,
                      (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
    ta_name_files_free(&files);
    return ta_buf_take(&out);
}

char *ta_look_digest(const char *key)
{
    char hex[TA_SHA256_HEX];
    ta_sha256_hex(key, strlen(key), hex);
    return ta_xstrndup(hex, 32);
}

static void look_at(struct ta_request *r, const char *input)
{
    if (!input || !*input)
        ta_request_problem(r, 422, "no-input", "\"input\" must be the path of a film");
    else if (ta_route_check_source(r, input))
        r->seen = state_of(input);
}

static const char *body_text(const struct ta_request *r, const char *name)
{
    return json_string_value(json_object_get(r->body, name));
}

void ta_look_query(struct ta_request *r)
{
    look_at(r, ta_request_query(r, "input"));
}

void ta_look_body(struct ta_request *r)
{
    const char *output = body_text(r, "output");
    look_at(r, body_text(r, "input"));
    if (!r->status && output && !ta_roots_hold(r, output))
        ta_roots_refuse(r, output);
}

bool ta_look_picture_size(struct ta_request *r, json_t *look)
{
    int64_t width = 0, frame = -1;
    const char *format = ta_request_query(r, "format");
    if (!ta_request_number(r, "width", 16, WIDTH_MAX, &width) ||
        !ta_request_number(r, "frame", 0, INT64_MAX / 4, &frame))
        return false;
    if (format && strcmp(format, "png") && strcmp(format, "jpeg")) {
        ta_request_problem(r, 422, "no-such-format", "format is \"png\" or \"jpeg\"");
        return false;
    }
    json_object_set_new(look, "width", json_integer(width));
    json_object_set_new(look, "jpeg", json_boolean(format && !strcmp(format, "jpeg")));
    if (frame >= 0)
        json_object_set_new(look, "frame", json_integer(frame));
    return true;
}

bool ta_look_side(struct ta_request *r, json_t *look)
{
    const char *side = ta_request_query(r, "side");
    if (side && strcmp(side, "source") && strcmp(side, "result")) {
        ta_request_problem(r, 422, "no-such-side", "side is \"source\" or \"result\"");
        return false;
    }
    json_object_set_new(look, "side", json_string(side ? side : "result"));
    return true;
}

bool ta_look_ask(struct ta_request *r, json_t *look, const char *state, enum ta_ask_line line)
{
    char *text = json_dumps(look, JSON_COMPACT | JSON_SORT_KEYS),
         *key = ta_xprintf("%s\n%s", text ? text : "", state);
    struct ta_question q = {.key = key, .line = line, .look = look, .keep_s = -1};
    bool told = ta_asker_ask(r->asker, r, &q);
    free(key);
    free(text);
    return told;
}

// Asks about a source as it was seen; takes `look`.
static void ask_about(struct ta_request *r, json_t *look, const char *input)
{
    json_object_set_new(look, "input", json_string(input));
    ta_look_ask(r, look, r->seen, TA_ASK_SHORT);
}

// ---- probe, plan, picture ----

void ta_route_probe(struct ta_request *r)
{
    ask_about(r, json_pack("{s:s}", "kind", "probe"), ta_request_query(r, "input"));
}

void ta_route_plan(struct ta_request *r)
{
    struct ta_recipe recipe = {0};
    const json_t *output = json_object_get(r->body, "output"), *options = json_object_get(r->body, "options");
    if ((output && !json_is_string(output)) || (options && !json_is_object(options)))
        ta_request_problem(r, 422, "no-plan",
                           "a plan is of {\"input\": path, \"output\": path, \"options\": {name: value}, "
                           "\"estimate\": true}");
    else if (ta_recipe_read(r, options, &recipe)) {
        json_t *look = json_pack("{s:s, s:O, s:b}", "kind", "plan", "options", recipe.texts, "estimate",
                                 json_is_true(json_object_get(r->body, "estimate")));
        if (output)
            json_object_set(look, "output", (json_t *)output);
        ask_about(r, look, body_text(r, "input"));
    }
    ta_recipe_release(&recipe);
}

// Options in a query: an object of JSON; NULL after a refusal, else a new reference.
static json_t *query_options(struct ta_request *r)
{
    const char *text = ta_request_query(r, "options");
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_object();
    if (json_is_object(o))
        return o;
    json_decref(o);
    ta_request_problem(r, 422, "options", "options must be a JSON object, {\"preset\": \"vhs\"}");
    return NULL;
}

void ta_route_picture(struct ta_request *r)
{
    struct ta_recipe recipe = {0};
    const char *at = ta_request_query(r, "at");
    json_t *options = query_options(r), *look = json_pack("{s:s}", "kind", "picture");
    if (options && ta_recipe_read(r, options, &recipe) && ta_look_side(r, look) &&
        ta_look_picture_size(r, look)) {
        json_object_set(look, "options", recipe.texts);
        if (at)
            json_object_set_new(look, "at", ta_json_any_text(at));
        ask_about(r, json_incref(look), ta_request_query(r, "input"));
    }
    json_decref(look);
    json_decref(options);
    ta_recipe_release(&recipe);
}

// ---- thumbnails ----

static const char placeholder[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 160 120\" width=\"160\" height=\"120\">"
    "<rect width=\"160\" height=\"120\" fill=\"#888\" fill-opacity=\".18\"/>"
    "<path d=\"M66 42v36l30-18z\" fill=\"#888\" fill-opacity=\".5\"/></svg>";

// Makes the folder of what is kept of this kind; the path of a file in it, NULL where nothing can be kept.
static char *place_in(const char *above, const char *kind, const char *name, const char *extension)
{
    char *folder = above ? ta_path_join(above, kind) : NULL, *path = NULL;
    if (folder && access(folder, F_OK) < 0 && ta_dir_create_above(folder, 0700, NULL) >= 0)
        mkdir(folder, 0700);
    if (folder && access(folder, F_OK) == 0)
        path = ta_xprintf("%s/%s.%s", folder, name, extension);
    free(folder);
    return path;
}

static bool reply_kept(struct ta_request *r, const char *path, const char *type)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return false;
    futimens(fd, NULL); // what is looked at stays longest
    r->status = 200;
    r->fd = fd;
    r->file_type = type;
    return true;
}

void ta_route_thumbnail(struct ta_request *r)
{
    const char *input = ta_request_query(r, "input");
    int64_t width = THUMBNAIL, percent = 20;
    if (!ta_request_number(r, "width", 16, THUMBNAIL_MAX, &width) ||
        !ta_request_number(r, "at", 0, 100, &percent))
        return;
    char *key = ta_xprintf("thumbnail %d %d\n%s", (int)width, (int)percent, r->seen),
         *digest = ta_look_digest(key), *path = place_in(r->config->cache, "thumbnails", digest, "jpg");
    if (!reply_kept(r, path, "image/jpeg")) {
        json_t *about = json_pack("{s:s, s:i, s:i}", "input", input, "at", (int)percent, "width", (int)width);
        struct ta_question q = {.key = key,
                                .line = TA_ASK_IDLY,
                                .look = json_pack("{s:s, s:s, s:f, s:i, s:s*}", "kind", "glance", "input",
                                                  input, "place", (double)percent / 100, "width", (int)width,
                                                  "to", path),
                                .keep_s = -1,
                                .event = "thumbnail",
                                .about = about};
        if (!ta_asker_look(r->asker, r, &q)) { // an event says when it is there
            r->status = 200;
            r->blob = ta_blob_static(placeholder, sizeof(placeholder) - 1, "image/svg+xml", "placeholder");
            r->cache = "no-store";
            ta_request_set_header(r, "X-Placeholder", "1");
        }
    }
    free(path);
    free(digest);
    free(key);
}

// ---- excerpts ----

static char *excerpt_path(const struct ta_request *r, const char *id)
{
    return place_in(r->config->state, "excerpts", id, "mp4");
}

static bool is_digest(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static void reply_excerpt(struct ta_request *r, const char *id, const char *state, int status)
{
    ta_request_reply(r, status, json_pack("{s:s, s:s}", "id", id, "state", state));
}

// Begins it, unless it is there or under way.
static void make_excerpt(struct ta_request *r, json_t *look)
{
    char *text = json_dumps(look, JSON_COMPACT | JSON_SORT_KEYS),
         *whole = ta_xprintf("excerpt %s\n%s", text, r->seen), *id = ta_look_digest(whole),
         *path = excerpt_path(r, id), *key = ta_xprintf("excerpt %s", id),
         *report = ta_xprintf("%s.json", path ? path : "");
    if (!path) {
        ta_request_problem(r, 503, "no-folder",
                           "there is no folder for excerpts; the service's log says why");
    } else if (access(path, F_OK) == 0 && access(report, F_OK) == 0) {
        reply_excerpt(r, id, "ready", 200);
    } else {
        json_object_set_new(look, "to", json_string(path));
        struct ta_question q = {.key = key,
                                .line = TA_ASK_LONG,
                                .look = json_incref(look),
                                .keep_s = 1,
                                .event = "excerpt",
                                .about = json_pack("{s:s}", "id", id)};
        if (!ta_asker_look(r->asker, r, &q))
            reply_excerpt(r, id, "working", 202);
        else if (r->status == 200)
            reply_excerpt(r, id, "ready", 200);
    }
    free(report);
    free(key);
    free(path);
    free(id);
    free(whole);
    free(text);
}

void ta_route_excerpt(struct ta_request *r)
{
    struct ta_recipe recipe = {0};
    const char *start = body_text(r, "start"), *layout = body_text(r, "layout");
    const json_t *options = json_object_get(r->body, "options"),
                 *length = json_object_get(r->body, "duration");
    double seconds = length ? json_number_value(length) : EXCERPT_SECONDS;
    if (!(seconds > 0 && seconds <= EXCERPT_MAX))
        ta_request_problem(r, 422, "excerpt-length", "\"duration\" is more than 0 and at most %d seconds",
                           (int)EXCERPT_MAX);
    else if (options && !json_is_object(options))
        ta_request_problem(r, 422, "options", "options must be a JSON object, {\"preset\": \"vhs\"}");
    else if (ta_recipe_read(r, options, &recipe)) {
        json_t *look = json_pack("{s:s, s:s, s:O, s:s, s:f, s:s}", "kind", "excerpt", "input",
                                 body_text(r, "input"), "options", recipe.texts, "start",
                                 start ? start : "25%", "duration", seconds, "layout",
                                 layout ? layout : "side");
        make_excerpt(r, look);
        json_decref(look);
    }
    ta_recipe_release(&recipe);
}

void ta_route_excerpt_get(struct ta_request *r)
{
    char *path = is_digest(r->verb) ? excerpt_path(r, r->verb) : NULL,
         *key = ta_xprintf("excerpt %s", r->verb), *report = ta_xprintf("%s.json", path ? path : "");
    int known = path ? ta_asker_state(r->asker, r, key) : -1;
    if (known == 0)
        reply_excerpt(r, r->verb, "working", 200);
    else if (path && access(path, F_OK) == 0 && access(report, F_OK) == 0)
        reply_excerpt(r, r->verb, "ready", 200);
    else if (known < 0)
        ta_request_problem(r, 404, "no-such-excerpt", "there is no excerpt of this number");
    free(report);
    free(key);
    free(path);
}

void ta_route_excerpt_video(struct ta_request *r)
{
    char *path = is_digest(r->verb) ? excerpt_path(r, r->verb) : NULL;
    if (!reply_kept(r, path, "video/mp4"))
        ta_request_problem(r, 404, "no-such-excerpt", "there is no excerpt of this number");
    free(path);
}

void ta_route_excerpt_delete(struct ta_request *r)
{
    char *path = is_digest(r->verb) ? excerpt_path(r, r->verb) : NULL,
         *key = ta_xprintf("excerpt %s", r->verb), *report = ta_xprintf("%s.json", path ? path : "");
    if (path && ta_asker_cancel(r->asker, key)) {
        reply_excerpt(r, r->verb, "cancelled", 200);
    } else if (path && unlink(path) == 0) {
        unlink(report);
        reply_excerpt(r, r->verb, "removed", 200);
    } else {
        ta_request_problem(r, 404, "no-such-excerpt", "there is no excerpt of this number");
    }
    free(report);
    free(key);
    free(path);
}
