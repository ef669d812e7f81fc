#include "restore/plan_sound.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/fingerprint.h"
#include "media/parts/name.h"
#include "media/source.h"
#include "plan/decide.h"
#include "plan/sound.h"
#include "restore/advice.h"
#include "restore/sound_networks.h"
#include "restore/sound_scan.h"

bool ta_plan_wants_sound_only(struct ta_options *options)
{
    const char *pictures = "";
    return ta_options_get(options, "pictures", &pictures, NULL) >= 0 && !strcmp(pictures, "copy");
}

static int look(const char *input, struct ta_source_facts *facts, struct ta_fingerprint *print,
                const struct ta_cancel *cancel, struct ta_log *log)
{
    struct ta_source *source = NULL;
    int err = ta_source_open(&source, input, cancel, log);
    if (err >= 0 && (err = ta_source_facts_read(facts, source)) < 0)
        ta_error(log, "%s: out of memory for what its headers say", input);
    if (err >= 0 && (source->bytes || source->packets)) {
        ta_error(log, "%s: sound alone is restored of single files, not of several that are one film", input);
        err = TA_ERR_UNSUPPORTED;
    }
    ta_source_close(&source);
    return err < 0 ? err : ta_fingerprint_read(input, print, log);
}

static int create(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                  struct ta_meter *meter, struct ta_log *log)
{
    struct ta_source_facts source = {0};
    struct ta_fingerprint print = {0};
    struct ta_plan_facts facts = {.input = input, .output = output, .options = options, .source = &source};
    struct ta_sound_facts *heard = NULL;
    const struct ta_recipe_opts *recipe;
    struct ta_sound_recipe sound;
    struct ta_sound_networks networks = {0};
    struct ta_env env = ta_meter_env(meter, ta_meter_cancel(meter), log);
    int err = ta_options_recipe(options, &recipe, log), count = 0;
    if (err >= 0)
        err = ta_options_sound(options, &sound, log);
    if (err >= 0)
        err = look(input, &source, &print, ta_meter_cancel(meter), log);
    if (err >= 0 && !ta_sound_is_wanted(recipe, &sound))
        err = ta_sound_glance(input, NULL, &source, ta_meter_cancel(meter), &heard, &count);
    else if (err >= 0)
        err = ta_sound_scan(input, NULL, &source, sound.drift == TA_DRIFT_CORRECT, meter, &heard, &count,
                            log);
    if (err >= 0)
        err = ta_sound_networks_look(&networks, options, &env, log);
    ta_sound_networks_tell(&networks, &facts);
    facts.sounds = heard;
    facts.sound_count = count;
    if (err >= 0)
        err = ta_plan_decide_sound(out, &facts, &print, log);
    ta_sound_networks_release(&networks);
    ta_sound_scan_free(&heard, &count);
    ta_source_facts_release(&source);
    return err;
}

int ta_plan_create_sound(struct ta_plan **out, const char *input, const char *output,
                         struct ta_options *options, const struct ta_callbacks *callbacks, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "plan");
    struct ta_meter meter;
    *out = NULL;
    ta_meter_init(&meter, callbacks);
    int err = create(out, input, output, options, &meter, own);
    ta_meter_release(&meter);
    ta_log_fail(own, err, input, ta_advice_after_planning(err));
    if (err < 0) {
        ta_log_destroy(&own);
        return err;
    }
    struct ta_plan *p = *out;
    p->log = own;
    p->input_at = ta_name_absolute(input);
    p->output_at = ta_name_absolute(p->output);
    p->json = ta_plan_to_json(p);
    return 0;
}
