// Records of runs: what took how long, on which machine. They stay on it: a file that grows by a line a run.
#ifndef TERMINALAI_METRICS_H
#define TERMINALAI_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include <terminalai/error.h>
#include <terminalai/log.h>

#ifdef __cplusplus
extern "C" {
#endif

// Numbers that do not apply to a run, or that nobody measures, are negative: null in the line.
struct ta_metrics {
    char run_id[33];  // another one for each run; "" means that there was no run
    char time[21];    // when it began: "2026-11-29T10:25:18Z"
    const char *kind; // "restore", "join"; static
    // Seconds: before pictures are scaled, scaling them, encoding them; the whole run; loading networks.
    double preprocessing_seconds, upscaling_seconds, encoding_seconds, total_seconds, model_load_seconds;
    double peak_memory_mb; // millions of bytes
    double gpu_utilization_percent;
    double frames_per_second; // output frames that this run made
    double queue_query_ms;
    char preset[64];                     // "" for none
    char recipe_sha[65], source_sha[65]; // of all values of the recipe; of the source's head and tail
    int64_t frames;                      // output frames delivered
    int width, height;                   // of the output
    // Networks that this run asked for; negative without engines.
    int64_t cache_loads, cache_hits, cache_misses, cache_bytes;
    // The switches of performance by their names, 1 or 0; count 0: null.
    struct {
        char name[32];
        bool on;
    } tuning[8];
    int tuning_count;
    int exit_code; // of the program; negative elsewhere
};

// One line without its newline, as it stands in performance_metrics.jsonl. Freed with free().
char *ta_metrics_line(const struct ta_metrics *metrics);

// Appends the line to the file by one write, whoever else does so. A file of 10 MB is put aside as PATH.1,
// and so on to PATH.4. The folder is created when it is missing. TA_ERR_* when that can't be done; logs
// nothing louder than VERBOSE: no run is the worse for it.
int ta_metrics_append(const char *path, const struct ta_metrics *metrics, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
