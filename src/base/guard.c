#include "base/guard.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"

static const struct ta_guarded *find(const struct ta_guard *g, const struct stat *st)
{
    for (int i = 0; i < g->count; i++)
        if (g->items[i].device == st->st_dev && g->items[i].inode == st->st_ino)
            return &g->items[i];
    return NULL;
}

void ta_guard_add(struct ta_guard *g, const char *path, bool source)
{
    struct stat st;
    if (stat(path, &st) < 0 || find(g, &st))
        return;
    if ((g->count & (g->count - 1)) == 0) // full: 0, 1, 2, 4, 8 ...
        g->items = ta_xrealloc(g->items, (size_t)TA_MAX(1, 2 * g->count) * sizeof *g->items);
    g->items[g->count++] = (struct ta_guarded){
        .device = st.st_dev, .inode = st.st_ino, .source = source, .path = ta_xstrdup(path)};
}

void ta_guard_add_all(struct ta_guard *g, const struct ta_guard *other)
{
    for (int i = 0; i < other->count; i++)
        ta_guard_add(g, other->items[i].path, other->items[i].source);
}

void ta_guard_release(struct ta_guard *g)
{
    for (int i = 0; i < g->count; i++)
        free(g->items[i].path);
    free(g->items);
    *g = (struct ta_guard){0};
}

const struct ta_guarded *ta_guard_find(const struct ta_guard *g, const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? NULL : find(g, &st);
}

const struct ta_guarded *ta_guard_find_in(const struct ta_guard *g, const char *folder)
{
    const struct ta_guarded *found = NULL;
    for (int i = 0; i < g->count && !found; i++) {
        if (!g->items[i].source)
            continue;
        char *real = ta_path_absolute(g->items[i].path), *dir = ta_path_dir(real), *named = NULL;
        // Where the name lies, and where the file does.
        named = ta_path_dir(g->items[i].path);
        if (ta_path_same_file(dir, folder) || ta_path_same_file(named, folder))
            found = &g->items[i];
        free(named);
        free(dir);
        free(real);
    }
    return found;
}
