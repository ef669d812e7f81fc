#include "server/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/words.h"
#include "server/http.h"

enum {
    ID_DIGITS = 32,
    UNFINISHED_MAX = 256,     // at a time
    WHOLE_MAX = 64,           // that are still known once they are whole, by clients that missed the answer
    STREAMS_MAX = 16,         // that arrive at a time
    KEPT_SECONDS = 7 * 86400, // without a change
    FLUSH_BYTES = 8 << 20,    // so that the end does not wait for the disk
    NAME_BYTES = 240,         // with room for a number
    SAME_NAMES_MAX = 10000,
};

struct ta_uploads {
    char *folder, *unfinished; // NULL: none are taken
    int64_t max_bytes;
    struct ta_log *log;
    pthread_mutex_t lock; // guards all below
    struct stream *streams;
    int stream_count;
};

// A body on its way.
struct stream {
    struct ta_uploads *uploads;
    char id[ID_DIGITS + 1];
    int fd;
    int64_t first, at, size, flushed; // where it began, is, must end
    bool replaced;                    // another connection goes on with it
    struct stream *next;
};

// ---- on disk ----

static bool is_id(const char *text)
{
    return strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}

static char *path_of(const struct ta_uploads *u, const char *id, const char *end)
{
    return ta_xprintf("%s/%s.%s", u->unfinished, id, end);
}

static void forget(const struct ta_uploads *u, const char *id)
{
    static const char *const ends[] = {"part", "json", "whole"};
    for (size_t i = 0; i < TA_COUNT(ends); i++) {
        char *path = path_of(u, id, ends[i]);
        unlink(path);
        free(path);
    }
}

// What is known of it: {"name", "size"} and, when it is whole, "path". NULL: there is none.
static json_t *facts_of(const struct ta_uploads *u, const char *id)
{
    static const char *const ends[] = {"whole", "json"};
    json_t *facts = NULL;
    for (size_t i = 0; i < TA_COUNT(ends) && !facts && u->folder && is_id(id); i++) {
        char *path = path_of(u, id, ends[i]);
        if (access(path, F_OK) == 0 && ta_json_load(path, &facts, NULL) < 0)
            facts = NULL;
        free(path);
    }
    if (!json_is_string(json_object_get(facts, "name")) || !json_is_integer(json_object_get(facts, "size"))) {
        json_decref(facts);
        facts = NULL;
    }
    return facts;
}

// One that is whole is known by another name, so that it is none of those that are unfinished.
static int keep_facts(const struct ta_uploads *u, const char *id, const json_t *facts)
{
    bool whole = json_object_get(facts, "path") != NULL;
    char *path = path_of(u, id, whole ? "whole" : "json"), *text = ta_json_text(facts);
    int err = ta_file_write_atomic(path, text, strlen(text), u->log);
    free(text);
    free(path);
    path = path_of(u, id, "json");
    if (!err && whole)
        unlink(path);
    free(path);
    return err;
}

static int64_t bytes_of(const struct ta_uploads *u, const char *id)
{
    struct stat st;
    char *path = path_of(u, id, "part");
    int64_t bytes = stat(path, &st) == 0 ? st.st_size : 0;
    free(path);
    return bytes;
}

// As clients are told; takes `facts`.
static json_t *describe(const struct ta_uploads *u, const char *id, json_t *facts)
{
    bool whole = json_object_get(facts, "path") != NULL;
    json_t *o = json_pack("{s:s}", "id", id);
    json_object_update(o, facts);
    json_object_set_new(o, "state", json_string(whole ? "whole" : "arriving"));
    json_object_set_new(o, "offset",
                        whole ? json_incref(json_object_get(facts, "size")) : json_integer(bytes_of(u, id)));
    json_decref(facts);
    return o;
}

// ---- start ----

// Seconds since the upload changed; of one that is whole, since it has been. Negative: it is none of ours.
static int64_t age_of(const struct ta_uploads *u, const char *name, const char *id, time_t now)
{
    struct stat st, newer;
    char *path = ta_path_join(u->unfinished, name), *data = path_of(u, id, "part");
    int64_t age = is_id(id) && strcmp(ta_path_extension(name), "part") && stat(path, &st) == 0
                      ? TA_MAX((int64_t)(now - st.st_mtime), (int64_t)0)
                      : -1;
    if (age > 0 && stat(data, &newer) == 0)
        age = TA_MIN(age, TA_MAX((int64_t)(now - newer.st_mtime), (int64_t)0));
    free(path);
    free(data);
    return age;
}

struct whole {
    char id[ID_DIGITS + 1];
    int64_t age;
};

static int oldest_first(const void *a, const void *b)
{
    const struct whole *x = a, *y = b;
    return (x->age < y->age) - (x->age > y->age);
}

// Removes what nobody has gone on with, and of those that are whole all but some of the newest; the count of
// those that are unfinished.
static int sweep(const struct ta_uploads *u)
{
    char **names;
    int left = 0, count = ta_dir_list(u->unfinished, &names, u->log), whole_count = 0;
    struct whole *whole = ta_xcalloc((size_t)TA_MAX(count, 1), sizeof(*whole));
    time_t now = time(NULL);
    for (int i = 0; i < count; i++) {
        char *id = ta_path_stem(names[i]);
        int64_t age = age_of(u, names[i], id, now);
        if (age > KEPT_SECONDS) {
            forget(u, id);
        } else if (age >= 0 && strcmp(ta_path_extension(names[i]), "whole")) {
            left++;
        } else if (age >= 0) {
            memcpy(whole[whole_count].id, id, sizeof(whole->id));
            whole[whole_count++].age = age;
        }
        free(id);
    }
    qsort(whole, (size_t)whole_count, sizeof(*whole), oldest_first);
    for (int i = 0; i < whole_count - WHOLE_MAX; i++)
        forget(u, whole[i].id);
    free(whole);
    if (count >= 0)
        ta_dir_list_free(&names);
    return left;
}

// Records of uploads that are whole but still bear the name of those that are not: earlier versions left them
// so, or the end of the service came between the two names.
static void rename_whole(const struct ta_uploads *u)
{
    char **names;
    int count = ta_dir_list(u->unfinished, &names, u->log);
    for (int i = 0; i < count; i++) {
        char *id = ta_path_stem(names[i]), *path = ta_path_join(u->unfinished, names[i]);
        bool begun = is_id(id) && !strcmp(ta_path_extension(names[i]), "json");
        char *whole = begun ? path_of(u, id, "whole") : NULL;
        json_t *facts = NULL;
        if (begun && access(whole, F_OK) == 0)
            unlink(path);
        else if (begun && ta_json_load(path, &facts, NULL) >= 0 && json_object_get(facts, "path"))
            rename(path, whole);
        json_decref(facts);
        free(whole);
        free(path);
        free(id);
    }
    if (count >= 0)
        ta_dir_list_free(&names);
}

int ta_uploads_create(struct ta_uploads **out, const char *folder, int64_t max_bytes, struct ta_log *log)
{
    struct ta_uploads *u = ta_xcalloc(1, sizeof(*u));
    pthread_mutex_init(&u->lock, NULL);
    u->max_bytes = max_bytes;
    u->log = log;
    if (folder) {
        u->folder = ta_xstrdup(folder);
        u->unfinished = ta_path_join(folder, ".unfinished");
        if (access(u->unfinished, F_OK) == 0) { // else it is made with the first upload
            rename_whole(u);
            sweep(u);
        }
    }
    *out = u;
    return 0;
}

void ta_uploads_destroy(struct ta_uploads **u)
{
    if (!*u)
        return;
    pthread_mutex_destroy(&(*u)->lock);
    free((*u)->folder);
    free((*u)->unfinished);
    ta_freep(u);
}

// ---- routes ----

static bool is_taken(struct ta_request *r)
{
    if (!r->uploads->folder)
        ta_request_problem(r, 403, "no-uploads",
                           "no folder for uploads: start the service with --root DIR or --upload-dir DIR");
    return !r->status;
}

static bool check_name(struct ta_request *r, const char *name)
{
    bool plain = name && *name && strlen(name) <= NAME_BYTES && !strchr(name, '/') &&
                 strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (const unsigned char *c = (const unsigned char *)name; plain && *c; c++)
        plain = *c >= ' ' && *c != 0x7f;
    if (!plain)
        ta_request_problem(r, 422, "upload-name",
                           "\"name\" must be the name of a file without folders, at most %d bytes",
                           (int)NAME_BYTES);
    return plain;
}

static bool make_folders(struct ta_request *r)
{
    struct ta_uploads *u = r->uploads;
    int err = ta_dir_create(u->folder, u->log);
    if (err >= 0)
        err = ta_dir_create(u->unfinished, u->log);
    if (err < 0)
        ta_request_problem(r, 503, "upload-folder", "%s: can't be made; the service's log says why",
                           u->folder);
    else if (sweep(u) >= UNFINISHED_MAX)
        ta_request_problem(r, 429, "too-many-uploads", "%d uploads are unfinished already",
                           (int)UNFINISHED_MAX);
    return !r->status;
}

void ta_upload_create(struct ta_request *r)
{
    struct ta_uploads *u = r->uploads;
    const char *name = json_string_value(json_object_get(r->body, "name"));
    const json_t *size = json_object_get(r->body, "size");
    int64_t bytes = json_integer_value(size);
    if (!is_taken(r) || !check_name(r, name))
        return;
    if (!json_is_integer(size) || bytes < 1) {
        ta_request_problem(r, 422, "upload-size", "\"size\" must be how many bytes the file has, 1 or more");
        return;
    }
    char text[TA_BYTES_TEXT];
    if (bytes > u->max_bytes) {
        ta_request_problem(r, 413, "too-large", "a file may have at most %s",
                           ta_bytes_text(u->max_bytes, text));
        ta_request_arg(r, "max", json_integer(u->max_bytes));
        return;
    }
    if (!make_folders(r))
        return;
    if (ta_disk_free_bytes(u->folder) < bytes) {
        ta_request_problem(r, 507, "no-space", "there is no room for %s on the disk",
                           ta_bytes_text(bytes, text));
        return;
    }
    unsigned char random[ID_DIGITS / 2];
    char id[ID_DIGITS + 1];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        ta_request_problem(r, 503, "no-random", "the system gives no random numbers");
        return;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    json_t *facts = json_pack("{s:s, s:I}", "name", name, "size", (json_int_t)bytes);
    if (keep_facts(u, id, facts) < 0) {
        json_decref(facts);
        ta_request_problem(r, 507, "no-space", "the upload can't be noted; the service's log says why");
        return;
    }
    ta_request_reply(r, 201, describe(u, id, facts));
}

static json_t *find(struct ta_request *r)
{
    json_t *facts = facts_of(r->uploads, r->verb);
    if (!facts)
        ta_request_problem(r, 404, "no-such-upload", "there is no upload of this number");
    return facts;
}

void ta_upload_get(struct ta_request *r)
{
    json_t *facts = find(r);
    if (facts)
        ta_request_reply(r, 200, describe(r->uploads, r->verb, facts));
}

// Who goes on with it now does not any more. Under the lock.
static void replace(struct ta_uploads *u, const char *id)
{
    for (struct stream *s = u->streams; s; s = s->next)
        s->replaced = s->replaced || !strcmp(s->id, id);
}

void ta_upload_delete(struct ta_request *r)
{
    struct ta_uploads *u = r->uploads;
    json_t *facts = find(r);
    if (!facts)
        return;
    json_decref(facts);
    pthread_mutex_lock(&u->lock);
    replace(u, r->verb);
    forget(u, r->verb); // perf-ok(io-under-lock): nobody may write to it meanwhile
    pthread_mutex_unlock(&u->lock);
    ta_request_reply(r, 200, json_pack("{s:i}", "removed", 1));
}

// ---- a body ----

static void refuse_offset(struct ta_request *r, int64_t has)
{
    ta_request_problem(r, 409, "other-offset", "the upload has %" PRId64 " bytes: go on from there", has);
    ta_request_arg(r, "offset", json_integer(has));
}

// Opens the file for a body that begins at `offset`.
static void open_stream(struct ta_request *r, struct stream *s, int64_t offset, int64_t length)
{
    struct ta_uploads *u = s->uploads;
    char *path = path_of(u, s->id, "part");
    pthread_mutex_lock(&u->lock);
    replace(u, s->id);
    int64_t has = bytes_of(u, s->id);
    s->first = s->at = s->flushed = offset;
    if (offset != has) {
        refuse_offset(r, has);
    } else if (length > s->size - offset) {
        ta_request_problem(r, 422, "too-many-bytes",
                           "the file has %" PRId64 " bytes, as was said; these are too many", s->size);
    } else if (u->stream_count >= STREAMS_MAX) {
        ta_request_problem(r, 429, "too-many-uploads", "%d uploads arrive already", (int)STREAMS_MAX);
    } else if ((s->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
        ta_request_problem(r, 503, "upload-folder", "the file can't be written: %s",
                           ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    } else {
        s->next = u->streams;
        u->streams = s;
        u->stream_count++;
    }
    pthread_mutex_unlock(&u->lock);
    free(path);
}

void ta_upload_begin(struct ta_request *r)
{
    json_t *facts = find(r);
    int64_t offset = 0;
    const char *stated = ta_request_header(r, "Content-Length");
    int64_t length = stated ? strtoll(stated, NULL, 10) : 0;
    if (facts && json_object_get(facts, "path"))
        ta_request_problem(r, 409, "upload-whole", "the file is whole already");
    if (facts && !r->status && ta_request_number(r, "offset", 0, INT64_MAX, &offset)) {
        struct stream *s = ta_xcalloc(1, sizeof(*s));
        s->uploads = r->uploads;
        memcpy(s->id, r->verb, sizeof(s->id));
        s->fd = -1;
        s->size = json_integer_value(json_object_get(facts, "size"));
        open_stream(r, s, offset, length);
        if (s->fd >= 0)
            r->stream = s;
        else
            free(s);
    }
    json_decref(facts);
}

void ta_upload_take(struct ta_request *r, const char *data, size_t size)
{
    struct stream *s = r->stream;
    struct ta_uploads *u = s->uploads;
    pthread_mutex_lock(&u->lock);
    bool replaced = s->replaced;
    pthread_mutex_unlock(&u->lock);
    if (replaced) {
        ta_request_problem(r, 409, "upload-taken-over", "another connection goes on with this upload");
        return;
    }
    if ((int64_t)size > s->size - s->at) { // it was said to be shorter: none of this body is believed
        if (ftruncate(s->fd, s->first) < 0)
            ta_warn(u->log, "%s/%s.part: can't be cut", u->unfinished, s->id);
        ta_request_problem(r, 422, "too-many-bytes",
                           "the file has %" PRId64 " bytes, as was said; more were sent", s->size);
        return;
    }
    while (size) {
        ssize_t n = pwrite(s->fd, data, size, s->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            bool full = errno == ENOSPC || errno == EDQUOT;
            ta_request_problem(r, full ? 507 : 503, full ? "no-space" : "upload-folder",
                               "the file can't be written: %s",
                               ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
            return;
        }
        data += n;
        size -= (size_t)n;
        s->at += n;
    }
    if (s->at - s->flushed >= FLUSH_BYTES) {
        sync_file_range(s->fd, s->flushed, s->at - s->flushed, SYNC_FILE_RANGE_WRITE);
        s->flushed = s->at;
    }
}

// Gives the whole file its name, or the next that is free; NULL after a refusal.
static char *deliver(struct ta_request *r, const struct stream *s, const char *name)
{
    struct ta_uploads *u = s->uploads;
    char *part = path_of(u, s->id, "part"), *stem = ta_path_stem(name), *path = NULL;
    const char *extension = ta_path_extension(name);
    int err = TA_ERR_EXISTS;
    for (int i = 1; err == TA_ERR_EXISTS && i < SAME_NAMES_MAX; i++) {
        free(path);
        path = i == 1 ? ta_path_join(u->folder, name)
                      : ta_xprintf("%s/%s (%d)%s%s", u->folder, stem, i, *extension ? "." : "", extension);
        err = ta_file_commit_new(part, path, u->log);
    }
    if (err < 0) {
        ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 503, "upload-folder",
                           "the file could not get its name; the service's log says why");
        ta_freep(&path);
    }
    free(stem);
    free(part);
    return path;
}

void ta_upload_end(struct ta_request *r)
{
    struct stream *s = r->stream;
    struct ta_uploads *u = r->uploads;
    json_t *facts = find(r);
    if (!facts)
        return;
    pthread_mutex_lock(&u->lock);
    bool replaced = s->replaced;
    pthread_mutex_unlock(&u->lock);
    if (!replaced && s->at == s->size) {
        char *path = deliver(r, s, json_string_value(json_object_get(facts, "name")));
        if (path) {
            fchmod(s->fd, 0644);
            json_object_set_new(facts, "path", ta_json_any_text(path));
            keep_facts(u, s->id, facts);
        }
        free(path);
    }
    if (r->status)
        json_decref(facts);
    else
        ta_request_reply(r, 200, describe(u, s->id, facts));
}

void ta_upload_drop(void *stream)
{
    struct stream *s = stream, **at;
    struct ta_uploads *u = s->uploads;
    pthread_mutex_lock(&u->lock);
    for (at = &u->streams; *at != s; at = &(*at)->next)
        continue;
    *at = s->next;
    u->stream_count--;
    pthread_mutex_unlock(&u->lock);
    close(s->fd);
    free(s);
}
