#include "restore/output.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/path.h"
#include "base/log.h"
#include "media/parts/name.h"

int ta_output_check(const char *input, const char *output, bool overwrite, struct ta_log *log)
{
    struct stat st;
    if (stat(output, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            ta_error(log, "%s: is a folder, not a file to write", output);
            return TA_ERR_EXISTS;
        }
        if (ta_name_holds(input, output)) {
            ta_error(log, "%s: the output is the source itself, which is never written", output);
            return TA_ERR_EXISTS;
        }
        if (!S_ISREG(st.st_mode)) {
            ta_error(log, "%s: exists and is no plain file", output);
            return TA_ERR_EXISTS;
        }
        if (!overwrite) {
            ta_error(log, "%s: exists already; --overwrite replaces it", output);
            return TA_ERR_EXISTS;
        }
    }
    char *dir = ta_path_dir(output);
    int err = 0;
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        ta_error(log, "%s: there is no folder %s", output, dir);
        err = TA_ERR_NOT_FOUND;
    } else if (access(dir, W_OK | X_OK) < 0) {
        ta_error(log, "%s: the folder %s can't be written to", output, dir);
        err = TA_ERR_ACCESS;
    }
    free(dir);
    return err;
}
