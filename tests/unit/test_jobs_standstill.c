// Whether a process does anything, seen from outside: children that sleep, compute, do so in a thread beside
// one that sleeps, and are gone.
// suite: thread
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"
#include "jobs/standstill.h"

static const double EVERY = 0.25;

static void *sleep_on(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *compute(void *arg)
{
    for (volatile unsigned n = 0;; n = n + 1) {}
    return arg;
}

// Wakes twice a second, as a heart does.
static void *beat(void *arg)
{
    for (;;)
        ta_sleep_us(500000);
    return arg;
}

static pid_t start(void *(*other)(void *), void *(*own)(void *))
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (other && pthread_create(&thread, NULL, other, NULL))
            _exit(1);
        own(NULL);
    }
    assert_true(pid > 0);
    return pid;
}

// What the look after two seconds says.
static double seconds_of(pid_t pid)
{
    struct ta_standstill s = {0};
    double seconds = 0, begin = ta_clock_seconds();
    ta_sleep_us(200000); // until its threads are there
    assert_true(ta_standstill_look(&s, pid, ta_clock_seconds(), EVERY) <= 0);
    while (ta_clock_seconds() - begin < 2.2) {
        ta_sleep_us((int64_t)(EVERY * 1e6));
        seconds = ta_standstill_look(&s, pid, ta_clock_seconds(), EVERY);
    }
    return seconds;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_who_stands_still(void **state)
{
    (void)state;
    pid_t still[] = {start(NULL, sleep_on), start(sleep_on, sleep_on), start(beat, sleep_on)},
          busy[] = {start(NULL, compute), start(compute, sleep_on)};
    for (int i = 0; i < 3; i++) {
        assert_true(seconds_of(still[i]) > 1);
        end(still[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(seconds_of(busy[i]) <= 0);
        end(busy[i]);
    }
}

static void test_looks_that_come_late(void **state)
{
    (void)state;
    struct ta_standstill s = {0};
    pid_t pid = start(NULL, sleep_on);
    ta_sleep_us(200000);
    assert_true(ta_standstill_look(&s, pid, 1000, 10) <= 0);
    assert_float_equal(ta_standstill_look(&s, pid, 1010, 10), 10, 1e-9);
    assert_float_equal(ta_standstill_look(&s, pid, 5010, 10), 30, 1e-9); // nobody ran for most of it
    s = (struct ta_standstill){0};                                       // it has said something
    assert_true(ta_standstill_look(&s, pid, 5020, 10) <= 0);
    assert_float_equal(ta_standstill_look(&s, pid, 5030, 10), 10, 1e-9);
    end(pid);
    assert_true(ta_standstill_look(&s, pid, 5040, 10) <= 0); // of one that is gone nothing is known
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_stands_still),
        cmocka_unit_test(test_looks_that_come_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
