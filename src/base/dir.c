#include "base/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

int ta_dir_create_above(const char *path, mode_t mode, struct ta_log *log)
{
    char *dir = ta_xstrdup(path);
    int err = 0;
    for (char *slash = strchr(dir + 1, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
        struct stat st;
        *slash = '\0';
        if (stat(dir, &st) < 0 && mkdir(dir, mode) < 0 && errno != EEXIST)
            err = ta_fail_errno(log, dir, "create the folder");
        *slash = '/';
    }
    free(dir);
    return err;
}

int ta_dir_create(const char *path, struct ta_log *log)
{
    if (!mkdir(path, 0777))
        return 0;
    if (errno != EEXIST)
        return ta_fail_errno(log, path, "create the folder");
    struct stat st;
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        return 0;
    ta_error(log, "%s: can't create the folder: something else has this name", path);
    return TA_ERR_EXISTS;
}

int ta_dir_remove(const char *path, struct ta_log *log)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : ta_fail_errno(log, path, "remove the folder");
    if (!S_ISDIR(st.st_mode)) { // nor a link to one: what it points at belongs to somebody else
        ta_error(log, "%s: can't remove the folder: not a folder", path);
        return TA_ERR_INVALID;
    }
    char **names;
    int count = ta_dir_list(path, &names, log);
    if (count < 0)
        return count;
    int ret = 0;
    // Two passes, so that a folder with sub-folders keeps its files.
    for (int pass = 0; pass < 2 && !ret; pass++) {
        for (int i = 0; i < count && !ret; i++) {
            char *file = ta_path_join(path, names[i]);
            if (pass == 0 && !lstat(file, &st) && S_ISDIR(st.st_mode)) {
                ta_error(log, "%s: can't remove the folder: it holds the folder \"%s\"", path, names[i]);
                ret = TA_ERR_EXISTS;
            } else if (pass == 1 && unlink(file) < 0 && errno != ENOENT) {
                ret = ta_fail_errno(log, file, "remove");
            }
            free(file);
        }
    }
    ta_dir_list_free(&names);
    if (!ret && rmdir(path) < 0 && errno != ENOENT)
        ret = ta_fail_errno(log, path, "remove the folder");
    return ret;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    remove(path); // what can't go stays
    return 0;
}

void ta_dir_remove_all(const char *path)
{
    enum { DESCRIPTORS = 16 };
    nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int ta_dir_list(const char *path, char ***names, struct ta_log *log)
{
    int fd;
    do
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    *names = NULL;
    return fd < 0 ? ta_fail_errno(log, path, "list the folder") : ta_dir_list_fd(fd, path, names, log);
}

int ta_dir_list_fd(int fd, const char *path, char ***names, struct ta_log *log)
{
    *names = NULL;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int err = ta_fail_errno(log, path, "list the folder");
        close(fd);
        return err;
    }
    char **list = ta_xcalloc(1, sizeof(*list));
    size_t count = 0, capacity = 1;
    int ret = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno)
                ret = ta_fail_errno(log, path, "list the folder");
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        void *grown = list;
        if (count >= INT_MAX - 1 || ta_try_grow(&grown, &capacity, count + 2, sizeof(*list)) < 0) {
            ta_error(log, "%s: can't list the folder: out of memory", path);
            ret = TA_ERR_NOMEM;
            break;
        }
        list = grown;
        list[count++] = ta_xstrdup(entry->d_name);
        list[count] = NULL;
    }
    closedir(dir);
    if (ret < 0) {
        ta_dir_list_free(&list);
        return ret;
    }
    qsort(list, count, sizeof(*list), compare_names);
    *names = list;
    return (int)count;
}

void ta_dir_list_free(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    ta_freep(names);
}

int64_t ta_disk_free_bytes(const char *path)
{
    struct statvfs fs;
    char *at = ta_xstrdup(path);
    int ret;
    // What does not exist yet will lie on the file system of its nearest folder that does.
    while ((ret = statvfs(at, &fs)) < 0 && errno == ENOENT && strcmp(at, "/") && strcmp(at, ".")) {
        char *dir = ta_path_dir(at);
        free(at);
        at = dir;
    }
    free(at);
    if (ret < 0)
        return INT64_MAX;
    uint64_t unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
    uint64_t blocks = fs.f_bavail;
    return unit && blocks > INT64_MAX / unit ? INT64_MAX : (int64_t)(blocks * unit);
}
