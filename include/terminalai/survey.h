// The survey: everything that is known of a source before planning. It is made once, piece by piece as plans
// ask for it, and kept: several plans of one source read and measure it once.
#ifndef TERMINALAI_SURVEY_H
#define TERMINALAI_SURVEY_H

#include <terminalai/log.h>
#include <terminalai/options.h>
#include <terminalai/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

// Thread-safety: Unsafe. Plans that were made from it live on without it, and may be used by any thread.
struct ta_survey;

// `input` is opened when the first plan asks. `cache` is a folder for what should not have to be found out
// again in later runs (index and measurements, at most 512 MiB, the oldest go); NULL: nothing is kept. `log`
// may be NULL and must outlive the survey. Returns 0.
int ta_survey_create(struct ta_survey **out, const char *input, const char *cache, struct ta_log *log);
void ta_survey_destroy(struct ta_survey **survey);

// Plans from what the survey knows, and has it find out what is missing. Otherwise as ta_plan_create().
int ta_plan_from_survey(struct ta_plan **out, struct ta_survey *survey, const char *output,
                        struct ta_options *options, const struct ta_callbacks *callbacks, struct ta_log *log);

// What has been measured so far, as JSON: {"version": 1, "measures": [{name, unit, value, confidence, depth,
// series}, ...], ...}. To be freed with free().
char *ta_survey_json(const struct ta_survey *survey);

// Where caches lie by the environment: $XDG_CACHE_HOME/terminalai or ~/.cache/terminalai; NULL when there is
// no such place. Whoever has options asks ta_options_cache(). To be freed with free().
char *ta_cache_folder(void);

#ifdef __cplusplus
}
#endif
#endif
