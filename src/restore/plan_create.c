// From a file to a plan: has the source surveyed, lets src/plan decide, and tells it in words.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder_check.h"
#include "media/parts/name.h"
#include "plan/decide.h"
#include "plan/plan.h"
#include "recipe/models.h"
#include "restore/advice.h"
#include "restore/callbacks.h"
#include "restore/joined.h"
#include "restore/plan_check.h"
#include "restore/plan_sound.h"
#include "restore/sound_networks.h"
#include "restore/sound_scan.h"
#include "restore/trial.h"
#include "restore/survey.h"
#include "video/scale_neural.h"

static int wish_of(struct ta_options *options, struct ta_survey_wish *out, bool *hardware, struct ta_log *log)
{
    const struct ta_recipe_opts *recipe;
    const char *deinterlace;
    int err = ta_options_recipe(options, &recipe, log);
    if (err < 0)
        return err;
    out->decode_all = recipe->scan == TA_SCAN_FULL;
    out->programme = (int)recipe->programme;
    *hardware = recipe->hardware;
    if ((err = ta_options_slot(options, "deinterlace", &deinterlace)) < 0)
        return err;
    bool film = !strcmp(deinterlace, "ivtc");
    out->depth = out->decode_all || film ? TA_DEPTH_FULL : TA_DEPTH_SAMPLE;
    return 0;
}

// What was heard of the tracks, where the recipe asks for more than copies.
struct heard {
    struct ta_sound_facts *facts;
    int count;
    struct ta_sound_networks networks;
};

static int hear(struct heard *out, const struct ta_survey *s, const struct ta_survey_view *view,
                struct ta_options *options, struct ta_meter *meter, struct ta_log *log)
{
    const struct ta_recipe_opts *recipe;
    struct ta_sound_recipe sound;
    int err = ta_options_recipe(options, &recipe, log);
    if (err >= 0)
        err = ta_options_sound(options, &sound, log);
    if (err < 0)
        return err;
    if (!ta_sound_is_wanted(recipe, &sound))
        return ta_sound_glance(s->input, view->index, &s->facts, ta_meter_cancel(meter), &out->facts,
                               &out->count);
    return ta_sound_scan(s->input, view->index, &s->facts, sound.drift == TA_DRIFT_CORRECT, meter,
                         &out->facts, &out->count, log);
}

static int decide(struct ta_plan **out, const struct ta_survey *s, const struct ta_survey_view *view,
                  const char *output, struct ta_options *options, bool neural, const struct heard *heard,
                  struct ta_log *log)
{
    struct ta_scan_result scan = {0};
    const struct ta_measured *m = ta_measured_find(view->measured, s->rows, ta_measure_scan_type.name);
    int err = ta_scan_result_from_json(&scan, m ? m->value : NULL, (int64_t)view->index->frame_count,
                                       s->input, log);
    if (err >= 0) {
        struct ta_plan_facts facts = {.input = s->input,
                                      .output = output,
                                      .options = options,
                                      .index = view->index,
                                      .scan = &scan,
                                      .measured = view->measured,
                                      .measured_count = s->rows,
                                      .hardware = &s->hardware,
                                      .neural = neural ? &s->neural : NULL,
                                      .fields = s->fields.err < 0 || s->fields.model ? &s->fields : NULL,
                                      .nvvfx = s->nvvfx,
                                      .files = s->named,
                                      .file_count = s->named_count,
                                      .source = &s->facts,
                                      .sounds = heard->facts,
                                      .sound_count = heard->count};
        ta_sound_networks_tell(&heard->networks, &facts);
        err = ta_plan_decide(out, &facts, log);
    }
    ta_scan_result_release(&scan);
    return err;
}

// Does the hardware encode what is planned? Else the survey knows better from now on.
static bool encodes(struct ta_survey *s, const struct ta_plan *p)
{
    struct ta_buf why = {0};
    bool can = ta_encoder_try(&p->encoder, &p->out_format, &why) >= 0;
    if (!can)
        ta_hardware_refute(&s->hardware, p->encoder.codec, ta_buf_text(&why));
    ta_buf_release(&why);
    return can;
}

// A network that is named without need costs nothing: an engine is looked for where one may be chosen.
static bool wants_network(struct ta_options *options)
{
    const char *scale = "", *model = "";
    if (ta_options_slot(options, "scale", &scale) < 0 ||
        ta_options_get(options, "scale-model", &model, NULL) < 0)
        return false;
    return !strcmp(scale, "neural") ||
           (!strcmp(scale, "auto") && (*model || ta_models_has(TA_UPSCALE_NETWORK)));
}

static bool wants_rtx(struct ta_options *options)
{
    const char *scale = "", *hdr = "", *method = "";
    return ta_options_slot(options, "scale", &scale) >= 0 && ta_options_slot(options, "hdr", &hdr) >= 0 &&
           ta_options_get(options, "hdr-method", &method, NULL) >= 0 &&
           (!strcmp(scale, "rtx") || (strcmp(hdr, "sdr") != 0 && !strcmp(method, "rtx")));
}

static int create(struct ta_plan **out, struct ta_survey *survey, const char *output,
                  struct ta_options *options, struct ta_meter *meter, struct ta_log *log)
{
    struct ta_survey_wish wish;
    struct ta_survey_view view;
    struct ta_env env = ta_meter_env(meter, ta_meter_cancel(meter), log);
    struct heard heard = {0};
    const char *deinterlace = "";
    bool hardware = false, neural = wants_network(options);
    int err = wish_of(options, &wish, &hardware, log);
    if (err >= 0)
        err = ta_options_slot(options, "deinterlace", &deinterlace);
    if (err >= 0)
        err = ta_survey_require(survey, &wish, meter, &view, log);
    if (err >= 0) {
        ta_survey_find_files(survey, options);
        if (hardware)
            ta_survey_look_at_hardware(survey);
        if (!strcmp(deinterlace, "neural"))
            ta_survey_look_at_fields(survey, options, &env);
        if (wants_rtx(options))
            ta_survey_look_at_rtx(survey, &env);
        if (neural)
            ta_survey_look_at_engine(survey, options, &env);
        err = hear(&heard, survey, &view, options, meter, log);
        if (err >= 0)
            err = ta_sound_networks_look(&heard.networks, options, &env, log);
    }
    if (err >= 0)
        err = decide(out, survey, &view, output, options, neural, &heard, log);
    // What encodes small pictures may not encode these: then the next kind is planned, or none is left.
    while (err >= 0 && hardware && !encodes(survey, *out)) {
        ta_plan_destroy(out);
        err = decide(out, survey, &view, output, options, neural, &heard, log);
    }
    ta_sound_scan_free(&heard.facts, &heard.count);
    ta_sound_networks_release(&heard.networks);
    if (err >= 0 &&
        ((err = ta_plan_check(*out, &env)) < 0 || (err = ta_plan_trial(*out, view.index, &env)) < 0))
        ta_plan_destroy(out);
    if (err < 0)
        return err;
    struct ta_plan *p = *out;
    p->index = ta_index_share(view.index);
    p->survey = ta_survey_reading_json(survey, &survey->readings[wish.decode_all]);
    ta_joined_tell(p, json_incref(survey->files));
    p->input_at = ta_name_absolute(survey->input);
    p->output_at = strcmp(p->output, "-") != 0 ? ta_name_absolute(p->output) : ta_xstrdup("-");
    p->json = ta_plan_to_json(p);
    return 0;
}

int ta_plan_from_survey(struct ta_plan **out, struct ta_survey *survey, const char *output,
                        struct ta_options *options, const struct ta_callbacks *callbacks, struct ta_log *log)
{
    *out = NULL;
    struct ta_log *own = ta_log_child(log, "plan");
    struct ta_meter meter;
    ta_meter_init(&meter, callbacks);
    int err = create(out, survey, output, options, &meter, own);
    ta_meter_release(&meter);
    ta_log_fail(own, err, survey->input, ta_advice_after_planning(err));
    if (err >= 0)
        (*out)->log = own;
    else
        ta_log_destroy(&own);
    return err < 0 ? err : 0;
}

int ta_plan_create(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                   const struct ta_callbacks *callbacks, struct ta_log *log)
{
    struct ta_survey *survey = NULL;
    if (ta_plan_wants_sound_only(options))
        return ta_plan_create_sound(out, input, output, options, callbacks, log);
    char *cache = ta_options_cache(options);
    *out = NULL;
    int err = ta_plan_check_output(input, output, options, log); // before a long source is read for nothing
    if (err >= 0)
        err = ta_survey_create(&survey, input, cache, log);
    if (err >= 0)
        err = ta_plan_from_survey(out, survey, output, options, callbacks, log);
    ta_log_fail(log, err, input, ta_advice_after_planning(err));
    ta_survey_destroy(&survey);
    free(cache);
    return err;
}
