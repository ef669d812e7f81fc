#include "cli/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "jobs/client.h"
#include "recipe/folders.h"

enum { TOKEN_MAX = 4096 };

const struct ta_opt ta_service_options[] = {
    {.name = "server",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_service_opts, server, char *),
     .syntax = "ADDRESS",
     .help = "ask the service at this address, http://host:7860, instead of the one of this user on this "
             "machine"},
    {.name = "socket",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_service_opts, socket, char *),
     .syntax = "PATH",
     .help = "the service's socket, where it was started with another one"},
    {.name = "token-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_service_opts, token_file, char *),
     .syntax = "FILE",
     .help = "a file whose first line is the token that the service at --server asks for"},
    {0},
};

char *ta_service_socket(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    char *state = run && run[0] == '/' ? NULL : ta_service_state();
    char *path = run && run[0] == '/' ? ta_xprintf("%s/terminalai.sock", run)
                 : state              ? ta_xprintf("%s/serve.sock", state)
                                      : NULL;
    free(state);
    return path;
}

char *ta_service_state(void)
{
    return ta_state_path("");
}

int ta_service_token(const char *path, char **out, struct ta_log *log)
{
    struct ta_buf text = {0};
    struct stat st;
    *out = NULL;
    int err = ta_file_read(path, TOKEN_MAX, &text, log);
    if (err >= 0 && stat(path, &st) == 0 && st.st_mode & (S_IRWXG | S_IRWXO)) {
        ta_error(log, "%s: others may read it; \"chmod 600\" keeps the token secret", path);
        err = TA_ERR_ACCESS;
    }
    if (err >= 0) {
        size_t n = strcspn(ta_buf_text(&text), "\r\n");
        if (n)
            *out = ta_xstrndup(ta_buf_text(&text), n);
        else {
            ta_error(log, "%s: its first line is empty; it must be the token", path);
            err = TA_ERR_FORMAT;
        }
    }
    ta_buf_release(&text);
    return err < 0 ? err : 0;
}

enum ta_exit ta_service_client(struct ta_cli *cli, const struct ta_service_opts *opts, struct ta_client **out)
{
    char *socket = opts->socket ? ta_xstrdup(opts->socket) : ta_service_socket(), *token = NULL;
    int err = opts->token_file ? ta_service_token(opts->token_file, &token, cli->log) : 0;
    *out = NULL;
    if (!err && !socket && !opts->server) {
        ta_error(cli->log, "there is no home folder: --socket PATH or --server ADDRESS says where the "
                           "service is");
        err = TA_ERR_USAGE;
    }
    struct ta_client_config config = {.socket = socket, .address = opts->server, .token = token};
    if (!err)
        err = ta_client_create(out, &config, cli->log);
    free(socket);
    free(token);
    return err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
}
