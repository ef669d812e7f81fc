#include "cli/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"

#define DEPTH_MAX 64 // folders in folders; more is a loop of links

bool ta_batch_is_video_name(const char *name)
{
    static const char *const extensions[] = {
        "3g2", "3gp", "asf",   "avi", "divx", "dv",   "dvr-ms", "f4v", "flv",  "m1v",  "m2p", "m2t", "m2ts",
        "m2v", "m4v", "mjpeg", "mkv", "mod",  "mov",  "mp4",    "mpe", "mpeg", "mpg",  "mpv", "mts", "mxf",
        "nut", "ogm", "ogv",   "qt",  "rm",   "rmvb", "tod",    "ts",  "vob",  "webm", "wmv", "wtv", "y4m"};
    const char *extension = ta_path_extension(name);
    for (size_t i = 0; i < TA_COUNT(extensions); i++)
        if (!strcasecmp(extension, extensions[i]))
            return true;
    return false;
}

// "tape.restored.mp4", as an earlier call names its output.
static bool is_own_output(const char *name)
{
    char *stem = ta_path_stem(name);
    bool own = !strcasecmp(ta_path_extension(stem), "restored");
    free(stem);
    return own;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

// --- inputs ---

struct collector {
    struct ta_batch *batch;
    const struct ta_batch_wish *wish;
    const char *folder; // outputs go there; NULL: beside the inputs
    bool several;       // outputs get their names here, so that two of one name are noticed
    struct ta_log *log;
};

static char *output_in(const char *folder, const char *input, const char *extension)
{
    char *stem = ta_path_stem(input), *name = ta_xprintf("%s.restored.%s", stem, extension);
    bool here = !strcmp(folder, ".") && strncmp(input, "./", 2) != 0;
    char *path = here ? ta_xstrdup(name) : ta_path_join(folder, name);
    free(name);
    free(stem);
    return path;
}

char *ta_batch_default_output(const char *input, const char *extension)
{
    char *folder = ta_path_dir(input), *path = output_in(folder, input, extension);
    free(folder);
    return path;
}

// "tape.avi" in a sub-folder "1991" of a searched folder gives "OUT/1991/tape.restored.mp4".
static char *name_output(const struct collector *c, const char *sub, const char *input)
{
    if (!c->folder)
        return c->several ? ta_batch_default_output(input, c->wish->extension) : NULL;
    char *folder = sub ? ta_path_join(c->folder, sub) : ta_xstrdup(c->folder);
    char *path = output_in(folder, input, c->wish->extension);
    free(folder);
    return path;
}

static void add_item(struct collector *c, const char *sub, const char *input)
{
    struct ta_batch *w = c->batch;
    w->items = ta_xrealloc(w->items, (size_t)(w->count + 1) * sizeof(*w->items));
    w->items[w->count++] = (struct ta_batch_item){.input = ta_xstrdup(input),
                                                  .output = name_output(c, sub, input)};
}

// `sub`: path from the operand to here, NULL at the top.
static int add_folder(struct collector *c, const char *path, const char *sub, int depth)
{
    char **names;
    if (depth > DEPTH_MAX) {
        ta_error(c->log, "%s: folders are nested too deep", path);
        return TA_ERR_INVALID;
    }
    int err = ta_dir_list(path, &names, c->log);
    if (err < 0)
        return err;
    err = 0;
    for (char **name = names; *name && !err; name++) {
        char *full = ta_path_join(path, *name);
        if ((*name)[0] == '.') {
            // hidden files, and what cameras and desktops leave behind ("._tape.avi")
        } else if (is_folder(full)) {
            bool own = !strcmp(ta_path_extension(*name), "terminalai") ||
                       (c->folder && ta_path_same_file(full, c->folder));
            char *below = sub ? ta_path_join(sub, *name) : ta_xstrdup(*name);
            if (c->wish->recursive && !own)
                err = add_folder(c, full, below, depth + 1);
            free(below);
        } else if (ta_batch_is_video_name(*name) && !is_own_output(*name)) {
            add_item(c, sub, full);
        }
        free(full);
    }
    ta_dir_list_free(&names);
    return err;
}

static int add_operand(struct collector *c, const char *operand)
{
    if (!is_folder(operand)) {
        add_item(c, NULL, operand);
        return 0;
    }
    int before = c->batch->count;
    int err = add_folder(c, operand, NULL, 0);
    if (!err && c->batch->count == before) {
        ta_error(c->log, "%s: no video files in this folder%s", operand,
                 c->wish->recursive ? "" : " (--recursive looks deeper)");
        c->batch->empty_folders++;
    }
    return err;
}

// --- outputs ---

static int compare_outputs(const void *a, const void *b)
{
    const struct ta_batch_item *const *x = a, *const *y = b;
    return strcmp((*x)->output, (*y)->output);
}

// Two tapes of one name from two folders would overwrite each other; so would a tape.avi and a tape.mov
// beside each other.
static int check_distinct(const struct ta_batch *w, struct ta_log *log)
{
    int err = 0;
    const struct ta_batch_item **sorted = ta_xcalloc((size_t)w->count + 1, sizeof(*sorted));
    int n = 0;
    for (int i = 0; i < w->count; i++)
        if (w->items[i].output)
            sorted[n++] = &w->items[i];
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_outputs);
    for (int i = 1; i < n && !err; i++) {
        if (!strcmp(sorted[i - 1]->output, sorted[i]->output)) {
            ta_error(log, "%s and %s would both become %s; restore them by two calls", sorted[i - 1]->input,
                     sorted[i]->input, sorted[i]->output);
            err = TA_ERR_USAGE;
        }
    }
    free(sorted);
    return err;
}

// Folders of the outputs below the output folder, as the inputs have them.
static int create_parents(const char *base, const char *path, struct ta_log *log)
{
    char *dir = ta_path_dir(path);
    int err = 0;
    if (strcmp(dir, base) && !is_folder(dir)) {
        err = create_parents(base, dir, log);
        if (!err)
            err = ta_dir_create(dir, log);
    }
    free(dir);
    return err;
}

static bool means_folder(const char *output)
{
    size_t length = strlen(output);
    return length && (output[length - 1] == '/' || is_folder(output));
}

int ta_batch_collect(struct ta_batch *out, char *const *operands, int count, const struct ta_batch_wish *wish,
                     struct ta_log *log)
{
    bool several = count > 1 || (count == 1 && is_folder(operands[0]));
    struct collector c = {.batch = out, .wish = wish, .several = several, .log = log};
    char *folder = NULL;
    int err = 0;
    *out = (struct ta_batch){0};
    if (wish->output && !strcmp(wish->output, "-")) {
        if (several) {
            ta_error(log, "standard output takes one input only");
            return TA_ERR_USAGE;
        }
    } else if (wish->output && (several || means_folder(wish->output))) {
        struct stat st;
        if (!stat(wish->output, &st) && !S_ISDIR(st.st_mode)) {
            ta_error(log, "%s: is a file; several inputs need a folder as output", wish->output);
            return TA_ERR_USAGE;
        }
        folder = ta_xstrdup(wish->output);
        for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
            folder[n - 1] = 0;
        c.folder = folder;
    }
    for (int i = 0; i < count && !err; i++)
        err = add_operand(&c, operands[i]);
    if (!err && wish->output && !folder && out->count)
        out->items[0].output = ta_xstrdup(wish->output);
    if (!err)
        err = check_distinct(out, log);
    if (!err && folder && out->count)
        err = ta_dir_create(folder, log);
    for (int i = 0; i < out->count && folder && !err; i++)
        err = create_parents(folder, out->items[i].output, log);
    free(folder);
    if (err < 0)
        ta_batch_release(out);
    return err;
}

void ta_batch_release(struct ta_batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        free(batch->items[i].input);
        free(batch->items[i].output);
    }
    free(batch->items);
    *batch = (struct ta_batch){0};
}
