#include "recipe/folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

char *ta_cache_folder(void)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return ta_path_join(xdg, "terminalai");
    return home && home[0] == '/' ? ta_path_join(home, ".cache/terminalai") : NULL;
}

char *ta_temporary_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    return ta_xstrdup(tmp && tmp[0] ? tmp : "/tmp");
}

char *ta_temporary_folder_create(const char *name, struct ta_log *log)
{
    char *tmp = ta_temporary_folder(), *folder = ta_xprintf("%s/%s-XXXXXX", tmp, name);
    if (!mkdtemp(folder)) {
        ta_error(log, "%s: no folder can be made there: %s", tmp,
                 ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        ta_freep(&folder);
    }
    free(tmp);
    return folder;
}

char *ta_config_path(const char *name)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0])
        return ta_xprintf("%s/terminalai/%s", xdg, name);
    return home && home[0] ? ta_xprintf("%s/.config/terminalai/%s", home, name) : NULL;
}

char *ta_data_path(const char *name)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/') // what is relative means another place tomorrow
        return ta_xprintf("%s/terminalai/%s", xdg, name);
    return home && home[0] == '/' ? ta_xprintf("%s/.local/share/terminalai/%s", home, name) : NULL;
}

char *ta_state_path(const char *name)
{
    const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const char *slash = name[0] ? "/" : "";
    if (xdg && xdg[0] == '/')
        return ta_xprintf("%s/terminalai%s%s", xdg, slash, name);
    return home && home[0] == '/' ? ta_xprintf("%s/.local/state/terminalai%s%s", home, slash, name) : NULL;
}

const char *ta_environment_text(const char *name)
{
    return getenv(name);
}

char **ta_environment_for_child(const char *const *without, const char *const *with)
{
    size_t count = 0, added = 0, n = 0;
    while (environ[count])
        count++;
    while (with && with[added])
        added++;
    char **all = ta_xcalloc(count + added + 1, sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        bool kept = true;
        for (const char *const *w = without; w && *w; w++)
            kept = kept && strncmp(environ[i], *w, strlen(*w)) != 0;
        if (kept)
            all[n++] = ta_xstrdup(environ[i]);
    }
    for (size_t i = 0; i < added; i++)
        all[n++] = ta_xstrdup(with[i]);
    return all;
}

void ta_environment_free(char **environment)
{
    for (char **e = environment; e && *e; e++)
        free(*e);
    free(environment);
}
