#include "jobs/endpoint.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "jobs/address.h"
#include "recipe/folders.h"

enum { SECRET_MAX = 4096, NAME_MAX_BYTES = 31 };

static const struct ta_choice kinds[] = {
    {"discord", "a channel of Discord, by its webhook"},
    {"slack", "a channel of Slack, by its incoming webhook"},
    {"webhook", "any receiver of JSON by HTTP POST"},
    {"mail", "e-mail by SMTP"},
    {"command", "a program on this machine"},
    {0},
};
static const struct ta_choice tls_choices[] = {
    {"starttls", "encrypted, or not sent; smtps:// is encrypted from the start"},
    {"off", "readable on the way: for a server on this machine"},
    {0},
};

const struct ta_opt ta_endpoint_options[] = {
    {.name = "name",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, name, char *),
     .help = "what it is called: letters, digits, - and _"},
    {.name = "kind",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_endpoint, kind, int),
     .def = "webhook",
     .choices = kinds,
     .help = "how it is told"},
    {.name = "events",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, events, char *),
     .def = "done,failed,empty,alert",
     .help = "of what: jobs that are done or have failed, the end of the queue, alerts of slow runs"},
    {.name = "batch",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, batch, char *),
     .help = "only of jobs whose batch has this name; * and ? stand for anything"},
    {.name = "address",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, address, char *),
     .help = "where to send to: https://..., or smtp://host:port"},
    {.name = "address-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_endpoint, address_file, char *),
     .help = "a file with the address: those of Discord and Slack are secrets"},
    {.name = "address-env",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, address_env, char *),
     .help = "the variable of the environment with the address"},
    {.name = "secret-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_endpoint, secret_file, char *),
     .help = "webhook: a file with the key that messages are signed with (HMAC-SHA256)"},
    {.name = "secret-env",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, secret_env, char *),
     .help = "webhook: the variable of the environment with the key"},
    {.name = "from",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, from, char *),
     .help = "mail: the sender's address"},
    {.name = "to",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, to, char *),
     .help = "mail: receivers' addresses, joined by commas"},
    {.name = "user",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, user, char *),
     .help = "mail: the name to log in with"},
    {.name = "password-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_endpoint, password_file, char *),
     .help = "mail: a file with the password"},
    {.name = "password-env",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_endpoint, password_env, char *),
     .help = "mail: the variable of the environment with the password"},
    {.name = "tls",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_endpoint, tls, int),
     .def = "starttls",
     .choices = tls_choices,
     .help = "mail: encryption"},
    {.name = "ca-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct ta_endpoint, ca_file, char *),
     .help = "certificates to trust instead of the system's"},
    {.name = "private",
     .kind = &ta_opt_switch,
     TA_FIELD(struct ta_endpoint, private_addresses, bool),
     .help = "may lie on this machine or in its network, and speak http:// there"},
    {.name = "retry",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_endpoint, retry, double),
     .def = "5",
     .min = 0.1,
     .max = 3600,
     .unit = "seconds",
     .help = "before the second attempt; doubled for each further one, up to a quarter of an hour"},
    {0},
};

const char *ta_notice_event_name(enum ta_notice_event event)
{
    static const char *const names[TA_NOTICE_COUNT] = {"done", "failed", "empty", "alert", "test"};
    return names[event];
}

void ta_endpoint_release(struct ta_endpoint *e)
{
    ta_opt_release(ta_endpoint_options, e);
    for (int i = 0; e->command && e->command[i]; i++)
        free(e->command[i]);
    free(e->command);
    free(e->target);
    free(e->secret);
    free(e->password);
    *e = (struct ta_endpoint){0};
}

bool ta_endpoint_wants(const struct ta_endpoint *e, enum ta_notice_event event, const char *batch)
{
    if (!(e->mask >> event & 1))
        return false;
    return !e->batch || !batch || !fnmatch(e->batch, batch, 0);
}

char *ta_endpoint_where(const struct ta_endpoint *e)
{
    return e->command ? ta_xstrdup(ta_path_name(e->command[0])) : ta_address_host(e->target);
}

// ---- reading ----

struct reader {
    struct ta_endpoint *e;
    char *where;
    struct ta_log *log;
};

static int refuse(const struct reader *r, const char *text)
{
    ta_error(r->log, "%s: %s", r->where, text);
    return TA_ERR_INVALID;
}

static int read_events(struct reader *r)
{
    for (const char *at = r->e->events ? r->e->events : ""; *at;) {
        size_t n = strcspn(at, ", ");
        bool known = !n;
        for (int i = 0; i < TA_NOTICE_TEST && n; i++) {
            const char *name = ta_notice_event_name((enum ta_notice_event)i);
            if (strlen(name) == n && !strncmp(at, name, n)) {
                r->e->mask |= 1u << i;
                known = true;
            }
        }
        if (!known)
            return refuse(r, "events are done, failed, empty and alert, joined by commas");
        at += n + (at[n] != '\0');
    }
    r->e->mask |= 1u << TA_NOTICE_TEST;
    return 0;
}

// A secret of a file or of the environment: the first line.
static int read_secret(struct reader *r, const char *file, const char *variable, const char *what, char **out)
{
    struct ta_buf text = {0};
    struct stat st;
    int err = 0;
    if (file && variable)
        return refuse(r, "give a file or a variable of the environment, not both");
    if (file) {
        err = ta_file_read(file, SECRET_MAX, &text, r->log);
        if (err >= 0 && stat(file, &st) == 0 && st.st_mode & (S_IRWXG | S_IRWXO)) {
            ta_error(r->log, "%s: %s: others may read it; \"chmod 600\" keeps it secret", r->where, file);
            err = TA_ERR_ACCESS;
        }
    } else if (variable) {
        const char *value = ta_environment_text(variable);
        ta_buf_puts(&text, value ? value : "");
    }
    size_t n = strcspn(ta_buf_text(&text), "\r\n");
    if (err >= 0 && (file || variable) && !n) {
        ta_error(r->log, "%s: %s has no %s", r->where, file ? file : variable, what);
        err = TA_ERR_INVALID;
    }
    if (err >= 0 && n)
        *out = ta_xstrndup(ta_buf_text(&text), n);
    ta_buf_release(&text);
    return err < 0 ? err : 0;
}

static int read_command(struct reader *r, const json_t *list)
{
    size_t count = json_array_size(list);
    if (r->e->kind != TA_ENDPOINT_COMMAND)
        return list ? refuse(r, "command is for the kind command") : 0;
    if (!count)
        return refuse(r, "command must be a list: the program, then its arguments");
    r->e->command = ta_xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        char *text = ta_opt_json_to_text(json_array_get(list, i));
        if (!text)
            return refuse(r, "command must be a list of texts");
        r->e->command[i] = text;
    }
    return *r->e->command[0] ? 0 : refuse(r, "command must begin with a program");
}

static bool is_name(const char *name)
{
    return name && strlen(name) <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(name);
}

// Addresses of mail become lines of a protocol.
static bool is_mail_address(const char *text)
{
    return text && strchr(text, '@') && !strpbrk(text, " \t\r\n<>\"\\") && (unsigned char)*text > ' ';
}

static int check_mail(const struct reader *r)
{
    const struct ta_endpoint *e = r->e;
    if (strncasecmp(e->target, "smtp://", 7) != 0 && strncasecmp(e->target, "smtps://", 8) != 0)
        return refuse(r, "the address of a mail server is smtp://host:port or smtps://host");
    if (!is_mail_address(e->from) || !is_mail_address(e->to))
        return refuse(r, "mail needs the addresses \"from\" and \"to\"");
    if (e->user && !e->password)
        return refuse(r, "a user needs password-file or password-env");
    if (e->tls && e->password && !e->private_addresses)
        return refuse(r, "a password is not sent readable: leave tls at starttls");
    return 0;
}

static int check(const struct reader *r)
{
    const struct ta_endpoint *e = r->e;
    bool chat = e->kind == TA_ENDPOINT_DISCORD || e->kind == TA_ENDPOINT_SLACK;
    if (!is_name(e->name))
        return refuse(r, "an endpoint needs a name of at most 31 letters, digits, - and _");
    if (e->kind == TA_ENDPOINT_COMMAND)
        return e->target ? refuse(r, "a command has no address") : 0;
    if (chat && e->address)
        return refuse(
            r,
            "this address is a secret: put it into a file (address-file) or the environment (address-env)");
    if (!e->target)
        return refuse(r, "where to? address, address-file or address-env says it");
    if (ta_address_has_user(e->target))
        return refuse(r, "an address does not hold names and passwords");
    if (e->kind == TA_ENDPOINT_MAIL)
        return check_mail(r);
    if (!ta_address_is_web(e->target))
        return refuse(r, "the address must begin with https://");
    if (strncasecmp(e->target, "https://", 8) != 0 && !e->private_addresses)
        return refuse(r,
                      "http:// is readable on the way: https://, or \"private: yes\" for a receiver at home");
    if (e->secret && e->kind != TA_ENDPOINT_WEBHOOK)
        return refuse(r, "only a webhook signs messages");
    return 0;
}

int ta_endpoint_read(struct ta_endpoint *out, const json_t *entry, const char *file, const char *path,
                     const struct ta_marks *marks, struct ta_log *log)
{
    struct reader r = {.e = out, .log = log};
    *out = (struct ta_endpoint){0};
    ta_opt_defaults(ta_endpoint_options, out);
    r.where = ta_xprintf("%s:%d", file, ta_marks_line(marks, path));
    json_t *plain = json_is_object(entry) ? json_copy((json_t *)entry) : json_object();
    json_object_del(plain, "command");
    int err = json_is_object(entry) ? 0
                                    : refuse(&r, "an entry of notify is a group of \"name: value\" lines");
    if (!err)
        err = ta_opt_merge_json(ta_endpoint_options, out, plain, file, marks, path, log);
    if (!err)
        err = read_events(&r);
    if (!err && out->address && (out->address_file || out->address_env))
        err = refuse(&r, "give one address");
    if (!err && out->address)
        out->target = ta_xstrdup(out->address);
    if (!err)
        err = read_secret(&r, out->address_file, out->address_env, "address", &out->target);
    if (!err)
        err = read_secret(&r, out->secret_file, out->secret_env, "key", &out->secret);
    if (!err)
        err = read_secret(&r, out->password_file, out->password_env, "password", &out->password);
    if (!err)
        err = read_command(&r, json_object_get(entry, "command"));
    if (!err)
        err = check(&r);
    if (err < 0)
        ta_endpoint_release(out);
    json_decref(plain);
    free(r.where);
    return err < 0 ? err : 0;
}
