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
    for (int i = 0; i < found; i++) {
        all[i].path = ta_path_join(folder, names[i]);
        if (lstat(all[i].path, &all[i].st) < 0)
            all[i].st.st_size = 0;
        bytes -= S_ISDIR(all[i].st.st_mode) ? 0 : all[i].st.st_size;
    }
    qsort(all, (size_t)TA_MAX(found, 0), sizeof(*all), by_age);
    for (int i = 0; i < found; i++) {
        bool old = days && difftime(now, all[i].st.st_mtim.tv_sec) > days * 86400.0;
        if (bytes < 0 || found - i > count || old) {
            bytes += S_ISDIR(all[i].st.st_mode) ? 0 : all[i].st.st_size;
            if (S_ISDIR(all[i].st.st_mode))
                ta_dir_remove(all[i].path, NULL);
            else
                unlink(all[i].path);
        }
        free(all[i].path);
    }
    free(all);
    if (found >= 0)
        ta_dir_list_free(&names);
}
