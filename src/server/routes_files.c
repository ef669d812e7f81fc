// What is in the folders that clients may use, and what jobs have made.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "jobs/jobs.h"
#include "media/parts/name.h"
#include "server/http.h"
#include "server/roots.h"
#include "server/routes.h"

enum { ENTRIES_MAX = 20000 };

// ---- folders ----

static json_t *entry_json(const char *name, const struct stat *st)
{
    bool folder = S_ISDIR(st->st_mode);
    return json_pack("{s:s, s:s, s:I, s:I, s:b}", "name", name, "kind", folder ? "folder" : "file", "bytes",
                     folder ? (json_int_t)0 : (json_int_t)st->st_size, "changed_ms",
                     (json_int_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000, "video",
                     !folder && ta_name_is_video(name));
}

// What clients can do nothing with is not shown: pipes, devices, what is hidden, names that no text can hold,
// and links that lead out of the folders.
static bool is_shown(const struct ta_request *r, int fd, const char *folder, const char *name,
                     struct stat *st)
{
    if (name[0] == '.' || !ta_utf8_valid(name) || fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISLNK(st->st_mode)) {
        char *path = ta_path_join(folder, name);
        bool inside = ta_roots_hold(r, path);
        free(path);
        if (!inside || fstatat(fd, name, st, 0) < 0)
            return false;
    }
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

struct found {
    json_t *json;
    const char *name; // of json
    bool folder;
};

// Folders first, then by name as people count: "tape2" before "tape10".
static int by_name(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->folder != y->folder)
        return x->folder ? -1 : 1;
    int order = strverscmp(x->name, y->name);
    return order ? order : strcmp(x->name, y->name);
}

static json_t *list(struct ta_request *r, int fd, const char *folder, bool *more, bool *disc)
{
    DIR *dir = fdopendir(fd);
    struct found *all = ta_xcalloc(ENTRIES_MAX, sizeof(*all));
    size_t count = 0;
    *more = false;
    *disc = !strcasecmp(ta_path_name(folder), "VIDEO_TS");
    for (struct dirent *e; dir && !*more && (e = readdir(dir));) {
        struct stat st;
        if (!is_shown(r, fd, folder, e->d_name, &st))
            continue;
        *more = count == ENTRIES_MAX;
        if (*more)
            break;
        all[count].json = entry_json(e->d_name, &st);
        all[count].name = json_string_value(json_object_get(all[count].json, "name"));
        all[count].folder = S_ISDIR(st.st_mode);
        *disc = *disc || (all[count].folder && !strcasecmp(e->d_name, "VIDEO_TS"));
        count++;
    }
    qsort(all, count, sizeof(*all), by_name);
    json_t *entries = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries, all[i].json);
    free(all);
    if (dir)
        closedir(dir);
    else
        close(fd);
    return entries;
}

static json_t *roots_json(const struct ta_request *r)
{
    json_t *roots = json_array();
    for (int i = 0; i < r->config->root_count; i++)
        json_array_append_new(roots, ta_json_any_text(r->config->roots[i]));
    return roots;
}

void ta_route_files(struct ta_request *r)
{
    const char *path = ta_request_query(r, "path");
    bool more, disc;
    if (!path || !*path) {
        ta_request_reply(r, 200,
                         json_pack("{s:n, s:n, s:[], s:b, s:o}", "path", "parent", "entries", "more", 0,
                                   "roots", roots_json(r)));
        return;
    }
    int fd = ta_roots_open(r, path, true);
    if (fd < 0)
        return;
    char *real = ta_path_absolute(path), *above = ta_path_dir(real);
    bool top = !strcmp(real, "/") || !ta_roots_hold(r, above);
    json_t *entries = list(r, fd, real, &more, &disc);
    json_t *o = json_pack("{s:o, s:o, s:o, s:b, s:o}", "path", ta_json_any_text(real), "parent",
                          top ? json_null() : ta_json_any_text(above), "entries", entries, "more", more,
                          "roots", roots_json(r));
    json_object_set_new(o, "disc", json_boolean(disc));
    ta_request_reply(r, 200, o);
    free(above);
    free(real);
}

// ---- results ----

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {"mp4", "video/mp4"},         {"m4v", "video/mp4"},        {"mov", "video/quicktime"},
        {"webm", "video/webm"},       {"mkv", "video/x-matroska"}, {"avi", "video/x-msvideo"},
        {"json", "application/json"}, {"mp3", "audio/mpeg"},       {"ogg", "audio/ogg"},
        {"opus", "audio/ogg"},        {"m4a", "audio/mp4"},        {"flac", "audio/flac"},
        {"wav", "audio/wav"},
    };
    for (size_t i = 0; i < TA_COUNT(types); i++)
        if (!strcasecmp(types[i][0], ta_path_extension(path)))
            return types[i][1];
    return "application/octet-stream";
}

void ta_route_result(struct ta_request *r)
{
    struct ta_job *job = ta_route_find_job(r);
    const char *shown = ta_request_query(r, "show");
    if (!job)
        return;
    if (job->state != TA_JOB_DONE) {
        ta_request_problem(r, 409, "not-done", "job %" PRId64 " is %s: there is no result yet", job->id,
                           ta_job_state_name(job->state));
        ta_request_arg(r, "state", json_string(ta_job_state_name(job->state)));
    } else {
        r->fd = ta_roots_open(r, job->output, false);
    }
    if (!r->status) {
        r->status = 200;
        r->file_type = type_of(job->output);
        r->file_name = shown ? NULL : ta_xstrdup(ta_path_name(job->output));
    }
    ta_job_unref(&job);
}
