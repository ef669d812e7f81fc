#include "cli/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"
#include "restore/output.h"
#include "restore/plan_sound.h"

#define DEPTH_MAX 64   // folders in folders; more is a loop of links
#define NAMED_MAX 12   // names in the line on what is left out
#define SERIES_MAX 999 // files of one film that are looked for

// Any program calls its data .dat: those of Video CDs begin as one of these.
static bool is_other_data(const char *path)
{
    if (strcasecmp(ta_path_extension(path), "dat") != 0)
        return false;
    unsigned char head[12] = {0};
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(head, 1, sizeof(head), f) : 0;
    if (f)
        fclose(f);
    bool video = (!memcmp(head, "RIFF", 4) && !memcmp(head + 8, "CDXA", 4)) ||
                 !memcmp(head, "\0\0\1\xba", 4) || !memcmp(head, "\0\0\1\xb3", 4) || head[0] == 0x47;
    return got == sizeof(head) && !video;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

// --- inputs ---

// What is left out of a folder, for one line.
struct left_out {
    struct ta_buf names;
    int count, folders, outputs;
};

struct collector {
    struct ta_batch *batch;
    const struct ta_batch_wish *wish;
    const char *folder; // outputs go there, and it is not searched; NULL: beside the inputs
    struct left_out left;
    struct ta_buf notes; // lines to be said when all is well
    char **subs;         // of each item: its folder below the operand, "" at the top
    struct ta_log *log;
};

// "x.restored.mp4" for "dir/x.avi", in `folder`; `stem` is what to call it.
static char *output_in(const char *folder, const char *input, const char *stem, const char *extension)
{
    char *name = ta_xprintf("%s.restored.%s", stem, extension);
    bool here = !strcmp(folder, ".") && strncmp(input, "./", 2) != 0;
    char *path = here ? ta_xstrdup(name) : ta_path_join(folder, name);
    free(name);
    return path;
}

// How alike outputs are told apart: not at all, by the input's extension, by its folder too.
enum distinct { BY_STEM, BY_EXTENSION, BY_FOLDER, DISTINCT_COUNT };

static char *stem_for(const char *input, enum distinct by)
{
    char *stem = ta_name_stem(input);
    if (by == BY_STEM || ta_name_is_several(input))
        return stem;
    char *dir = ta_path_dir(input), *absolute = ta_path_absolute(dir), *result;
    if (by == BY_EXTENSION)
        result = ta_xstrdup(ta_path_name(input));
    else
        result = ta_xprintf("%s.%s", ta_path_name(absolute), ta_path_name(input));
    free(stem);
    free(dir);
    free(absolute);
    return result;
}

// "tape.avi" in a sub-folder "1991" of a searched folder gives "OUT/1991/tape.restored.mp4".
static char *name_output(const struct collector *c, int i, enum distinct by)
{
    const char *input = c->batch->items[i].input, *sub = c->subs[i];
    char *stem = stem_for(input, by), *folder;
    if (!c->folder)
        folder = ta_name_dir(input);
    else
        folder = *sub ? ta_path_join(c->folder, sub) : ta_xstrdup(c->folder);
    char *path = output_in(folder, input, stem,
                           c->wish->options ? ta_output_extension_of(c->wish->options, input)
                                            : c->wish->extension);
    free(folder);
    free(stem);
    return path;
}

static void add_item(struct collector *c, const char *sub, const char *input)
{
    struct ta_batch *w = c->batch;
    w->items = ta_xrealloc(w->items, (size_t)(w->count + 1) * sizeof(*w->items));
    c->subs = ta_xrealloc(c->subs, (size_t)(w->count + 1) * sizeof(*c->subs));
    c->subs[w->count] = ta_xstrdup(sub ? sub : "");
    w->items[w->count++] = (struct ta_batch_item){.input = ta_xstrdup(input)};
}

static void leave_out(struct collector *c, const char *sub, const char *name)
{
    char *below = sub ? ta_path_join(sub, name) : ta_xstrdup(name);
    if (c->left.count++ < NAMED_MAX)
        ta_buf_printf(&c->left.names, "%s%s", c->left.count > 1 ? ", " : "", below);
    free(below);
}

// What a run leaves beside its output: "x.restored.mp4.json".
static bool is_own_note(const char *name)
{
    char *stem = ta_path_stem(name);
    bool note = ta_name_is_output(stem);
    free(stem);
    return note;
}

static void note_left_out(struct collector *c, const char *path)
{
    struct left_out *l = &c->left;
    struct ta_buf b = {0};
    if (l->count)
        ta_buf_printf(&b, "%s%s", ta_buf_text(&l->names), l->count > NAMED_MAX ? ", ..." : "");
    if (l->count > NAMED_MAX)
        ta_buf_printf(&b, " (%d files)", l->count);
    if (l->outputs)
        ta_buf_printf(&b, "%s%d %s of earlier calls", b.size ? "; " : "", l->outputs,
                      ta_plural(l->outputs, "output", "outputs"));
    if (l->folders)
        ta_buf_printf(&b, "%s%d %s (--recursive looks into them)", b.size ? "; " : "", l->folders,
                      ta_plural(l->folders, "folder", "folders"));
    if (b.size)
        ta_buf_printf(&c->notes, "%s: left out: %s\n", path, ta_buf_text(&b));
    ta_buf_release(&b);
    ta_buf_release(&l->names);
    *l = (struct left_out){0};
}

static int add_titles(struct collector *c, const char *sub, const char *path)
{
    char **names;
    int count = ta_disc_titles(&names, path, c->log);
    for (int i = 0; i < count; i++)
        add_item(c, sub, names[i]);
    ta_name_files_free(&names);
    if (count == TA_ERR_CANCELED || count == TA_ERR_NOMEM)
        return count;
    c->batch->empty_folders += count < 0; // the others are not lost with it
    return 0;
}

// Is this entry of a folder that is a DVD part of it?
static bool is_of_disc(const char *name)
{
    return ta_disc_has_name(name) || !strcasecmp(name, "VIDEO_TS") || !strcasecmp(name, "AUDIO_TS");
}

static bool wants_sound(const struct collector *c)
{
    return c->wish->options && ta_plan_wants_sound_only(c->wish->options);
}

// Sound files too where sound alone is restored.
static bool takes(const struct collector *c, const char *name)
{
    return ta_name_is_video(name) || (wants_sound(c) && ta_name_is_sound(name));
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
    bool disc = ta_disc_is(path);
    err = disc ? add_titles(c, sub, path) : 0;
    for (char **name = names; *name && !err; name++) {
        char *full = ta_path_join(path, *name);
        if ((*name)[0] == '.') {
            // hidden files, and what cameras and desktops leave behind ("._tape.avi")
        } else if (disc && is_of_disc(*name)) {
            // its titles are taken, its menus left out
        } else if (is_folder(full)) {
            bool own = !strcmp(ta_path_extension(*name), "terminalai") ||
                       (c->folder && ta_path_same_file(full, c->folder));
            char *below = sub ? ta_path_join(sub, *name) : ta_xstrdup(*name);
            if (c->wish->recursive && !own)
                err = add_folder(c, full, below, depth + 1);
            else
                c->left.folders += !own;
            free(below);
        } else if (ta_name_is_output(*name)) {
            c->left.outputs++;
        } else if (takes(c, *name) && !is_other_data(full)) {
            add_item(c, sub, full);
        } else if (!is_own_note(*name)) {
            leave_out(c, sub, *name);
        }
        free(full);
    }
    ta_dir_list_free(&names);
    return err;
}

static int add_operand(struct collector *c, const char *operand)
{
    // "VIDEO_TS.IFO" is the whole disc, "VTS_02_0.IFO" all titles of a set.
    bool described = ta_name_title(operand, NULL) == 0 && ta_disc_has_name(ta_path_name(operand)) &&
                     !access(operand, F_OK);
    if (described)
        return add_titles(c, NULL, operand);
    if (!is_folder(operand)) {
        add_item(c, NULL, operand);
        return 0;
    }
    int before = c->batch->count;
    int err = add_folder(c, operand, NULL, 0);
    note_left_out(c, operand);
    if (!err && c->batch->count == before && !ta_disc_is(operand)) {
        ta_error(c->log, "%s: no %s files in this folder%s", operand,
                 wants_sound(c) ? "sound or video" : "video",
                 c->wish->recursive ? "" : " (--recursive looks deeper)");
        c->batch->empty_folders++;
    }
    return err;
}

// All items become one.
static int join_items(struct collector *c)
{
    struct ta_batch *w = c->batch;
    char **paths = ta_xcalloc((size_t)w->count + 1, sizeof(*paths)), *name = NULL;
    for (int i = 0; i < w->count; i++)
        paths[i] = w->items[i].input;
    int err = 0;
    if (w->count < 2) {
        ta_error(c->log, "--join makes one film of several files: give two or more");
        err = TA_ERR_USAGE;
    } else if (!(name = ta_name_join(paths, w->count))) {
        ta_error(
            c->log,
            "these %d files can't be named together: they are more than %d, or a name can't be part of such a name",
            w->count, TA_NAME_MAX_FILES);
        err = TA_ERR_USAGE;
    } else {
        for (int i = 0; i < w->count; i++)
            free(w->items[i].input);
        w->items[0].input = name;
        for (int i = 1; i < w->count; i++)
            free(c->subs[i]);
        w->count = 1;
    }
    if (err < 0) {
        free(name);
    }
    free(paths);
    return err;
}

// --- outputs ---

struct place {
    const char *output;
    int item;
};

static int compare_outputs(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->output, y->output);
    return order ? order : x->item - y->item;
}

// Marks the items whose outputs have one name; the first pair of them in *a and *b. How many there are.
static int find_alike(const struct ta_batch *w, bool *alike, int *a, int *b)
{
    struct place *sorted = ta_xcalloc((size_t)w->count + 1, sizeof(*sorted));
    int marked = 0;
    for (int i = 0; i < w->count; i++)
        sorted[i] = (struct place){w->items[i].output, i};
    qsort(sorted, (size_t)w->count, sizeof(*sorted), compare_outputs);
    for (int i = 1; i < w->count; i++) {
        if (strcmp(sorted[i - 1].output, sorted[i].output) != 0)
            continue;
        if (!marked) {
            *a = sorted[i - 1].item;
            *b = sorted[i].item;
        }
        marked += !alike[sorted[i - 1].item] + !alike[sorted[i].item];
        alike[sorted[i - 1].item] = alike[sorted[i].item] = true;
    }
    free(sorted);
    return marked;
}

// A tape.avi and a tape.mov beside each other, and two tapes of one name from two folders, would overwrite
// each other.
static int make_distinct(const struct collector *c)
{
    struct ta_batch *w = c->batch;
    bool *alike = ta_xcalloc((size_t)w->count + 1, sizeof(*alike));
    int a = 0, b = 0, marked = find_alike(w, alike, &a, &b);
    for (int by = BY_EXTENSION; marked && by < DISTINCT_COUNT; by++) {
        for (int i = 0; i < w->count; i++) {
            if (!alike[i])
                continue;
            free(w->items[i].output);
            w->items[i].output = name_output(c, i, (enum distinct)by);
        }
        // What was alike keeps its longer name.
        bool *still = ta_xcalloc((size_t)w->count + 1, sizeof(*still));
        marked = find_alike(w, still, &a, &b);
        free(alike);
        alike = still;
    }
    free(alike);
    if (!marked)
        return 0;
    if (ta_name_same(w->items[a].input, w->items[b].input))
        ta_error(c->log, "%s: is given twice", w->items[b].input);
    else
        ta_error(c->log, "%s and %s would both become %s; restore them by two calls", w->items[a].input,
                 w->items[b].input, w->items[a].output);
    return TA_ERR_USAGE;
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

// Where the outputs of several inputs go. *folder is allocated, NULL: beside the inputs.
static int choose_folder(struct collector *c, char **folder)
{
    const char *output = c->wish->output;
    struct stat st;
    if (!strcmp(output, "-")) {
        ta_error(c->log, "standard output takes one input only");
        return TA_ERR_USAGE;
    }
    if (!means_folder(output) && ((!stat(output, &st) && !S_ISDIR(st.st_mode)) || ta_name_is_video(output))) {
        ta_error(
            c->log,
            "%s: is a file; several inputs need a folder as output (\"%s/\"), or --join if they are one film",
            output, output);
        return TA_ERR_USAGE;
    }
    *folder = ta_xstrdup(output);
    for (size_t n = strlen(*folder); n > 1 && (*folder)[n - 1] == '/'; n--)
        (*folder)[n - 1] = 0;
    return 0;
}

// A name that leads to nothing is said before hours are spent on those before it; what is wrong with files
// that are there is found in their turn. The last one is most often meant as the output.
static int check_operands(struct collector *c, char *const *operands, int count)
{
    int missing = 0;
    for (int i = 0; i < count; i++) {
        char **files;
        struct stat st;
        ta_name_files(operands[i], &files);
        for (char **f = files; *f; f++) {
            if (!lstat(*f, &st))
                continue;
            bool output = !c->wish->output && i == count - 1;
            ta_error(c->log, "%s: %s%s%s", *f, errno == ENOENT ? "there is no such file" : strerror(errno),
                     output ? "; if the output is to have this name: -o " : "", output ? *f : "");
            missing++;
        }
        ta_name_files_free(&files);
    }
    return missing ? TA_ERR_NOT_FOUND : 0;
}

static int collect_items(struct collector *c, char *const *operands, int count)
{
    int err = 0;
    for (int i = 0; i < count && !err; i++)
        err = add_operand(c, operands[i]);
    return err || !c->wish->join ? err : join_items(c);
}

int ta_batch_collect(struct ta_batch *out, char *const *operands, int count, const struct ta_batch_wish *wish,
                     struct ta_log *log)
{
    struct collector c = {.batch = out, .wish = wish, .folder = wish->output, .log = log};
    char *folder = NULL;
    *out = (struct ta_batch){0};
    int err = count > 1 && !wish->elsewhere ? check_operands(&c, operands, count) : 0;
    if (!err)
        err = collect_items(&c, operands, count);
    // A DVD with one title is one input.
    bool several = !wish->join &&
                   (count > 1 || out->count > 1 || (is_folder(operands[0]) && !ta_disc_is(operands[0])));
    if (!err && wish->output && (several || (strcmp(wish->output, "-") != 0 && means_folder(wish->output))))
        err = choose_folder(&c, &folder);
    c.folder = folder;
    for (int i = 0; i < out->count && !err; i++) {
        if (folder || several)
            out->items[i].output = name_output(&c, i, BY_STEM);
        else if (wish->output)
            out->items[i].output = ta_xstrdup(wish->output);
    }
    if (!err && several)
        err = make_distinct(&c);
    bool make = folder && out->count && !wish->look &&
                (wish->elsewhere || ta_name_exists(out->items[0].input));
    if (!err && make)
        err = ta_dir_create(folder, log);
    for (int i = 0; i < out->count && make && !err; i++)
        err = create_parents(folder, out->items[i].output, log);
    char *rest = c.notes.data, *line;
    while (!err && (line = strsep(&rest, "\n")) && *line)
        ta_info(log, "%s", line);
    ta_buf_release(&c.notes);
    for (int i = 0; i < out->count; i++)
        free(c.subs[i]);
    free(c.subs);
    free(folder);
    if (err < 0)
        ta_batch_release(out);
    return err;
}

int ta_batch_one(char **source, char *const *operands, int count, bool join, struct ta_log *log)
{
    *source = NULL;
    if (!join && count > 1) {
        if (access(operands[count - 1], F_OK) != 0)
            ta_error(log, "one film at a time: %s is not there; -o names the output: -o %s",
                     operands[count - 1], operands[count - 1]);
        else
            ta_error(log, "one film at a time: give one file, or --join if these %d are one film", count);
        return TA_ERR_USAGE;
    }
    if (!join) {
        *source = ta_xstrdup(operands[0]);
        return 0;
    }
    struct ta_batch batch;
    int err = ta_batch_collect(&batch, operands, count, &(struct ta_batch_wish){.join = true, .look = true},
                               log);
    if (err < 0)
        return err;
    *source = ta_xstrdup(batch.items[0].input);
    ta_batch_release(&batch);
    return 0;
}

static char *file_that_follows(char *const *names, const char *name)
{
    for (char *const *n = names; *n; n++)
        if (ta_name_is_video(*n) && !ta_name_is_output(*n) && ta_name_follows(name, *n))
            return *n;
    return NULL;
}

char *ta_batch_series(const char *path)
{
    char **names, *dir = ta_path_dir(path), *series = NULL;
    const char *at = ta_path_name(path);
    if (ta_name_is_several(path) || is_folder(path) || ta_dir_list(dir, &names, NULL) < 0) {
        free(dir);
        return NULL;
    }
    char **files = ta_xcalloc(SERIES_MAX + 1, sizeof(*files));
    int count = 0;
    for (files[count++] = ta_xstrdup(path); count < SERIES_MAX && (at = file_that_follows(names, at));)
        files[count++] = ta_path_join(dir, at);
    if (count > 1)
        series = ta_name_join(files, count);
    ta_name_files_free(&files);
    ta_dir_list_free(&names);
    free(dir);
    return series;
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
