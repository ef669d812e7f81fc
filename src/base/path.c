// Names of files, and facts about where they lie.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/mem.h"

char *ta_path_join(const char *dir, const char *name)
{
    size_t length = strlen(dir);
    if (!length || *name == '/')
        return ta_xstrdup(name);
    return ta_xprintf("%s%s%s", dir, dir[length - 1] == '/' ? "" : "/", name);
}

char *ta_path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ta_xstrdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? ta_xstrdup("/") : ta_xstrndup(path, (size_t)(slash - path));
}

const char *ta_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int ta_path_name_max(const char *dir)
{
    long most = pathconf(dir, _PC_NAME_MAX);
    return most > 32 && most < 65536 ? (int)most : 255;
}

bool ta_path_is_tag(const char *text)
{
    return strlen(text) == TA_TAG_SIZE - 1 && strspn(text, "0123456789abcdef") == TA_TAG_SIZE - 1;
}

char *ta_path_part(const char *path, const char *tag)
{
    const char *name = ta_path_name(path);
    char *dir = ta_path_dir(path);
    size_t keep = (size_t)ta_path_name_max(dir) - strlen(".part") - TA_TAG_SIZE;
    keep = TA_MIN(keep, strlen(name));
    while (keep > 0 && name[keep] && ((unsigned char)name[keep] & 0xC0) == 0x80)
        keep--; // not in the middle of a character
    free(dir);
    return ta_xprintf("%.*s.%s.part", (int)((size_t)(name - path) + keep), path, tag);
}

const char *ta_path_extension(const char *path)
{
    const char *name = ta_path_name(path);
    const char *dot = strrchr(name + strspn(name, "."), '.');
    return dot ? dot + 1 : name + strlen(name);
}

char *ta_path_stem(const char *path)
{
    const char *name = ta_path_name(path), *extension = ta_path_extension(path);
    size_t length = strlen(name);
    if (*extension || (length > 1 && name[length - 1] == '.' && strspn(name, ".") != length))
        length = (size_t)(extension - name) - 1;
    return ta_xstrndup(name, length);
}

// Puts one component onto the resolved path `*at` and resolves the result as far as it exists.
static void descend(char **at, const char *name, size_t length)
{
    if (!length || (length == 1 && name[0] == '.'))
        return;
    char *next;
    if (length == 2 && name[0] == '.' && name[1] == '.') {
        next = ta_path_dir(*at);
    } else {
        char *component = ta_xstrndup(name, length);
        next = ta_path_join(*at, component);
        free(component);
        char *resolved = realpath(next, NULL);
        if (resolved) {
            free(next);
            next = resolved;
        }
    }
    free(*at);
    *at = next;
}

char *ta_path_absolute(const char *path)
{
    char *at;
    if (*path == '/') {
        at = ta_xstrdup("/");
    } else {
        at = getcwd(NULL, 0);
        if (!at)
            return ta_xstrdup(path); // the working folder is gone: nothing better is known
    }
    while (*path) {
        size_t length = strcspn(path, "/");
        descend(&at, path, length);
        path += length + (path[length] == '/');
    }
    return at;
}

char *ta_path_of_program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    return n > 0 && n < (ssize_t)sizeof(path) ? ta_xstrndup(path, (size_t)n) : NULL;
}

bool ta_path_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
