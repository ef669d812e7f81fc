#include "restore/work_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "restore/task_kind.h"

enum {
    NAME_KEPT = 180, // bytes of the output's name in NAME-HASH.terminalai
    HASH_DIGITS = 12,
};

// ---- names ----

// NAME-HASH.terminalai; the hash is of the whole path, so that outputs of the same name in different folders
// do not share one.
static char *hashed_name(const char *output, int most)
{
    char *absolute = ta_path_absolute(output), sum[TA_SHA256_HEX];
    const char *name = ta_path_name(output);
    ta_sha256_hex(absolute, strlen(absolute), sum);
    free(absolute);
    size_t keep = (size_t)TA_MIN(NAME_KEPT, most - HASH_DIGITS - (int)sizeof TA_WORK_SUFFIX);
    size_t whole = strlen(name);
    keep = TA_MIN(keep, whole);
    while (keep > 0 && keep < whole && ((unsigned char)name[keep] & 0xC0) == 0x80)
        keep--; // not in the middle of a character
    return ta_xprintf("%.*s-%.*s%s", (int)keep, name, HASH_DIGITS, sum, TA_WORK_SUFFIX);
}

char *ta_work_path_of(const char *output, const char *work_dir)
{
    char *dir = work_dir && work_dir[0] ? ta_xstrdup(work_dir) : ta_path_dir(output);
    int most = ta_path_name_max(dir);
    bool beside = !work_dir || !work_dir[0];
    char *path;
    if (beside && strlen(ta_path_name(output)) + strlen(TA_WORK_SUFFIX) <= (size_t)most) {
        path = ta_xprintf("%s%s", output, TA_WORK_SUFFIX);
    } else {
        char *name = hashed_name(output, most);
        path = ta_path_join(dir, name);
        free(name);
    }
    free(dir);
    return path;
}

void ta_work_remove_part(const char *output, const char *tag)
{
    struct stat st;
    if (!ta_path_is_tag(tag))
        return;
    char *part = ta_path_part(output, tag);
    if (lstat(part, &st) == 0 && S_ISREG(st.st_mode))
        unlink(part);
    free(part);
}

char *ta_work_joined_name(const char *tag)
{
    return ta_xprintf("joined.%s.part", tag);
}

// "FIRST...LAST", with something between?
static bool is_between(const char *name, const char *first, const char *last)
{
    size_t n = strlen(name), m = strlen(last);
    return n > strlen(first) + m && !strncmp(name, first, strlen(first)) && !strcmp(name + n - m, last);
}

// Sound that is read ahead: the name is taken away as soon as the file is open.
static bool is_sound_name(const char *name)
{
    static const char start[] = "packets-";
    return !strncmp(name, start, sizeof start - 1) && strlen(name) == sizeof start - 1 + 6;
}

bool ta_work_is_own_name(const char *name)
{
    static const char *const fixed[] = {"plan.json", "index.bin", "survey.json", "journal.jsonl", "run.json"};
    for (size_t i = 0; i < TA_COUNT(fixed); i++)
        if (!strcmp(name, fixed[i]))
            return true;
    return ta_task_is_file(name, false, NULL) || ta_task_is_file(name, true, NULL) || is_sound_name(name) ||
           is_between(name, "joined.", ".part") ||
           is_between(name, ".ta-", ".tmp"); // of atomic writes that were killed
}

int ta_work_find_foreign(const struct ta_folder *f, char **out, struct ta_log *log)
{
    char **names = NULL;
    *out = NULL;
    int err = ta_folder_list(f, &names, log);
    for (char **n = names; err >= 0 && *n && !*out; n++)
        if (!ta_work_is_own_name(*n))
            *out = ta_xstrdup(*n);
    ta_dir_list_free(&names);
    return err < 0 ? err : 0;
}

// ---- sizes ----

int64_t ta_work_disk_bytes(const char *dir)
{
    char **names = NULL;
    int64_t sum = 0;
    if (ta_dir_list(dir, &names, NULL) < 0)
        return 0;
    for (char **n = names; *n; n++) {
        char *path = ta_path_join(dir, *n);
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            sum += st.st_size;
        free(path);
    }
    ta_dir_list_free(&names);
    return sum;
}

int64_t ta_work_pool_bytes(const char *root, const char *except)
{
    char **names = NULL;
    int64_t sum = 0;
    if (ta_dir_list(root, &names, NULL) < 0)
        return 0;
    for (char **n = names; *n; n++) {
        size_t length = strlen(*n), suffix = strlen(TA_WORK_SUFFIX);
        if (length <= suffix || strcmp(*n + length - suffix, TA_WORK_SUFFIX) ||
            (except && !strcmp(*n, except)))
            continue;
        char *path = ta_path_join(root, *n);
        sum += ta_work_disk_bytes(path);
        free(path);
    }
    ta_dir_list_free(&names);
    return sum;
}

// ---- removal ----

void ta_work_remove_parts(const struct ta_folder *f)
{
    char **names = NULL;
    if (ta_folder_list(f, &names, NULL) < 0)
        return;
    for (char **n = names; *n; n++) {
        bool half = !strcmp(ta_path_extension(*n), "part") || is_between(*n, ".ta-", ".tmp") ||
                    is_sound_name(*n);
        if (half && ta_work_is_own_name(*n))
            ta_folder_unlink(f, *n);
    }
    ta_dir_list_free(&names);
}

bool ta_work_empty(const struct ta_folder *f, struct ta_log *log)
{
    static const char *const last[] = {"plan.json", "journal.jsonl"};
    char **names = NULL, *foreign = NULL;
    if (ta_folder_list(f, &names, log) < 0)
        return false;
    for (char **n = names; *n; n++) {
        if (!ta_work_is_own_name(*n))
            foreign = foreign ? foreign : *n;
        else if (strcmp(*n, last[0]) && strcmp(*n, last[1]))
            ta_folder_unlink(f, *n);
    }
    for (size_t i = 0; i < TA_COUNT(last); i++)
        ta_folder_unlink(f, last[i]);
    if (foreign)
        ta_info(log, "%s stays: it holds \"%s\", which no run makes", f->path, foreign);
    bool empty = !foreign;
    ta_dir_list_free(&names);
    return empty;
}

void ta_work_remove(const struct ta_folder *f, struct ta_log *log)
{
    if (ta_work_empty(f, log) && rmdir(f->path) < 0 && errno != ENOENT) // only what is empty
        ta_problem_at(log, TA_PROBLEM_WORK_NOT_REMOVED, &(struct ta_problem_about){.file = f->path},
                      "%s: can't be removed: %s", f->path, strerror(errno));
}
