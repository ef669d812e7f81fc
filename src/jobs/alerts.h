// What runs usually take on this machine, and alerts when one takes much more: told in the log, as events and
// as notifications, once until it is as usual again. And numbers of the service for who watches it.
#ifndef TA_JOBS_ALERTS_H
#define TA_JOBS_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_alerts;
struct ta_jobs;
struct ta_log;
struct ta_notify;

// `notify` may be NULL. 0 or TA_ERR_*; everything is borrowed until close.
int ta_alerts_open(struct ta_alerts **out, struct ta_jobs *jobs, struct ta_notify *notify,
                   struct ta_log *log);
void ta_alerts_close(struct ta_alerts **a);

// Thread-safety of what follows: Safe, but not from the queue's writer.
// A run has ended: its record as the file of records has it (NULL: none), and whether that could be written
// there, which is told once when it could not.
void ta_alerts_run(struct ta_alerts *a, int64_t job, const json_t *record, bool written);
// The queue has answered a question, which took so long.
void ta_alerts_query(struct ta_alerts *a, double seconds);

// {"alerts": [{"measure", "title", "text", "value", "usual", "since_ms"}], "queue_query_ms"}; a new
// reference.
json_t *ta_alerts_json(struct ta_alerts *a);
// Numbers in the text format of Prometheus, to be freed. `workers`, `busy`: of the supervisor.
char *ta_alerts_prometheus(struct ta_alerts *a, int workers, int busy);

// ---- for tests: the decision alone ----

// What a value is against those of before: of the last TA_ALERT_SAMPLES that were usual.
enum { TA_ALERT_SAMPLES = 20, TA_ALERT_LEARN = 5, TA_ALERT_RELEARN = 10 };
struct ta_baseline {
    double samples[TA_ALERT_SAMPLES];
    int count;
    double unusual[TA_ALERT_RELEARN]; // since it was raised
    int unusual_count;
    bool raised;
};
enum ta_alert_change { TA_ALERT_NONE = 0, TA_ALERT_RAISED, TA_ALERT_CLEARED };
// Takes a value in. Raised above `factor` times the median of at least TA_ALERT_LEARN, cleared below half of
// that excess; values that raise are not learnt, until so many follow one another that they are what is usual
// now. *usual is the median that it was held against; 0 while it learns.
enum ta_alert_change ta_baseline_take(struct ta_baseline *b, double value, double factor, double *usual);

#endif
