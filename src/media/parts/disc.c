#include "media/parts/disc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/words.h"
#include "media/parts/name.h"

enum { MAX_VOBS = 9, MAX_SETS = 99 };

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

// "VTS_02_1.VOB" has set 2 and part 1; false for other names.
static bool parse_name(const char *name, int *set, int *part)
{
    if (strncasecmp(name, "VTS_", 4) != 0 || strlen(name) != 12 || name[6] != '_' || name[8] != '.')
        return false;
    if (!isdigit((unsigned char)name[4]) || !isdigit((unsigned char)name[5]) ||
        !isdigit((unsigned char)name[7]))
        return false;
    *set = 10 * (name[4] - '0') + (name[5] - '0');
    *part = name[7] - '0';
    return *set >= 1;
}

static bool has_extension(const char *name, const char *extension)
{
    return !strcasecmp(ta_path_extension(name), extension);
}

bool ta_disc_has_name(const char *name)
{
    int set, part;
    bool disc = has_extension(name, "IFO") || has_extension(name, "BUP") || has_extension(name, "VOB");
    return disc && (parse_name(name, &set, &part) || !strncasecmp(name, "VIDEO_TS.", 9));
}

// The folder that holds the title sets, for a DVD's folder or that one itself; NULL when it is none.
static char *find_folder(const char *path)
{
    char **names, *found = NULL;
    bool sets = false;
    if (!is_folder(path) || ta_dir_list(path, &names, NULL) < 0)
        return NULL;
    for (char **n = names; *n && !found; n++) {
        int set, part;
        sets |= parse_name(*n, &set, &part) && (part > 0 || has_extension(*n, "IFO"));
        char *below = ta_path_join(path, *n);
        if (!strcasecmp(*n, "VIDEO_TS") && is_folder(below))
            found = ta_xstrdup(below);
        free(below);
    }
    ta_dir_list_free(&names);
    if (!found && sets)
        found = ta_xstrdup(path);
    return found;
}

bool ta_disc_is(const char *folder)
{
    char *found = find_folder(folder);
    free(found);
    return found != NULL;
}

// The file of that name in the folder, whatever the case of its letters; NULL when there is none.
static char *find_file(const char *folder, const char *wanted)
{
    char **names, *found = NULL;
    if (ta_dir_list(folder, &names, NULL) < 0)
        return NULL;
    for (char **n = names; *n && !found; n++)
        if (!strcasecmp(*n, wanted))
            found = ta_path_join(folder, *n);
    ta_dir_list_free(&names);
    return found;
}

static char *find_part(const char *folder, int set, int part, const char *extension)
{
    char name[32];
    snprintf(name, sizeof(name), "VTS_%02d_%d.%s", set, part, extension);
    return find_file(folder, name);
}

// --- reading the .IFO ---

static int read_ifo(struct ta_ifo **out, const char *path, struct ta_log *log)
{
    struct ta_buf data = {0};
    *out = NULL;
    int err = ta_file_read(path, TA_IFO_MAX_BYTES, &data, log);
    if (err >= 0)
        err = ta_ifo_parse(out, ta_buf_text(&data), data.size, path, log);
    ta_buf_release(&data);
    return err;
}

// The copy that each disc has of its .IFO.
static char *backup_of(const char *path)
{
    char *dir = ta_path_dir(path), *stem = ta_path_stem(path), *name = ta_xprintf("%s.BUP", stem);
    char *found = find_file(dir, name);
    free(dir);
    free(stem);
    free(name);
    return found;
}

static int read_set(struct ta_ifo **out, const char *path, struct ta_log *log)
{
    if (read_ifo(out, path, NULL) >= 0)
        return 0;
    char *backup = backup_of(path);
    int err = backup ? read_ifo(out, backup, NULL) : TA_ERR_NOT_FOUND;
    free(backup);
    return err >= 0 ? 0 : read_ifo(out, path, log);
}

static int count_titles(const struct ta_ifo *ifo, int *only)
{
    int count = 0;
    for (int i = 0; i < ifo->title_count; i++) {
        if (!ifo->titles[i].run_count)
            continue;
        *only = i + 1;
        count++;
    }
    return count;
}

// --- recorders ---

bool ta_disc_is_vro(const char *name)
{
    return has_extension(name, "VRO");
}

struct ta_recorder *ta_recorder_beside(const char *vro, char **why)
{
    static const char *const names[] = {"VR_MANGR.IFO", "VR_MANGR.BUP"};
    struct ta_recorder *r = NULL;
    char *dir = ta_path_dir(vro);
    *why = NULL;
    for (size_t i = 0; i < TA_COUNT(names) && !r && ta_disc_is_vro(vro); i++) {
        char *path = find_file(dir, names[i]);
        struct ta_buf data = {0}, reason = {0};
        if (path && ta_file_read(path, TA_IFO_MAX_BYTES, &data, NULL) < 0)
            ta_buf_puts(&reason, "it can't be opened");
        else if (path)
            ta_recorder_parse(&r, ta_buf_text(&data), data.size, &reason);
        if (reason.size && !*why)
            *why = ta_xprintf("%s: %s", ta_path_name(path), ta_buf_text(&reason));
        ta_buf_release(&data);
        ta_buf_release(&reason);
        free(path);
    }
    free(dir);
    if (r)
        ta_freep(why);
    return r;
}

// --- a title ---

static void add_file(struct ta_title *t, char *path)
{
    t->files = ta_xrealloc(t->files, (size_t)(t->file_count + 2) * sizeof(*t->files));
    t->files[t->file_count++] = path;
    t->files[t->file_count] = NULL;
}

static int find_vobs(struct ta_title *t, const char *ifo, struct ta_log *log)
{
    int set, part;
    char *dir = ta_path_dir(ifo);
    int err = parse_name(ta_path_name(ifo), &set, &part) ? 0 : TA_ERR_FORMAT;
    for (int k = 1, missing = 0; k <= MAX_VOBS && err >= 0; k++) {
        char *vob = find_part(dir, set, k, "VOB");
        if (vob && missing) {
            ta_error(log, "%s: VTS_%02d_%d.VOB of its title set is missing", ifo, set, missing);
            err = TA_ERR_NOT_FOUND;
            free(vob);
        } else if (vob) {
            add_file(t, vob);
        } else if (!missing) {
            missing = k;
        }
    }
    if (err >= 0 && t->file_count < 2) {
        ta_error(log, "%s: there is no .VOB file of its title set beside it", ifo);
        err = TA_ERR_NOT_FOUND;
    }
    free(dir);
    return err;
}

// From sectors of the title set to bytes of its files.
static int map_runs(struct ta_title *t, struct ta_log *log)
{
    int vobs = t->file_count - 1;
    int64_t *sizes = ta_xcalloc((size_t)vobs, sizeof(*sizes)), all = 0;
    for (int k = 0; k < vobs; k++) {
        struct stat st;
        sizes[k] = stat(t->files[k + 1], &st) == 0 ? st.st_size / TA_IFO_SECTOR * TA_IFO_SECTOR : 0;
        all += sizes[k];
    }
    t->extents = ta_xcalloc((size_t)t->title->run_count * MAX_VOBS + 1, sizeof(*t->extents));
    for (int i = 0; i < t->title->run_count; i++) {
        int64_t from = (int64_t)t->title->runs[i].first * TA_IFO_SECTOR,
                to = ((int64_t)t->title->runs[i].last + 1) * TA_IFO_SECTOR, start = 0;
        t->missing += to - TA_MAX(from, TA_MIN(to, all));
        for (int k = 0; k < vobs; start += sizes[k++]) {
            int64_t a = TA_MAX(from, start), b = TA_MIN(to, start + sizes[k]);
            if (a >= b)
                continue;
            t->extents[t->extent_count++] = (struct ta_extent){k, a - start, b - a};
            t->bytes += b - a;
        }
    }
    free(sizes);
    if (t->bytes)
        return 0;
    ta_error(log, "%s: nothing of this title is in the .VOB files beside it", t->files[0]);
    return TA_ERR_DAMAGED;
}

static int choose_title(struct ta_title *t, const char *name, int number, struct ta_log *log)
{
    int only = 0, count = count_titles(t->ifo, &only);
    if (!number && count > 1) {
        ta_error(log, "%s: holds %d titles; name one of them: \"%s#%d\"", name, count, name, only);
        return TA_ERR_INVALID;
    }
    number = number ? number : only;
    if (number > t->ifo->title_count || !t->ifo->titles[number - 1].run_count) {
        ta_error(log, "%s: there is no title %d in this title set", name, number);
        return TA_ERR_NOT_FOUND;
    }
    t->title = &t->ifo->titles[number - 1];
    return 0;
}

int ta_title_load(struct ta_title **out, const char *name, struct ta_log *log)
{
    char *ifo;
    int number = ta_name_title(name, &ifo);
    *out = NULL;
    ta_require(log, number >= 0, TA_ERR_INVALID);
    struct ta_title *t = ta_xcalloc(1, sizeof(*t));
    add_file(t, ifo);
    int set, part, err = 0;
    if (!strncasecmp(ta_path_name(ifo), "VR_MANGR.", 9)) {
        ta_error(log,
                 "%s: this is a recorder's list of what VR_MOVIE.VRO holds: name that file, "
                 "which has a chapter for each recording then",
                 ifo);
        err = TA_ERR_UNSUPPORTED;
    } else if (!parse_name(ta_path_name(ifo), &set, &part) || part) {
        ta_error(log, "%s: this is not the description of a title set of a DVD (VTS_01_0.IFO)", ifo);
        err = TA_ERR_FORMAT;
    }
    if (err >= 0)
        err = read_set(&t->ifo, ifo, log);
    if (err >= 0)
        err = choose_title(t, name, number, log);
    if (err >= 0)
        err = find_vobs(t, ifo, log);
    if (err >= 0)
        err = map_runs(t, log);
    if (err < 0)
        ta_title_destroy(&t);
    *out = t;
    return err;
}

void ta_title_destroy(struct ta_title **t)
{
    if (!*t)
        return;
    ta_ifo_destroy(&(*t)->ifo);
    ta_name_files_free(&(*t)->files);
    free((*t)->extents);
    ta_freep(t);
}

// --- the titles of a disc ---

struct titles {
    const char *folder;
    char **names;
    int count;
    int same; // titles that are made of the cells of another one
    struct ta_ifo *sets[MAX_SETS + 1];
    bool by_name[MAX_SETS + 1]; // its .IFO is not readable
    struct ta_log *log;
};

static void add_name(struct titles *t, char *name)
{
    t->names = ta_xrealloc(t->names, (size_t)(t->count + 2) * sizeof(*t->names));
    t->names[t->count++] = name;
    t->names[t->count] = NULL;
}

static bool same_title(const struct ta_ifo_title *a, const struct ta_ifo_title *b)
{
    return a->run_count == b->run_count && !memcmp(a->runs, b->runs, (size_t)a->run_count * sizeof(*a->runs));
}

static void add_title(struct titles *t, int set, int number)
{
    const struct ta_ifo *ifo = t->sets[set];
    int only = 0, count = count_titles(ifo, &only);
    if (number < 1 || number > ifo->title_count || !ifo->titles[number - 1].run_count)
        return;
    for (int i = 0; i < number - 1; i++) {
        if (!same_title(&ifo->titles[i], &ifo->titles[number - 1]))
            continue;
        t->same++;
        return;
    }
    char *path = find_part(t->folder, set, 0, "IFO");
    if (!path) // only its copy is there
        path = ta_xprintf("%s/VTS_%02d_0.IFO", t->folder, set);
    add_name(t, count > 1 ? ta_xprintf("%s#%d", path, number) : ta_xstrdup(path));
    free(path);
}

// The last .VOB file with pictures of a set; 0: none.
static int last_part(const char *folder, int set)
{
    int last = 0;
    for (int k = 1; k <= MAX_VOBS; k++) {
        char *vob = find_part(folder, set, k, "VOB");
        last = vob ? k : last;
        free(vob);
    }
    return last;
}

// A set whose .IFO is not readable: its files, one behind the other. One that is missing is named too, so
// that it is missed.
static void add_by_name(struct titles *t, int set)
{
    char *vobs[MAX_VOBS] = {0};
    int count = last_part(t->folder, set);
    for (int k = 0; k < count; k++) {
        vobs[k] = find_part(t->folder, set, k + 1, "VOB");
        if (!vobs[k])
            vobs[k] = ta_xprintf("%s/VTS_%02d_%d.VOB", t->folder, set, k + 1);
    }
    ta_info(t->log,
            "%s: what VTS_%02d_0.IFO says can't be read: the files of this title set are taken as one title",
            t->folder, set);
    add_name(t, ta_name_join(vobs, count));
    for (int k = 0; k < count; k++)
        free(vobs[k]);
}

static void read_sets(struct titles *t, int only)
{
    for (int set = 1; set <= MAX_SETS; set++) {
        if (only && set != only)
            continue;
        if (!last_part(t->folder, set))
            continue;
        char *ifo = find_part(t->folder, set, 0, "IFO");
        if (!ifo) // its copy may be there
            ifo = ta_xprintf("%s/VTS_%02d_0.IFO", t->folder, set);
        t->by_name[set] = read_set(&t->sets[set], ifo, NULL) < 0;
        free(ifo);
    }
}

// The order of the disc's own list, then what that does not name.
static void list_titles(struct titles *t)
{
    struct ta_ifo_entry entries[TA_IFO_MAX_TITLES];
    struct ta_buf data = {0};
    static const char *const names[] = {"VIDEO_TS.IFO", "VIDEO_TS.BUP"};
    bool listed[MAX_SETS + 1] = {false};
    int count = 0;
    for (size_t i = 0; i < TA_COUNT(names) && count <= 0; i++) {
        char *path = find_file(t->folder, names[i]);
        ta_buf_clear(&data);
        if (path && ta_file_read(path, TA_IFO_MAX_BYTES, &data, NULL) >= 0)
            count = ta_ifo_parse_disc(entries, ta_buf_text(&data), data.size, path, NULL);
        free(path);
    }
    ta_buf_release(&data);
    for (int i = 0; i < count; i++) {
        int set = entries[i].set;
        if (t->sets[set])
            add_title(t, set, entries[i].title);
        else if (t->by_name[set] && !listed[set])
            add_by_name(t, set);
        listed[set] = true;
    }
    for (int set = 1; set <= MAX_SETS; set++) {
        for (int k = 1; t->sets[set] && !listed[set] && k <= t->sets[set]->title_count; k++)
            add_title(t, set, k);
        if (t->by_name[set] && !listed[set])
            add_by_name(t, set);
    }
}

int ta_disc_titles(char ***names, const char *path, struct ta_log *log)
{
    *names = NULL;
    int set = 0, part = 0;
    bool one_set = parse_name(ta_path_name(path), &set, &part) && has_extension(path, "IFO") && !part;
    char *dir = ta_path_dir(path), *folder = is_folder(path) ? find_folder(path) : find_folder(dir);
    free(dir);
    if (!folder) {
        ta_error(log, "%s: no DVD is in it", path);
        return TA_ERR_NOT_FOUND;
    }
    struct titles t = {.folder = folder, .log = log};
    read_sets(&t, one_set && !is_folder(path) ? set : 0);
    list_titles(&t);
    if (t.same)
        ta_info(log, "%s: %d %s the same as another one and left out", folder, t.same,
                ta_plural(t.same, "title is", "titles are"));
    for (int k = 0; k <= MAX_SETS; k++)
        ta_ifo_destroy(&t.sets[k]);
    *names = t.names;
    int count = t.count;
    if (!count) {
        ta_error(log, "%s: no title is on this DVD", folder);
        count = TA_ERR_NOT_FOUND;
    }
    free(folder);
    return count;
}
