// The six, in the order of the seed.
#include "perf/patch.h"
#include "perf/trial_run.h"

const struct ta_patch ta_patches[] = {
    {"video_pipeline_filters", "critical", "all stages in one pass over the pictures",
     "a pass a stage, with a lossless file between two of them",
     "restores a tape of 16 frames, without an encoder's work", "seconds", ta_trial_film_prepare,
     ta_trial_film, NULL},
    {"audio_model_preload", "critical", "a network stays loaded from file to file",
     "each file loads it again", "restores ten short files by a stand-in whose loading takes 0.1 s",
     "seconds", ta_trial_networks_prepare, ta_trial_networks, NULL},
    {"queue_rwlock", "high", "readers of the queue wait for nobody",
     "one mutex, held also while changes are told",
     "four readers beside a worker and one that tells of changes, a second", "seconds for a million reads",
     NULL, ta_trial_readers, NULL},
    {"gui_polling", "high", "pages are told of changes", "each page asks every second",
     "a service of 400 jobs with ten open pages and a change a second, three seconds", "processor seconds",
     ta_trial_pages_prepare, ta_trial_pages, ta_trial_pages_finish},
    {"progress_throttle", "medium", "progress is told ten times a second at most",
     "progress is told for each frame", "passes 3,000 small frames through, with progress as JSON",
     "processor seconds", ta_trial_reports_prepare, ta_trial_reports, NULL},
    {"filter_chain_cache", "medium", "the text of a chain is built once", "it is built for each file",
     "the text of a chain of three stages, 20,000 times", "seconds", NULL, ta_trial_texts, NULL},
    {0},
};
