#include "server/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "server/http.h"

// The root in which a path without links lies; NULL.
static const char *root_of(const struct ta_request *r, const char *real)
{
    for (int i = 0; i < r->config->root_count; i++) {
        const char *root = r->config->roots[i];
        size_t n = strlen(root);
        if (n == 1 || (!strncmp(real, root, n) && (real[n] == '/' || !real[n])))
            return root;
    }
    return NULL;
}

bool ta_roots_hold(const struct ta_request *r, const char *path)
{
    if (r->local)
        return true;
    char *real = ta_path_absolute(path);
    bool in = root_of(r, real) != NULL;
    free(real);
    return in;
}

// From `fd` (taken) along the names of `path`, none of which may be a link. -1 with errno.
static int walk(int fd, const char *path, int flags)
{
    while (fd >= 0 && *path) {
        size_t n = strcspn(path, "/");
        bool last = !path[n];
        if (n) {
            char *name = ta_xstrndup(path, n);
            int next = openat(fd, name, O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY));
            int number = errno;
            free(name);
            close(fd);
            fd = next;
            errno = number;
        }
        path += n + !last;
    }
    return fd;
}

static int open_real(const struct ta_request *r, const char *real, bool folder)
{
    // Not blocked by a pipe that nobody writes to.
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (folder ? O_DIRECTORY : 0);
    const char *root = r->local ? "/" : root_of(r, real), *below = real + strlen(root);
    if (root[1] && !*below) // the root itself
        return open(root, flags | O_CLOEXEC);
    if (!root[1] && !real[1])
        return open("/", flags | O_CLOEXEC);
    return walk(open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), below, flags);
}

void ta_roots_refuse(struct ta_request *r, const char *path)
{
    ta_request_problem(r, 403, "not-opened", "%s: not in a folder that was opened to clients", path);
    ta_request_arg(r, "file", ta_json_any_text(path));
}

int ta_roots_open(struct ta_request *r, const char *path, bool folder)
{
    struct stat st;
    int fd = -1;
    char *real = ta_path_absolute(path);
    if (path[0] != '/') {
        ta_request_problem(r, 422, "path-not-whole", "%s: give the whole path, from /", path);
    } else if (!r->local && !root_of(r, real)) {
        ta_roots_refuse(r, path);
    } else if ((fd = open_real(r, real, folder)) < 0) {
        bool no_right = errno == EACCES || errno == EPERM;
        ta_request_problem(r, no_right ? 403 : 404, no_right ? "no-permission" : "no-such-file",
                           no_right ? "%s: the service may not read it" : "%s: no file of this name", path);
    } else if (fstat(fd, &st) < 0 || !(folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode))) {
        ta_request_problem(r, 422, "no-plain-file", "%s: that is no plain file", path);
        close(fd);
        fd = -1;
    }
    if (r->status)
        ta_request_arg(r, "file", ta_json_any_text(path));
    free(real);
    return fd;
}
