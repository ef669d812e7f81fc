// Devices, encoders and networks: asked of this program's own commands.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "server/asker.h"
#include "server/routes.h"

enum { DEVICES_SECONDS = 300 };

static void ask_command(struct ta_request *r, const char *key, const char *const *command, int keep_s)
{
    struct ta_question q = {
        .key = key, .line = TA_ASK_SHORT, .command = command, .type = "application/json", .keep_s = keep_s};
    ta_asker_ask(r->asker, r, &q);
}

void ta_route_devices(struct ta_request *r)
{
    static const char *const command[] = {"engines", "--json", NULL};
    ask_command(r, "command engines", command, DEVICES_SECONDS);
}

void ta_route_encoders(struct ta_request *r)
{
    static const char *const command[] = {"encoders", "--json", NULL};
    ask_command(r, "command encoders", command, DEVICES_SECONDS);
}

void ta_route_doctor(struct ta_request *r)
{
    static const char *const command[] = {"doctor", "--json", NULL};
    ask_command(r, "command doctor", command, DEVICES_SECONDS);
}

void ta_route_optimisations(struct ta_request *r)
{
    static const char *const command[] = {"perf", "patch", "--list", "--json", NULL};
    ask_command(r, "command optimisations", command, 1);
}

void ta_route_models(struct ta_request *r)
{
    static const char *const command[] = {"models", "list", "--json", NULL};
    ask_command(r, "command models", command, 1);
}

// Names are the manifest's: no option of the command's can be meant.
static bool check_name(struct ta_request *r)
{
    if (r->verb[0] != '-' && !strchr(r->verb, '.') && ta_utf8_valid(r->verb))
        return true;
    ta_request_problem(r, 404, "no-such-network", "there is no network \"%s\"", r->verb);
    ta_request_arg(r, "name", ta_json_any_text(r->verb));
    return false;
}

void ta_route_model_fetch(struct ta_request *r)
{
    if (!check_name(r))
        return;
    char *key = ta_xprintf("fetch %s", r->verb);
    struct ta_question q = {.key = key,
                            .line = TA_ASK_LONG,
                            .look = json_pack("{s:s, s:s}", "kind", "fetch", "name", r->verb),
                            .keep_s = 1,
                            .event = "model",
                            .about = json_pack("{s:s}", "name", r->verb)};
    if (!ta_asker_look(r->asker, r, &q))
        ta_request_reply(r, 202, json_pack("{s:s, s:s}", "name", r->verb, "state", "working"));
    free(key);
}

void ta_route_model_fetch_cancel(struct ta_request *r)
{
    if (!check_name(r))
        return;
    char *key = ta_xprintf("fetch %s", r->verb);
    if (ta_asker_cancel(r->asker, key))
        ta_request_reply(r, 200, json_pack("{s:s, s:s}", "name", r->verb, "state", "cancelled"));
    else
        ta_request_problem(r, 409, "not-in-this-state", "\"%s\" is not being fetched", r->verb);
    free(key);
}

void ta_route_model_remove(struct ta_request *r)
{
    if (!check_name(r))
        return;
    const char *const command[] = {"models", "remove", r->verb, "--json", NULL};
    char *key = ta_xprintf("remove %s", r->verb);
    ask_command(r, key, command, 1);
    free(key);
}
