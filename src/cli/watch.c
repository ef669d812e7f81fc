#include "cli/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/watch_table.h"
#include "jobs/client.h"

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

// "42 %, 17.1 fps, 3:05 to go" of a job at work; else why it is where it is.
char *ta_watch_how_far(const json_t *job)
{
    const json_t *p = json_object_get(job, "progress");
    const char *state = ta_json_member_text(job, "state"), *wish = ta_json_member_text(job, "wish");
    struct ta_buf out = {0};
    if (!strcmp(state, "running") || !strcmp(state, "planning")) {
        ta_buf_printf(&out, "%.0f %%", 100 * number(p, "total"));
        if (number(p, "fps") > 0)
            ta_buf_printf(&out, ", %.1f fps", number(p, "fps"));
        if (number(p, "eta") > 0) {
            ta_buf_puts(&out, ", ");
            ta_append_duration(&out, number(p, "eta"));
            ta_buf_puts(&out, " to go");
        }
        if (*wish)
            ta_buf_printf(&out, ", to be %s", strcmp(wish, "pause") ? "cancelled" : "paused");
    } else {
        ta_buf_puts(&out, ta_json_member_text(job, "reason"));
    }
    return ta_buf_take(&out);
}

static json_int_t id_of(const json_t *data)
{
    return json_integer_value(json_object_get(data, "id"));
}

// ---- lines ----

struct watch {
    struct ta_cli *cli;
    bool json;
    enum ta_exit status;
    // Of the table.
    struct ta_watch_table *table;
    double drawn; // seconds of the clock
    bool again;   // the list has to be read anew
};

static bool show_line(void *priv, const char *kind, const json_t *data)
{
    struct watch *w = priv;
    struct ta_buf line = {0};
    if (w->json) {
        json_t *o = json_pack("{s:s}", "event", kind);
        json_object_update(o, (json_t *)data);
        char *text = json_dumps(o, JSON_COMPACT);
        ta_buf_printf(&line, "%s\n", text);
        free(text);
        json_decref(o);
        w->status = ta_cli_output(w->cli, ta_buf_text(&line));
    } else if (!strcmp(kind, "job")) {
        char *text = ta_watch_how_far(data);
        ta_buf_printf(&line, "job %" PRId64 " %s: ", (int64_t)id_of(data),
                      ta_json_member_text(data, "state"));
        ta_buf_name(&line, ta_json_member_text(data, "input"));
        ta_buf_printf(&line, "%s%s\n", *text ? ", " : "", text);
        free(text);
        w->status = ta_cli_show(w->cli, ta_buf_text(&line));
    }
    ta_buf_release(&line);
    return w->status == TA_EXIT_OK;
}

enum ta_exit ta_watch_lines(struct ta_cli *cli, struct ta_client *client, bool json)
{
    struct watch w = {.cli = cli, .json = json};
    json_t *answer;
    int err = ta_client_ask(client, "GET", "/api/v1/jobs?limit=1", NULL, &answer);
    if (!err) {
        int64_t after = json_integer_value(json_object_get(answer, "event"));
        json_decref(answer);
        err = ta_client_follow(client, after, show_line, &w);
    }
    return ta_exit_worse(err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK, w.status);
}

// ---- a table ----

static void draw(struct watch *w)
{
    struct ta_buf out = {0};
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row)
        size.ws_row = 24;
    ta_watch_table_draw(w->table, size.ws_row, ta_console_columns(STDOUT_FILENO), &out);
    w->status = ta_cli_output(w->cli, ta_buf_text(&out)); // names in it are made visible already
    fflush(stdout);
    w->drawn = ta_clock_seconds();
    ta_buf_release(&out);
}

static bool show_change(void *priv, const char *kind, const json_t *data)
{
    static const double PROGRESS_SECONDS = 0.2;
    struct watch *w = priv;
    bool far = !strcmp(kind, "progress");
    if (!strcmp(kind, "reset"))
        w->again = true;
    else if (far)
        ta_watch_table_progress(w->table, data);
    else if (!strcmp(kind, "job"))
        ta_watch_table_set(w->table, data);
    else if (!strcmp(kind, "gone"))
        ta_watch_table_remove(w->table, id_of(data));
    else if (!strcmp(kind, "queue"))
        ta_watch_table_pause(w->table, json_is_true(json_object_get(data, "paused")));
    else
        return true;
    if (!w->again && (!far || ta_clock_seconds() - w->drawn >= PROGRESS_SECONDS))
        draw(w);
    return w->status == TA_EXIT_OK && !w->again;
}

enum ta_exit ta_watch_live(struct ta_cli *cli, struct ta_client *client)
{
    struct watch w = {.cli = cli, .table = ta_watch_table_create(), .again = true};
    int err = 0;
    while (w.again && !err && w.status == TA_EXIT_OK) {
        json_t *answer = NULL, *job;
        size_t i;
        err = ta_client_ask(client, "GET", "/api/v1/jobs?order=newest&limit=1000", NULL, &answer);
        w.again = false;
        if (err < 0)
            break;
        json_array_foreach(json_object_get(answer, "jobs"), i, job) ta_watch_table_set(w.table, job);
        ta_watch_table_pause(w.table, json_is_true(json_object_get(answer, "paused")));
        int64_t after = json_integer_value(json_object_get(answer, "event"));
        json_decref(answer);
        draw(&w);
        err = w.status == TA_EXIT_OK ? ta_client_follow(client, after, show_change, &w) : 0;
    }
    ta_watch_table_destroy(&w.table);
    return ta_exit_worse(err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK, w.status);
}
