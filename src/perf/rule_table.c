// The rules. Each has a sample that it finds and ones that it lets be: tests/perf/samples/RULE.c.
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "perf/rules_parts.h"

const char *const ta_weight_names[] = {"low", "medium", "high", "critical", NULL};

enum { SECTION_LINES = 60 };

static bool no_format(const struct ta_judged *j)
{
    return !(j->site->does & TA_DOES_FORMAT);
}

// Waiting on a condition gives back its own lock, but not others.
static bool blocks(const struct ta_judged *j)
{
    return !(j->site->does & TA_DOES_WAIT) || j->site->locks > 1;
}

static bool only_io(const struct ta_judged *j)
{
    return !(j->site->does & (TA_DOES_BLOCK | TA_DOES_PROCESS));
}

static bool is_long(const struct ta_judged *j)
{
    return j->site->number > SECTION_LINES || (j->site->flags & TA_SITE_LOOPED);
}

// A sleep that was cut short goes on in its own condition; frames are paced by one that always comes.
static bool polls(const struct ta_judged *j)
{
    bool pacing = (j->loop->flags & TA_LOOP_FRAMES) && !(j->site->flags & TA_SITE_BRANCH);
    return !(j->site->flags & TA_SITE_HEAD) && !pacing;
}

static bool json_again(const struct ta_judged *j)
{
    return j->frame || (j->site->flags & TA_SITE_INVARIANT);
}

static bool outlives(const struct ta_judged *j)
{
    const struct ta_site *s = j->site;
    const char *held = *s->target ? s->target : s->args;
    return (j->loop->flags & (TA_LOOP_FRAMES | TA_LOOP_ENDLESS)) && (strstr(held, "->") || strchr(held, '.'));
}

// One more than a count; of a sum, as of the lengths of texts, the one is their end.
static bool by_one(const struct ta_judged *j)
{
    const char *comma = strchr(j->site->args, ',');
    if (!comma)
        return false;
    if (strstr(comma, "++"))
        return true;
    const char *plus = strchr(comma, '+');
    if (!plus || strchr(plus + 1, '+'))
        return false;
    const char *more = plus + 1 + strspn(plus + 1, " ");
    return *more == '1' && !isalnum((unsigned char)more[1]);
}

static bool one_byte(const struct ta_judged *j)
{
    const char *comma = strrchr(j->site->args, ',');
    return comma && !strcmp(comma + 1 + strspn(comma + 1, " "), "1");
}

static bool in_head(const struct ta_judged *j)
{
    return (j->site->flags & TA_SITE_HEAD) != 0;
}

// Names of files are made for each file.
static bool no_file_name(const struct ta_judged *j)
{
    static const char *const parts[] = {"name", "path", "file"};
    const char *args = j->site->args;
    size_t first = strcspn(args, ",");
    for (size_t i = 0; i < TA_COUNT(parts); i++) {
        const char *p = strstr(args, parts[i]);
        if ((p && p < args + first) || strstr(j->site->target, parts[i]))
            return false;
    }
    return true;
}

enum { AWAY = TA_SITE_EXITS | TA_SITE_LAZY };

const struct ta_rule ta_rules[] = {
    {"alloc-in-frame-loop", TA_WEIGHT_HIGH, "memory", "takes memory for each frame",
     "the allocator's locks and page faults are paid at the rate of frames",
     "take it once before the loop, or from a pool of buffers", TA_SITE_CALL, TA_DOES_ALLOC, TA_PLACE_FRAME,
     AWAY, 0, false, no_format},
    {"unbounded-growth", TA_WEIGHT_HIGH, "memory", "grows what outlives the loop, and no limit is asked for",
     "memory is lost slowly, and the process dies after days",
     "give it a limit: drop the oldest, or write it out", TA_SITE_CALL, TA_DOES_GROW, TA_PLACE_LOOP,
     TA_SITE_EXITS | TA_SITE_BOUNDED, 0, false, outlives},
    {"growth-by-one", TA_WEIGHT_MEDIUM, "memory", "makes room for one more in each round",
     "all that is there is copied again and again: the time grows with the square",
     "grow to twice the size when it is full", TA_SITE_CALL, TA_DOES_GROW, TA_PLACE_LOOP, AWAY, 0, false,
     by_one},
    {"large-by-value", TA_WEIGHT_MEDIUM, "memory", "is passed by copy", "each call copies all of it",
     "pass a pointer to const", TA_SITE_VALUE, 0, TA_PLACE_ANY, 0, 0, false, NULL},
    {"large-copy-in-loop", TA_WEIGHT_MEDIUM, "memory", "is copied whole in a loop",
     "each round copies all of it", "keep a pointer, or copy the members that are needed", TA_SITE_COPY, 0,
     TA_PLACE_LOOP, TA_SITE_EXITS, 0, false, NULL},
    {"columns-first", TA_WEIGHT_MEDIUM, "memory", "walks down columns in its inner loop",
     "each step touches another cache line, and most of what is fetched is not used",
     "let the inner loop go along the row", TA_SITE_COLUMNS, 0, TA_PLACE_ANY, 0, 0, false, NULL},

    {"io-under-lock", TA_WEIGHT_HIGH, "io", "reads or writes while a lock is held",
     "whoever wants the lock waits for the disk", "do it before or after, on a copy of what the lock guards",
     TA_SITE_CALL, TA_DOES_IO, TA_PLACE_LOCK, AWAY, 0, true, only_io},
    {"log-under-lock", TA_WEIGHT_LOW, "io", "tells something while a lock is held",
     "whoever wants the lock waits for the terminal or the log", "tell it after the lock is given back",
     TA_SITE_CALL, TA_DOES_LOG, TA_PLACE_LOCK, AWAY, 0, false, only_io},
    {"sync-in-frame-loop", TA_WEIGHT_HIGH, "io", "waits for each frame until system or disk have it",
     "a call at least, and a disk takes milliseconds", "do it once, at the end or every few seconds",
     TA_SITE_CALL, TA_DOES_SYNC, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {"open-in-frame-loop", TA_WEIGHT_HIGH, "io", "opens the same file for each frame",
     "the path is looked up and the file's beginning read again", "open it once and keep it", TA_SITE_CALL,
     TA_DOES_OPEN, TA_PLACE_FRAME, AWAY, TA_SITE_INVARIANT, false, NULL},
    {"one-byte-io", TA_WEIGHT_HIGH, "io", "moves one byte with each system call",
     "a call costs as much as kilobytes", "read or write blocks, by a buffer or stdio", TA_SITE_CALL,
     TA_DOES_BYTES, TA_PLACE_LOOP, TA_SITE_EXITS, 0, false, one_byte},

    {"block-under-lock", TA_WEIGHT_CRITICAL, "threading", "waits while a lock is held",
     "whoever wants the lock waits as long, for ever when that which is waited for wants it too",
     "give the lock back first", TA_SITE_CALL, TA_DOES_BLOCK | TA_DOES_PROCESS | TA_DOES_WAIT, TA_PLACE_LOCK,
     AWAY, 0, true, blocks},
    {"callback-under-lock", TA_WEIGHT_MEDIUM, "threading", "is called by a pointer while a lock is held",
     "nobody knows how long it takes, nor which locks it wants",
     "copy what it needs, give the lock back, then call", TA_SITE_POINTER, 0, TA_PLACE_LOCK, TA_SITE_EXITS, 0,
     false, NULL},
    {"long-critical-section", TA_WEIGHT_MEDIUM, "threading", "is held long",
     "other threads stand still meanwhile",
     "keep only what must be seen together inside; do the work on a copy", TA_SITE_SECTION, 0, TA_PLACE_ANY,
     0, 0, false, is_long},
    {"lock-in-pixel-loop", TA_WEIGHT_HIGH, "threading", "takes a lock for each row or pixel",
     "the lock costs more than the work", "take it once around the loop, or sum up apart and join at the end",
     TA_SITE_CALL, TA_DOES_LOCK, TA_PLACE_PIXELS, TA_SITE_EXITS, 0, false, NULL},
    {"thread-in-frame-loop", TA_WEIGHT_HIGH, "threading", "starts a thread for each frame",
     "starting and ending one takes longer than much of the work", "keep a pool of threads", TA_SITE_CALL,
     TA_DOES_THREAD, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {"busy-wait", TA_WEIGHT_CRITICAL, "threading", "asks again and again without waiting",
     "a core burns, and may keep the one from running that is waited for",
     "wait on a condition, a semaphore or a queue", TA_SITE_SPIN, 0, TA_PLACE_ANY, 0, 0, false, NULL},
    {"polling-sleep", TA_WEIGHT_HIGH, "cpu", "sleeps and asks again",
     "it wakes for nothing most times, and is late when there is something",
     "let whoever changes it tell: a condition, a pipe, an event", TA_SITE_CALL, TA_DOES_SLEEP, TA_PLACE_LOOP,
     TA_SITE_EXITS, 0, false, polls},
    {"process-in-loop", TA_WEIGHT_HIGH, "cpu", "starts a program in each round",
     "starting one takes milliseconds, and it reads its own files each time",
     "start it once for all, or call a library", TA_SITE_CALL, TA_DOES_PROCESS, TA_PLACE_LOOP, AWAY, 0, true,
     NULL},
    {"json-in-loop", TA_WEIGHT_MEDIUM, "cpu", "reads or writes a whole JSON text in each round",
     "the whole text is walked through, for one round",
     "do it once; keep the tree, or write only what changed", TA_SITE_CALL, TA_DOES_JSON, TA_PLACE_LOOP, AWAY,
     0, false, json_again},
    {"format-in-frame-loop", TA_WEIGHT_MEDIUM, "cpu", "makes text by a format for each frame",
     "the format is read anew each time, mostly for somebody who does not look so often",
     "make it once, or when it is shown: ten times a second at most", TA_SITE_CALL, TA_DOES_FORMAT,
     TA_PLACE_FRAME, AWAY | TA_SITE_BRANCH, 0, false, no_file_name},
    {"log-in-frame-loop", TA_WEIGHT_LOW, "cpu", "tells something for each frame",
     "a terminal or a log is slow", "tell it ten times a second at most, or when something changes",
     TA_SITE_CALL, TA_DOES_LOG, TA_PLACE_FRAME, AWAY | TA_SITE_BRANCH, 0, false, NULL},
    {"strlen-in-loop-head", TA_WEIGHT_MEDIUM, "cpu", "counts the same text in each round",
     "the time grows with the square of the length", "count it once before the loop", TA_SITE_CALL,
     TA_DOES_LENGTH, TA_PLACE_LOOP, 0, TA_SITE_INVARIANT, false, in_head},
    {"append-in-loop", TA_WEIGHT_LOW, "cpu", "looks for the end of a text that grows, in each round",
     "the time grows with the square of the length", "keep where the end is", TA_SITE_CALL, TA_DOES_APPEND,
     TA_PLACE_LOOP, AWAY | TA_SITE_BRANCH, 0, false, NULL},
    {"setup-in-frame-loop", TA_WEIGHT_HIGH, "cpu", "sets up for each frame what is meant for many",
     "tables, plans and connections are made and thrown away", "make it once and keep it", TA_SITE_CALL,
     TA_DOES_SETUP, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {"math-in-pixel-loop", TA_WEIGHT_LOW, "cpu", "is computed for each pixel or sample",
     "it takes as long as dozens of multiplications", "use a table of all inputs, or a recurrence",
     TA_SITE_CALL, TA_DOES_MATH, TA_PLACE_PIXELS, AWAY, 0, false, NULL},

    {"gpu-alloc-in-frame-loop", TA_WEIGHT_HIGH, "gpu", "takes memory of a device for each frame",
     "a device stands still while its memory is given out", "take it once, for the largest batch",
     TA_SITE_CALL, TA_DOES_GPU_ALLOC, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {"gpu-sync-in-frame-loop", TA_WEIGHT_MEDIUM, "gpu", "waits for a device for each frame",
     "the device has nothing to do while the next frame is made ready",
     "let batches overlap: fill one while another is computed, and wait by event", TA_SITE_CALL,
     TA_DOES_GPU_SYNC, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {"gpu-copy-in-frame-loop", TA_WEIGHT_MEDIUM, "gpu",
     "copies to or from a device and waits, for each frame",
     "neither the device nor the processor works meanwhile", "copy asynchronously from pinned memory",
     TA_SITE_CALL, TA_DOES_GPU_COPY, TA_PLACE_FRAME, AWAY, 0, false, NULL},
    {0},
};

const struct ta_rule *ta_rule_find(const char *id)
{
    for (const struct ta_rule *r = ta_rules; r->id; r++)
        if (!strcmp(r->id, id))
            return r;
    return NULL;
}
