#include "media/parts/name.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"

char *ta_name_join(char *const *paths, int count)
{
    if (count < 1 || count > TA_NAME_MAX_FILES)
        return NULL;
    struct ta_buf b = {0};
    char *dir = ta_path_dir(paths[0]);
    for (int i = 0; i < count; i++) {
        if (count > 1 && strstr(paths[i], TA_NAME_PLUS)) {
            ta_buf_release(&b);
            free(dir);
            return NULL;
        }
        const char *path = paths[i];
        if (i > 0) {
            char *own = ta_path_dir(path);
            ta_buf_puts(&b, TA_NAME_PLUS);
            if (!strcmp(own, dir))
                path = ta_path_name(path);
            else if (!strchr(path, '/'))
                ta_buf_puts(&b, "./"); // here, which is not where the first one is
            free(own);
        }
        ta_buf_puts(&b, path);
    }
    free(dir);
    return ta_buf_take(&b);
}

int ta_name_title(const char *name, char **ifo)
{
    if (ifo)
        *ifo = NULL;
    const char *base = ta_path_name(name), *dot = strrchr(base, '.');
    if (!dot || dot == base || strncasecmp(dot, ".ifo", 4) != 0 || strstr(name, TA_NAME_PLUS))
        return -1;
    int number = 0;
    if (dot[4]) {
        const char *digit = dot + 5;
        if (dot[4] != '#' || *digit < '1' || *digit > '9')
            return -1;
        while (*digit >= '0' && *digit <= '9' && number <= TA_NAME_MAX_TITLE)
            number = 10 * number + (*digit++ - '0');
        if (*digit || number > TA_NAME_MAX_TITLE)
            return -1;
    }
    if (ifo)
        *ifo = ta_xstrndup(name, (size_t)(dot + 4 - name));
    return number;
}

bool ta_name_is_several(const char *name)
{
    return ta_name_title(name, NULL) >= 0 || strstr(name, TA_NAME_PLUS);
}

int ta_name_files(const char *name, char ***files)
{
    char **list = ta_xcalloc(2, sizeof(*list)), *dir = NULL;
    int count = 0;
    if (ta_name_title(name, &list[0]) >= 0) {
        *files = list;
        return 1;
    }
    for (const char *at = name; at;) {
        const char *end = strstr(at, TA_NAME_PLUS);
        char *piece = end ? ta_xstrndup(at, (size_t)(end - at)) : ta_xstrdup(at);
        list = ta_xrealloc(list, (size_t)(count + 2) * sizeof(*list));
        if (!count)
            dir = ta_path_dir(piece);
        bool beside = count && !strchr(piece, '/') && strcmp(dir, ".") != 0;
        list[count++] = beside ? ta_path_join(dir, piece) : ta_xstrdup(piece);
        list[count] = NULL;
        free(piece);
        at = end ? end + strlen(TA_NAME_PLUS) : NULL;
    }
    free(dir);
    *files = list;
    return count;
}

void ta_name_files_free(char ***files)
{
    if (!*files)
        return;
    for (char **f = *files; *f; f++)
        free(*f);
    ta_freep(files);
}

// Each file's path by `change`, and the name of all again.
static char *changed(const char *name, char *(*change)(const char *path, const char *with), const char *with)
{
    if (ta_name_title(name, NULL) >= 0)
        return change(name, with); // the number stays where it is, in the last component
    char **files;
    int count = ta_name_files(name, &files);
    for (int i = 0; i < count; i++) {
        char *path = change(files[i], with);
        free(files[i]);
        files[i] = path;
    }
    char *result = ta_name_join(files, count);
    ta_name_files_free(&files);
    return result ? result : ta_xstrdup(name);
}

static char *from_root(const char *path, const char *with)
{
    (void)with;
    char *dir = ta_path_dir(path), *absolute = ta_path_absolute(dir);
    char *result = ta_path_join(absolute, ta_path_name(path));
    free(dir);
    free(absolute);
    return result;
}

char *ta_name_absolute(const char *name)
{
    return changed(name, from_root, NULL);
}

static char *below(const char *path, const char *folder)
{
    return ta_path_join(folder, path);
}

char *ta_name_below(const char *folder, const char *name)
{
    return changed(name, below, folder);
}

// Number of the title set of "VTS_02_0.IFO" or "VTS_02_1.VOB", else 0.
static int set_of(const char *path)
{
    const char *n = ta_path_name(path);
    bool set = !strncasecmp(n, "VTS_", 4) && isdigit((unsigned char)n[4]) && isdigit((unsigned char)n[5]) &&
               n[6] == '_' && isdigit((unsigned char)n[7]) && n[8] == '.';
    return set ? 10 * (n[4] - '0') + (n[5] - '0') : 0;
}

// The folder of a DVD, for a source on one: that in which VIDEO_TS is. NULL for others.
static char *disc_of(const char *first)
{
    char *dir = ta_path_dir(first), *disc = NULL;
    if (set_of(first) && !strcasecmp(ta_path_name(dir), "VIDEO_TS"))
        disc = ta_path_dir(dir);
    free(dir);
    return disc;
}

static char *first_of(const char *name)
{
    char **files;
    ta_name_files(name, &files);
    char *first = ta_xstrdup(files[0]);
    ta_name_files_free(&files);
    return first;
}

char *ta_name_dir(const char *name)
{
    char *first = first_of(name), *disc = ta_name_is_several(name) ? disc_of(first) : NULL;
    char *dir = disc ? disc : ta_path_dir(first);
    free(first);
    return dir;
}

char *ta_name_stem(const char *name)
{
    char *first = first_of(name), *stem;
    int title = ta_name_title(name, NULL), set = ta_name_is_several(name) ? set_of(first) : 0;
    if (set) {
        char *disc = disc_of(first), *at = disc ? ta_path_absolute(disc) : NULL;
        const char *label = at && *ta_path_name(at) ? ta_path_name(at) : "dvd";
        stem = title > 0 ? ta_xprintf("%s.title%d-%d", label, set, title)
                         : ta_xprintf("%s.title%d", label, set);
        free(disc);
        free(at);
    } else {
        stem = ta_path_stem(first);
    }
    free(first);
    return stem;
}

char *ta_name_output(const char *name, const char *extension)
{
    char *dir = ta_name_dir(name), *stem = ta_name_stem(name);
    char *base = ta_xprintf("%s.restored.%s", stem, extension);
    char *path = !strcmp(dir, ".") && strncmp(name, "./", 2) ? ta_xstrdup(base) : ta_path_join(dir, base);
    free(dir);
    free(stem);
    free(base);
    return path;
}

bool ta_name_exists(const char *name)
{
    char **files;
    bool all = true;
    ta_name_files(name, &files);
    for (char **f = files; *f; f++) {
        struct stat st;
        all = all && stat(*f, &st) == 0 && S_ISREG(st.st_mode);
    }
    ta_name_files_free(&files);
    return all;
}

bool ta_name_same(const char *a, const char *b)
{
    char **x, **y;
    int m = ta_name_files(a, &x), n = ta_name_files(b, &y);
    bool same = m == n && ta_name_title(a, NULL) == ta_name_title(b, NULL);
    for (int i = 0; same && i < n; i++)
        same = ta_path_same_file(x[i], y[i]);
    ta_name_files_free(&x);
    ta_name_files_free(&y);
    return same;
}

bool ta_name_holds(const char *name, const char *path)
{
    char **files;
    bool holds = false;
    ta_name_files(name, &files);
    for (char **f = files; *f && !holds; f++)
        holds = ta_path_same_file(*f, path);
    ta_name_files_free(&files);
    return holds;
}

// --- series ---

static size_t digits_at(const char *s)
{
    size_t n = 0;
    while (isdigit((unsigned char)s[n]))
        n++;
    return n;
}

static bool next_number(const char *a, size_t la, const char *b, size_t lb)
{
    if (!la || !lb || la > 9 || lb > 9)
        return false;
    long x = 0, y = 0;
    for (size_t i = 0; i < la; i++)
        x = 10 * x + (a[i] - '0');
    for (size_t i = 0; i < lb; i++)
        y = 10 * y + (b[i] - '0');
    return y == x + 1;
}

// The chapters of one recording carry their number before that of the recording: "GOPR0017.MP4",
// "GP010017.MP4", "GP020017.MP4"; newer ones "GH010017.MP4", "GX010017.MP4".
static bool follows_gopro(const char *a, const char *b)
{
    if (!strncasecmp(a, "GOPR", 4))
        return digits_at(a + 4) == 4 && !strncasecmp(b, "GP01", 4) && !strcasecmp(a + 4, b + 4);
    return toupper((unsigned char)a[0]) == 'G' && a[1] && strchr("PHXphx", a[1]) && !strncasecmp(a, b, 2) &&
           digits_at(a + 2) == 6 && digits_at(b + 2) == 6 && next_number(a + 2, 2, b + 2, 2) &&
           !strcasecmp(a + 4, b + 4);
}

bool ta_name_follows(const char *a, const char *b)
{
    if (follows_gopro(a, b))
        return true;
    size_t same = 0;
    while (a[same] && a[same] == b[same])
        same++;
    while (same && isdigit((unsigned char)a[same - 1]))
        same--; // the whole number
    size_t da = digits_at(a + same), db = digits_at(b + same);
    if (da && db)
        return next_number(a + same, da, b + same, db) && !strcasecmp(a + same + da, b + same + db);
    // "film.avi", "film.001.avi" or "film_2.avi": the second one gets a number.
    size_t mark = same;
    while (b[mark] && strchr("._- (", b[mark]) && mark < same + 2)
        mark++;
    size_t number = digits_at(b + mark);
    bool apart = mark > same || (same && strchr("._- (", a[same - 1]));
    if (!number || number > 3 || !apart)
        return false;
    const char *tail = b + mark + number;
    if (*tail == ')')
        tail++;
    long v = strtol(b + mark, NULL, 10);
    // What both share may end in the dot before the number.
    const char *rest = same && a[same - 1] == '.' && *tail == '.' ? a + same - 1 : a + same;
    return (v == 1 || v == 2) && !strcasecmp(rest, tail);
}

bool ta_name_is_sound(const char *name)
{
    static const char *const extensions[] = {
        "aac", "ac3", "aif", "aiff", "amr",  "ape", "au",  "caf", "dts", "eac3", "flac", "m4a", "mka",
        "mp2", "mp3", "oga", "ogg",  "opus", "ra",  "spx", "tta", "w64", "wav",  "weba", "wma", "wv"};
    const char *extension = ta_path_extension(name);
    for (size_t i = 0; i < TA_COUNT(extensions); i++)
        if (!strcasecmp(extension, extensions[i]))
            return true;
    return false;
}

bool ta_name_is_video(const char *name)
{
    static const char *const extensions[] = {
        "3g2",  "3gp", "asf",  "avi", "dat", "divx",  "dv",  "dvr-ms", "f4v", "flv", "m1v",
        "m2p",  "m2t", "m2ts", "m2v", "m4v", "mjpeg", "mkv", "mod",    "mov", "mp4", "mpe",
        "mpeg", "mpg", "mpv",  "mts", "mxf", "nut",   "nuv", "ogm",    "ogv", "qt",  "rm",
        "rmvb", "tod", "tp",   "trp", "ts",  "vob",   "vro", "webm",   "wmv", "wtv", "y4m"};
    const char *extension = ta_path_extension(name);
    for (size_t i = 0; i < TA_COUNT(extensions); i++)
        if (!strcasecmp(extension, extensions[i]))
            return true;
    return false;
}

// "tape.restored.mp4", as an earlier call names its output.
bool ta_name_is_output(const char *name)
{
    char *stem = ta_path_stem(name);
    const char *extension = ta_path_extension(stem);
    if (*extension && strspn(extension, "0123456789") == strlen(extension)) { // "tape.restored.2.mp4"
        char *first = ta_path_stem(stem);
        free(stem);
        stem = first;
    }
    bool own = !strcasecmp(ta_path_extension(stem), "restored");
    free(stem);
    return own;
}
