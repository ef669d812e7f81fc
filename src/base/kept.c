#include "base/kept.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/path.h"

struct old {
    char *path;
    struct stat st;
};

// Folders count as nothing.
static int64_t size_of(const struct old *o)
{
    return S_ISDIR(o->st.st_mode) ? 0 : o->st.st_size;
}

static int by_age(const void *a, const void *b)
{
    const struct old *x = a, *y = b;
    if (x->st.st_mtim.tv_sec != y->st.st_mtim.tv_sec)
        return x->st.st_mtim.tv_sec < y->st.st_mtim.tv_sec ? -1 : 1;
    return x->st.st_mtim.tv_nsec < y->st.st_mtim.tv_nsec ? -1 : x->st.st_mtim.tv_nsec > y->st.st_mtim.tv_nsec;
}

void ta_kept_prune(const char *folder, int64_t bytes, int count, int days)
{
    char **names;
    time_t now = time(NULL);
    int found = ta_dir_list(folder, &names, NULL);
    struct old *all = ta_xcalloc((size_t)TA_MAX(found, 0) + 1, sizeof(*all));
    int n = 0;
    for (int i = 0; i < found; i++) {
        all[n].path = ta_path_join(folder, names[i]);
        if (lstat(all[n].path, &all[n].st) < 0) { // somebody else was quicker
            free(all[n].path);
            continue;
        }
        bytes -= size_of(&all[n++]);
    }
    qsort(all, (size_t)n, sizeof(*all), by_age);
    for (int i = 0; i < n; i++) {
        const struct old *o = &all[i];
        bool old = days && difftime(now, o->st.st_mtim.tv_sec) > days * 86400.0;
        if (bytes < 0 || n - i > count || old) {
            if (S_ISDIR(o->st.st_mode))
                ta_dir_remove_all(o->path);
            else if (!unlink(o->path))
                bytes += size_of(o);
        }
        free(o->path);
    }
    free(all);
    if (found >= 0)
        ta_dir_list_free(&names);
}
