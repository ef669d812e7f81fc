#include "jobs/watch_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/options.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "jobs/job.h"
#include "media/parts/name.h"
#include "recipe/options.h"
#include "restore/output.h"

enum { NAMES_MAX = 10000 };

static const struct ta_choice polls[] = {
    {"auto", "on file systems of the network, which do not tell of new files"},
    {"on", NULL},
    {"off", NULL},
    {0},
};

const struct ta_opt ta_watch_options[] = {
    {.name = "path",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_watch_folder, path, char *),
     .help = "the folder, from the root"},
    {.name = "pattern",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_watch_folder, pattern, char *),
     .help =
         "which files: patterns joined by commas, \"*.avi,tape*.mpg\"; without it all videos by their names"},
    {.name = "recursive",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_watch_folder, recursive, bool),
     .def = "on",
     .help = "look into folders in it too; links to folders are not followed"},
    {.name = "existing",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_watch_folder, existing, bool),
     .def = "off",
     .help = "take the files too that are there when the folder is watched for the first time"},
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_watch_folder, output, char *),
     .help = "a folder for the outputs; without it they are made beside the files"},
    {.name = "done",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_watch_folder, done, char *),
     .help = "move files there that are done"},
    {.name = "failed",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_watch_folder, failed, char *),
     .help = "move files there that have failed"},
    {.name = "error-file",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_watch_folder, error_file, bool),
     .def = "on",
     .help = "write why a file has failed beside it: NAME.error.txt"},
    {.name = "batch",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_watch_folder, batch, char *),
     .help = "the name of its jobs' batch; without it the folder's name"},
    {.name = "priority",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_watch_folder, priority, int64_t),
     .def = "0",
     .min = TA_JOB_PRIORITY_MIN,
     .max = TA_JOB_PRIORITY_MAX,
     .help = "of its jobs"},
    {.name = "settle",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_watch_folder, settle, double),
     .def = "3",
     .min = 0.1,
     .max = 86400,
     .unit = "seconds",
     .help =
         "a file is complete when nothing has changed for so long; in a folder that is polled not below interval"},
    {.name = "poll",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_watch_folder, poll, int),
     .def = "auto",
     .choices = polls,
     .help = "look for new files again and again"},
    {.name = "interval",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_watch_folder, interval, double),
     .def = "15",
     .min = 0.1,
     .max = 86400,
     .unit = "seconds",
     .help = "between two looks"},
    {0},
};

void ta_watch_folder_release(struct ta_watch_folder *f)
{
    ta_opt_release(ta_watch_options, f);
    free(f->root);
    free(f->options);
    free(f->extension);
    *f = (struct ta_watch_folder){0};
}

// The options of its jobs: each held against its table, and all together.
static int read_options(struct ta_watch_folder *f, const json_t *wanted, const char *where,
                        const char *config, struct ta_log *log)
{
    struct ta_options *options = NULL;
    const struct ta_recipe_opts *recipe;
    json_t *texts = json_object(), *value;
    const char *key;
    int err = ta_options_create(&options, log);
    if (!err && wanted && !json_is_object(wanted)) {
        ta_error(log, "%s: options must be a group of \"option: value\" lines", where);
        err = TA_ERR_INVALID;
    }
    if (!err)
        err = ta_options_load_config(options, config);
    json_object_foreach((json_t *)wanted, key, value)
    {
        char *text = ta_opt_json_to_text(value);
        int one = text ? ta_options_set(options, TA_LAYER_CALLER, key, text, where) : TA_ERR_INVALID;
        if (!text)
            ta_error(log, "%s: %s must be one value, not a list or a group", where, key);
        err = err < 0 ? err : one;
        json_object_set_new(texts, key, json_string(text ? text : ""));
        free(text);
    }
    if (err >= 0)
        err = ta_options_recipe(options, &recipe, log);
    if (err >= 0) {
        f->options = json_dumps(texts, JSON_COMPACT);
        f->extension = ta_xstrdup(ta_output_extension(options));
    }
    json_decref(texts);
    ta_options_destroy(&options);
    return err < 0 ? err : 0;
}

static int check(const struct ta_watch_folder *f, const char *where, struct ta_log *log)
{
    const char *const folders[] = {f->path, f->output, f->done, f->failed};
    static const char *const names[] = {"path", "output", "done", "failed"};
    for (size_t i = 0; i < TA_COUNT(folders); i++)
        if ((!folders[i] && !i) || (folders[i] && folders[i][0] != '/')) {
            ta_error(log, "%s: %s must be a folder, from the root (/...)", where, names[i]);
            return TA_ERR_INVALID;
        }
    if ((f->done && ta_path_same_file(f->done, f->path)) ||
        (f->failed && ta_path_same_file(f->failed, f->path))) {
        ta_error(log, "%s: done and failed must be other folders than the one that is watched", where);
        return TA_ERR_INVALID;
    }
    return 0;
}

int ta_watch_folder_read(struct ta_watch_folder *out, const json_t *entry, const char *file, const char *path,
                         const struct ta_marks *marks, const char *config, struct ta_log *log)
{
    *out = (struct ta_watch_folder){0};
    ta_opt_defaults(ta_watch_options, out);
    char *where = ta_xprintf("%s:%d", file, ta_marks_line(marks, path));
    json_t *plain = json_is_object(entry) ? json_copy((json_t *)entry) : json_object();
    json_object_del(plain, "options");
    int err = 0;
    if (!json_is_object(entry)) {
        ta_error(log, "%s: an entry of watch is a group of \"name: value\" lines", where);
        err = TA_ERR_FORMAT;
    }
    if (!err)
        err = ta_opt_merge_json(ta_watch_options, out, plain, file, marks, path, log);
    if (!err)
        err = check(out, where, log);
    if (!err)
        err = read_options(out, json_object_get(entry, "options"), where, config, log);
    if (!err)
        out->root = ta_path_absolute(out->path);
    if (!err && !out->batch)
        out->batch = ta_xstrdup(ta_path_name(out->root));
    if (err < 0)
        ta_watch_folder_release(out);
    json_decref(plain);
    free(where);
    return err < 0 ? err : 0;
}

// ---- which ----

// Is it the folder, or in it?
static bool is_below(const char *path, const char *folder)
{
    char *real = ta_path_absolute(folder);
    size_t n = strlen(real);
    bool below = !strncmp(path, real, n) && (!path[n] || path[n] == '/');
    free(real);
    return below;
}

bool ta_watch_wants_folder(const struct ta_watch_folder *f, const char *path)
{
    const char *name = ta_path_name(path), *extension = ta_path_extension(name);
    const char *const own[] = {f->output, f->done, f->failed};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        // The folder itself may be that of the outputs, which have names of their own.
        if (own[i] && is_below(path, own[i]) && !is_below(f->root, own[i]))
            return false;
    return name[0] != '.' && strcmp(extension, "terminalai") != 0;
}

bool ta_watch_wants_file(const struct ta_watch_folder *f, const char *path)
{
    const char *name = ta_path_name(path), *extension = ta_path_extension(name);
    if (name[0] == '.' || ta_name_is_output(name) || strstr(name, ".restored.") ||
        strstr(name, ".error.txt") || !strcmp(extension, "part"))
        return false;
    if (!f->pattern)
        return ta_name_is_video(name);
    bool fits = false;
    for (const char *at = f->pattern; *at && !fits;) {
        size_t n = strcspn(at, ",");
        const char *begin = at + strspn(at, " ");
        char *one = ta_xstrndup(begin, n > (size_t)(begin - at) ? n - (size_t)(begin - at) : 0);
        fits = *one && !fnmatch(one, name, FNM_CASEFOLD);
        free(one);
        at += n + (at[n] == ',');
    }
    return fits;
}

bool ta_watch_is_remote(const char *path)
{
    // NFS, SMB in its three forms, FUSE (sshfs, cloud drives), 9p, AFS, Ceph, CODA, GFS2, OCFS2, Lustre,
    // vboxsf.
    static const unsigned kinds[] = {0x6969,     0x517b,     0xfe534d42, 0xff534d42, 0x65735546,
                                     0x01021997, 0x5346414f, 0x00c36400, 0x73757245, 0x01161970,
                                     0x7461636f, 0x0bd00bd0, 0x786f4256};
    struct statfs s;
    if (statfs(path, &s) < 0)
        return false;
    for (size_t i = 0; i < TA_COUNT(kinds); i++)
        if ((unsigned)s.f_type == kinds[i])
            return true;
    return false;
}

// ---- files ----

int ta_watch_identity(int fd, const struct stat *st, char out[65])
{
    enum { PIECES = 8, EDGE = 64 << 10 };
    struct ta_sha256 *sum = ta_sha256_create();
    char *data = ta_xcalloc(1, EDGE);
    int64_t size = st->st_size;
    int ret = 0;
    ta_sha256_update(sum, &size, sizeof(size));
    // Beginning, end, and pieces in equal distances between; of a small file all of it.
    for (int i = 0; i <= PIECES && ret == 0; i++) {
        int64_t at = size <= EDGE ? 0 : (size - EDGE) / PIECES * i;
        if (i == PIECES && size > EDGE)
            at = size - EDGE;
        ssize_t n;
        while ((n = pread(fd, data, EDGE, at)) < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ret = -1;
        else
            ta_sha256_update(sum, data, (size_t)n);
        if (size <= EDGE)
            break;
    }
    int error = errno;
    ta_sha256_finish(&sum, out);
    free(data);
    errno = error;
    return ret;
}

// The path below `folder` that a file has below the watched one; folders above it are made.
static char *place_below(const struct ta_watch_folder *f, const char *path, const char *folder,
                         struct ta_log *log)
{
    size_t n = strlen(f->root);
    const char *rest = !strncmp(path, f->root, n) && path[n] == '/' ? path + n + 1 : ta_path_name(path);
    char *place = ta_path_join(folder, rest);
    if (ta_dir_create_above(place, 0777, log) < 0)
        ta_freep(&place);
    return place;
}

// The n-th name like this one: the name itself, then "name.2.avi".
static char *numbered(const char *path, const char *ending, int n)
{
    size_t stem = strlen(path) - strlen(ending);
    return n < 2 ? ta_xstrdup(path) : ta_xprintf("%.*s.%d%s", (int)stem, path, n, ending);
}

char *ta_watch_output(const struct ta_watch_folder *f, const char *path,
                      bool (*taken)(void *priv, const char *path), void *priv, struct ta_log *log)
{
    char *base = f->output ? place_below(f, path, f->output, log) : ta_xstrdup(path), *name = NULL;
    if (!base)
        return NULL;
    char *first = ta_name_output(base, f->extension), *ending = ta_xprintf(".%s", f->extension);
    for (int i = 1; i < NAMES_MAX; i++) {
        struct stat st;
        name = numbered(first, ending, i);
        if (lstat(name, &st) < 0 && !taken(priv, name))
            break;
        ta_freep(&name);
    }
    free(ending);
    free(first);
    free(base);
    return name;
}

// Copies a file to a folder of another file system: whole under a temporary name first.
static int copy_over(const char *from, const char *to, struct ta_log *log)
{
    char tag[9], *data = ta_xcalloc(1, 1 << 20);
    ta_file_tag(tag);
    char *part = ta_path_part(to, tag);
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), out = in >= 0 ? ta_file_create(part, log) : -1,
        err = 0;
    ssize_t n = -1;
    while (out >= 0 && !err && (n = read(in, data, 1 << 20)) != 0) {
        ssize_t done = 0, w = 0;
        while (n > 0 && done < n && (w = write(out, data + done, (size_t)(n - done))) > 0)
            done += w;
        err = n < 0 || w < 0 ? ta_error_from_errno(errno) : 0;
    }
    if (in < 0 || out < 0)
        err = TA_ERR_IO;
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) < 0)
        err = TA_ERR_IO;
    if (!err)
        err = ta_file_commit_new(part, to, log);
    if (!err && unlink(from) < 0)
        ta_warn(log, "%s: copied to %s, but can't be removed: %s", from, to,
                ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    if (err < 0)
        unlink(part);
    free(part);
    free(data);
    return err;
}

static bool is_still(const char *path, const char *identity)
{
    struct stat st;
    char now[65] = "";
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ta_watch_identity(fd, &st, now) == 0 &&
              !strcmp(now, identity);
    if (fd >= 0)
        close(fd);
    return is;
}

char *ta_watch_move(const struct ta_watch_folder *f, const char *path, const char *identity,
                    const char *folder, struct ta_log *log)
{
    if (!is_still(path, identity))
        return NULL;
    char *first = place_below(f, path, folder, log), *name = NULL;
    char *ending = ta_xprintf(".%s", ta_path_extension(path));
    int err = first ? TA_ERR_EXISTS : TA_ERR_IO;
    for (int i = 1; err == TA_ERR_EXISTS && i < NAMES_MAX; i++) {
        free(name);
        name = numbered(first, ending, i);
        err = renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE) == 0 ? 0
              : errno == EEXIST                                                ? TA_ERR_EXISTS
                                                                               : TA_ERR_IO;
        if (err == TA_ERR_IO && (errno == EXDEV || errno == EINVAL))
            err = copy_over(path, name, log);
        else if (err == TA_ERR_IO)
            ta_warn(log, "%s: can't be moved to %s: %s", path, name,
                    ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    }
    if (err < 0)
        ta_freep(&name);
    free(ending);
    free(first);
    return name;
}
