// The work folder: journal lines, locks, what is trusted after an interruption.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/mem.h"
#include "restore/work.h"

static const char sum_of_x[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; // of "x"

struct fixture {
    char dir[64];
    struct ta_index index;
    struct ta_scan_run run;
    int64_t cuts[4];
    struct ta_plan plan;
    struct ta_run_opts opts;
    char *part;
};

static void set_up(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    snprintf(x->dir, sizeof x->dir, "/tmp/ta-test-work-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    x->run = (struct ta_scan_run){0, 60, TA_SCAN_PROGRESSIVE};
    for (int i = 0; i < 4; i++)
        x->cuts[i] = 20 * i;
    x->index.frames = ta_xcalloc(60, sizeof *x->index.frames);
    x->index.packets = ta_xcalloc(60, sizeof *x->index.packets);
    for (int i = 0; i < 60; i++)
        x->index.frames[i] = (struct ta_index_frame){.pts = i, .packet = (uint32_t)i};
    x->index.frame_count = x->index.packet_count = 60;
    x->index.end_pts = 60;
    x->index.time_base = (AVRational){1, 25};
    x->plan = (struct ta_plan){.index = &x->index,
                               .runs = &x->run,
                               .run_count = 1,
                               .cuts = x->cuts,
                               .segment_count = 3,
                               .fields = 1};
    x->plan.frame_count = x->plan.out_frames = 60;
    x->plan.input = ta_xprintf("%s/tape.avi", x->dir);
    x->plan.output = ta_xprintf("%s/out.mp4", x->dir);
    x->plan.json = ta_xstrdup("{\"version\": 1, \"crf\": 18}\n");
}

static void tear_down(struct fixture *x)
{
    char *dir = ta_work_path(&x->plan, NULL);
    ta_dir_remove(dir, NULL);
    free(dir);
    free(x->index.frames);
    free(x->index.packets);
    free(x->plan.input);
    free(x->plan.output);
    free(x->plan.json);
    assert_int_equal(rmdir(x->dir), 0); // nothing else was left
}

static void finish_segment(struct ta_work *w, int k)
{
    struct ta_segment_result r = {.frames = 20, .bytes = 1, .concealed = k, .delay = 2};
    struct ta_done done;
    strcpy(r.sha256, sum_of_x);
    ta_segment_to_done(&r, &done);
    char *part = ta_work_part_name(w, k, "1");
    assert_int_equal(ta_folder_write(&w->folder, part, "x", 1, NULL), 0);
    assert_int_equal(ta_work_commit(w, k, part, &done), 0);
    free(part);
}

static char *journal_path(const struct fixture *x)
{
    return ta_xprintf("%s.terminalai/journal.jsonl", x->plan.output);
}

static void lines_round_trip(void **state)
{
    (void)state;
    struct ta_segment_result r = {
        .frames = 900, .bytes = 123456789012, .concealed = 3, .damaged = 4, .delay = 2};
    struct ta_done done, back;
    char stem[TA_STEM_SIZE];
    strcpy(r.sha256, sum_of_x);
    ta_segment_to_done(&r, &done);
    char *line = ta_journal_task_line("seg-00012", &done);
    assert_non_null(strstr(line, "{\"task\":\"seg-00012\",\"sha256\":\"2d71"));
    assert_non_null(strstr(line, "\"counts\":{\"frames\":900,\"concealed\":3,\"damaged\":4,\"delay\":2}}"));
    assert_true(ta_journal_parse(line, strlen(line), stem, &back));
    assert_string_equal(stem, "seg-00012");
    assert_memory_equal(&done, &back, sizeof done);
    // Cut off or with any one byte changed, it is not trusted.
    for (size_t n = 0; n < strlen(line); n++)
        assert_false(ta_journal_parse(line, n, stem, &back));
    for (size_t i = 0; i < strlen(line); i++) {
        char *bad = ta_xstrdup(line);
        bad[i] ^= 1;
        if (ta_journal_parse(bad, strlen(bad), stem, &back)) {
            // Nothing but the meaning-free parts of JSON may differ.
            assert_string_equal(stem, "seg-00012");
            assert_memory_equal(&done, &back, sizeof done);
        }
        free(bad);
    }
    free(line);
}

static bool parses(const char *entry, char stem[TA_STEM_SIZE], struct ta_done *out)
{
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(entry, strlen(entry), sum);
    char *line = ta_xprintf("{\"entry\":%s,\"sha256\":\"%s\"}", entry, sum);
    bool ok = ta_journal_parse(line, strlen(line), stem, out);
    free(line);
    return ok;
}

// Lines of version 0.1 knew segments alone. HDR10 alone has measured light.
static void old_lines_are_segments(void **state)
{
    (void)state;
    static const struct {
        const char *name, *more;
        const char *stem; // NULL: not a line to trust
    } cases[] = {
        {"\"segment\":1", "", "seg-00001"},
        {"\"segment\":100000", "", "seg-100000"},
        {"\"key\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"", "",
         "seg-0123456789abcdef"},
        {"\"key\":\"0123\"", "", NULL},
        {"\"segment\":-1", "", NULL},
        {"\"frame\":1", "", NULL},
        {"\"segment\":1", ",\"max_cll\":400,\"max_fall\":400", "seg-00001"},
        {"\"segment\":1", ",\"max_cll\":400", NULL},
        {"\"segment\":1", ",\"max_cll\":400,\"max_fall\":401", NULL},
        {"\"segment\":1", ",\"max_cll\":10001,\"max_fall\":1", NULL},
        {"\"segment\":1", ",\"max_cll\":-1,\"max_fall\":-1", NULL},
        {"\"segment\":1", ",\"max_cll\":\"4\",\"max_fall\":1", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char stem[TA_STEM_SIZE];
        struct ta_done done;
        struct ta_segment_result r;
        char *entry = ta_xprintf("{%s,\"frames\":9,\"bytes\":8,\"concealed\":7,\"damaged\":6,\"delay\":5,"
                                 "\"sha256\":\"%s\"%s}",
                                 cases[i].name, sum_of_x, cases[i].more);
        if (parses(entry, stem, &done) != (cases[i].stem != NULL))
            fail_msg("%s", entry);
        free(entry);
        if (!cases[i].stem)
            continue;
        assert_string_equal(stem, cases[i].stem);
        ta_segment_from_done(&done, &r);
        assert_int_equal(r.frames, 9);
        assert_int_equal(r.bytes, 8);
        assert_int_equal(r.concealed, 7);
        assert_int_equal(r.damaged, 6);
        assert_int_equal(r.delay, 5);
        assert_int_equal(r.max_cll, cases[i].more[0] ? 400 : 0);
        assert_string_equal(r.sha256, sum_of_x);
    }
}

// Any kind of task has a line; what is not one of a task is not trusted.
static void lines_of_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *task, *counts;
        bool good;
    } cases[] = {
        {"sound-00003", "{\"samples\":48000,\"clipped\":0}", true},
        {"sound-finish-0", "{}", true},
        {"../etc-0", "{}", false},
        {"sound", "{}", false},
        {"sound-3x", "{}", false},
        {"-3", "{}", false},
        {"a--3", "{}", false},
        {"S-3", "{}", false},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1", "{}", false}, // no room for it
        {"sound-00003", "{\"samples\":-1}", false},
        {"sound-00003", "{\"samples\":1.5}", false},
        {"sound-00003", "{\"Samples\":1}", false},
        {"sound-00003", "{\"a_name_too_long_\":1}", false},
        {"sound-00003", "[]", false},
        {"sound-00003", "null", false},
        {"sound-00003",
         "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,"
         "\"l\":1,\"m\":1}",
         false},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char stem[TA_STEM_SIZE];
        struct ta_done done;
        char *entry = ta_xprintf("{\"task\":\"%s\",\"sha256\":\"%s\",\"bytes\":1,\"counts\":%s}",
                                 cases[i].task, sum_of_x, cases[i].counts);
        if (parses(entry, stem, &done) != cases[i].good)
            fail_msg("%s", entry);
        if (i == 0)
            assert_int_equal(ta_counts_get(&done.counts, "samples"), 48000);
        if (cases[i].good)
            assert_string_equal(stem, cases[i].task);
        free(entry);
    }
}

static void goes_on_with_what_fits(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_work w;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_true(w.created);
    finish_segment(&w, 0);
    finish_segment(&w, 2);
    char *name = ta_work_part_name(&w, 1, "77"), *stale = ta_path_join(w.dir, name);
    assert_int_equal(ta_file_write_atomic(stale, "half", 4, NULL), 0);
    free(name);
    ta_work_close(&w, false);

    // A line that was being written when the power went.
    char *journal = journal_path(&x);
    assert_int_equal(ta_file_append_sync(journal, "{\"entry\":{\"segm", 15, NULL), 0);
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_false(w.created);
    assert_int_equal(w.done_count, 2);
    assert_int_equal(ta_work_segment(&w, 0).frames, 20);
    assert_int_equal(ta_work_segment(&w, 1).frames, 0);
    assert_int_equal(ta_work_segment(&w, 2).concealed, 2);
    assert_int_equal(access(stale, F_OK), -1);
    finish_segment(&w, 1); // its line must not run into the torn one
    ta_work_close(&w, false);
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_int_equal(w.done_count, 3);

    // A segment that was changed behind our back is made again.
    char *seg = ta_work_task_path(&w, 2);
    ta_work_close(&w, false);
    assert_int_equal(ta_file_write_atomic(seg, "y", 1, NULL), 0);
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_int_equal(w.done_count, 2);
    ta_work_close(&w, true);
    free(seg);
    free(stale);
    free(journal);
    tear_down(&x);
}

static void other_plans_and_other_runs_are_refused(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_work w, second;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_int_equal(ta_work_open(&second, &x.plan, &x.opts, NULL), TA_ERR_BUSY);
    finish_segment(&w, 0);
    ta_work_close(&w, false);

    char *old = x.plan.json;
    x.plan.json = ta_xstrdup("{\"version\": 1, \"crf\": 20}\n");
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), TA_ERR_MISMATCH);
    x.opts.restart = true;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_int_equal(w.done_count, 0);
    finish_segment(&w, 1);
    ta_work_close(&w, false);
    x.opts = (struct ta_run_opts){.no_resume = true};
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), TA_ERR_EXISTS);
    free(old);
    tear_down(&x);
}

static bool has_text(const char *path, const char *text)
{
    struct ta_buf b = {0};
    bool same = ta_file_read(path, 100, &b, NULL) >= 0 && !strcmp(ta_buf_text(&b), text);
    ta_buf_release(&b);
    return same;
}

// A folder that has the work folder's name by chance.
static void folders_of_others_are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"holiday.avi", "plan.json.bak", "seg-.nut",
                                        "seg-1.part",  "seg-first.nut", "seg-1.nut.old",
                                        ".ta-.tmp",    "index.bi",      "x.part"};
    struct fixture x;
    set_up(&x);
    struct ta_work w;
    char *dir = ta_work_path(&x.plan, NULL);
    assert_int_equal(ta_dir_create(dir, NULL), 0);
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        char *mine = ta_path_join(dir, names[i]), *plan = ta_path_join(dir, "plan.json");
        assert_int_equal(ta_file_write_atomic(mine, "mine", 4, NULL), 0);
        for (int restart = 0; restart < 2; restart++) {
            x.opts = (struct ta_run_opts){.restart = restart};
            assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), TA_ERR_EXISTS);
            assert_true(has_text(mine, "mine"));
            assert_int_equal(access(plan, F_OK), -1); // nor is anything put in it
        }
        unlink(mine);
        free(plan);
        free(mine);
    }
    free(dir);
    x.opts = (struct ta_run_opts){.restart = true};
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0); // empty: nothing to lose
    ta_work_close(&w, true);
    tear_down(&x);
}

// A file that somebody has put beside unfinished work.
static void files_of_others_stay(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_work w;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    finish_segment(&w, 0);
    char *mine = ta_path_join(w.dir, "notes.part"), *seg = ta_work_task_path(&w, 0);
    char *plan = ta_path_join(w.dir, "plan.json"), *dir = ta_xstrdup(w.dir);
    assert_int_equal(ta_file_write_atomic(mine, "mine", 4, NULL), 0);
    ta_work_close(&w, false);

    x.opts.restart = true;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), TA_ERR_EXISTS);
    assert_int_equal(access(seg, F_OK), 0);
    x.opts.restart = false;
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    assert_int_equal(w.done_count, 1);
    ta_work_close(&w, true);
    assert_true(has_text(mine, "mine"));
    assert_int_equal(access(seg, F_OK), -1);
    assert_int_equal(access(plan, F_OK), -1);
    assert_int_equal(unlink(mine), 0);
    assert_int_equal(rmdir(dir), 0); // nothing else was left
    free(dir);
    free(plan);
    free(seg);
    free(mine);
    tear_down(&x);
}

static void joined_note(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_work w;
    char sum[65];
    assert_int_equal(ta_work_open(&w, &x.plan, &x.opts, NULL), 0);
    finish_segment(&w, 0);
    assert_false(ta_work_joined(&w, sum));
    assert_int_equal(ta_work_note_joined(&w, sum_of_x, 5), 0);
    assert_true(ta_work_joined(&w, sum));
    assert_string_equal(sum, sum_of_x);
    ta_work_close(&w, true);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_round_trip),
        cmocka_unit_test(old_lines_are_segments),
        cmocka_unit_test(lines_of_other_kinds),
        cmocka_unit_test(goes_on_with_what_fits),
        cmocka_unit_test(other_plans_and_other_runs_are_refused),
        cmocka_unit_test(folders_of_others_are_left_alone),
        cmocka_unit_test(files_of_others_stay),
        cmocka_unit_test(joined_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
