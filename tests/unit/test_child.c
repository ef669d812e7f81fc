// Work in a process of its own: its answer, and what becomes of it when it fails.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/child.h"
#include "base/mem.h"

static const struct ta_child_limits limits = {20, (size_t)1 << 30, 1 << 20};

static void say(void *priv, int answer)
{
    const char *text = priv;
    if (write(answer, text, strlen(text)) < 0)
        _exit(1);
}

static void crash(void *priv, int answer)
{
    (void)priv;
    (void)answer;
    abort();
}

static void leave(void *priv, int answer)
{
    (void)priv;
    (void)answer;
    _exit(3);
}

static void hang(void *priv, int answer)
{
    (void)priv;
    (void)answer;
    for (;;)
        pause();
}

static void talk(void *priv, int answer)
{
    (void)priv;
    while (write(answer, "and so on ", 10) > 0)
        ;
}

// Says what it could do that it must not.
static void try_all(void *priv, int answer)
{
    const char *file = priv;
    for (int fd = 3; fd < 100; fd++)
        if (fd != answer && fcntl(fd, F_GETFD) >= 0)
            say("found something open ", answer);
    int fd = open(file, O_WRONLY);
    signal(SIGXFSZ, SIG_IGN);
    if (fd < 0 || write(fd, "x", 1) == 1)
        say("wrote ", answer);
    say("done", answer);
}

static void check(void (*work)(void *priv, int answer), const char *priv, int wanted_err, const char *wanted,
                  const char *wanted_why)
{
    struct ta_buf out = {0}, why = {0};
    int err = ta_child_run(work, (void *)(uintptr_t)priv, &limits, &out, &why);
    if (err != wanted_err || strcmp(ta_buf_text(&out), wanted) != 0 || !strstr(ta_buf_text(&why), wanted_why))
        fail_msg("%d, \"%s\", \"%s\" for %d, \"%s\", \"%s\"", err, ta_buf_text(&out), ta_buf_text(&why),
                 wanted_err, wanted, wanted_why);
    ta_buf_release(&out);
    ta_buf_release(&why);
}

static void answers(void **state)
{
    (void)state;
    check(say, "hello", 0, "hello", "");
    check(say, "", 0, "", "");
}

static void failures(void **state)
{
    (void)state;
    check(crash, NULL, TA_ERR_DAMAGED, "", "crashed");
    check(leave, NULL, TA_ERR_DAMAGED, "", "before it was done");
    const struct ta_child_limits second = {1, (size_t)1 << 30, 100};
    struct ta_buf out = {0}, why = {0};
    assert_int_equal(ta_child_run(hang, NULL, &second, &out, &why), TA_ERR_BUSY);
    assert_string_equal(ta_buf_text(&why), "it took longer than 1 s");
    assert_int_equal(ta_child_run(talk, NULL, &second, &out, &why), TA_ERR_INTERNAL);
    assert_in_range(out.size, 0, 100);
    ta_buf_release(&out);
    ta_buf_release(&why);
}

static void confined(void **state)
{
    (void)state;
    char file[] = "/tmp/ta-child-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    check(try_all, file, 0, "done", "");
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(failures),
        cmocka_unit_test(confined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
