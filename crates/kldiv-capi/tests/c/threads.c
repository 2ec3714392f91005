/*
 * Threads: small stacks, many callers at once, fork, shutdown, threads that cannot be had; and the same bits however
 * many there are.
 *
 * Link with -rdynamic: this program's pthread_create stands before the C library's, counts, and fails when told to.
 * Link with -z now: binding a symbol on first use takes several KiB of the caller's stack, which is not the library's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"
#include "corpus.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- pthread_create ---- */

static int threads_started;            /* by anyone, counted below */
static int threads_allowed = INT32_MAX; /* how many more may start */

typedef int (*create_function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static create_function real;
    create_function create = __atomic_load_n(&real, __ATOMIC_ACQUIRE);
    if (create == NULL) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&create, &found, sizeof create); /* ISO C has no cast from an object to a function pointer */
        __atomic_store_n(&real, create, __ATOMIC_RELEASE);
    }
    if (__atomic_fetch_sub(&threads_allowed, 1, __ATOMIC_SEQ_CST) <= 0)
        return EAGAIN;
    __atomic_fetch_add(&threads_started, 1, __ATOMIC_SEQ_CST);
    return create(thread, attributes, start, argument);
}

static void allow_threads(int count)
{
    __atomic_store_n(&threads_allowed, count, __ATOMIC_SEQ_CST);
}

static int threads_started_so_far(void)
{
    return __atomic_load_n(&threads_started, __ATOMIC_SEQ_CST);
}

static pthread_t start(void *(*body)(void *), void *argument, const pthread_attr_t *attributes)
{
    pthread_t thread;
    if (pthread_create(&thread, attributes, body, argument) != 0)
        give_up("no thread");
    return thread;
}

static void finish(pthread_t thread)
{
    if (pthread_join(thread, NULL) != 0)
        give_up("a thread that cannot be joined");
}

/* ---- the tests ---- */

static answers expected_small, expected_large;
static double large_out[20000];

static void the_bits_do_not_depend_on_the_number_of_threads(void)
{
    static const uint32_t threads[] = {2, 7, 0};
    check_case("one thread");
    answers one = corpus(1);
    CHECK(!one.failed);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        answers many = corpus(threads[i]);
        check_case("threads = %u", threads[i]);
        CHECK(!many.failed);
        CHECK(many.hash == one.hash);
    }
}

static void small_calls_and_single_threads_start_no_thread(void)
{
    kldiv_shutdown();
    check_case("threads started");
    int before = threads_started_so_far();
    CHECK(small_calls(0).hash == expected_small.hash);
    CHECK(small_calls(1).hash == expected_small.hash);
    CHECK(large_calls(1, large_out).hash == expected_large.hash);
    CHECK(threads_started_so_far() == before);
    CHECK(large_calls(2, large_out).hash == expected_large.hash);
    CHECK(threads_started_so_far() > before); /* or the counting proves nothing */
}

typedef struct {
    uint32_t threads;
    int large;
    double *out;
    answers got;
} caller;

static void *call_on_this_thread(void *argument)
{
    caller *c = (caller *)argument;
    c->got = c->large ? large_calls(c->threads, c->out) : small_calls(c->threads);
    return NULL;
}

/* How deep a call goes: the stack below the caller's frame is painted, and what is painted over was used. */
#define PAINTED ((size_t)256 * 1024)
#define PROMISED ((size_t)8 * 1024)
#define OWN_FRAMES ((size_t)3328) /* of this program, and what a debug build adds to the frames of the library */
#define PAINT 0xC3

typedef struct {
    int entry; /* ENTRY_COUNT: the large calls */
    uint32_t threads;
    unsigned char *stack;
    size_t used;
} painted_call;

static void *measure_the_stack(void *argument)
{
    painted_call *call = (painted_call *)argument;
    answers got = {FNV_START, 0};
    unsigned char *here = (unsigned char *)__builtin_frame_address(0);
    memset(call->stack, PAINT, (size_t)(here - call->stack) - 512); /* but for this frame itself */
    if (call->entry < ENTRY_COUNT)
        small_call((entry_point)call->entry, call->threads, &got);
    else
        large_calls(call->threads, large_out);
    unsigned char *lowest = call->stack;
    while (*lowest == PAINT)
        lowest++;
    call->used = (size_t)(here - lowest);
    return NULL;
}

static void a_call_goes_no_deeper_than_8_kib(void)
{
    unsigned char *stack = (unsigned char *)mmap(NULL, PAINTED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                                 -1, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack == (unsigned char *)MAP_FAILED || pthread_attr_setstack(&attributes, stack, PAINTED) != 0)
        give_up("no stack of one's own");
    for (uint32_t threads = 1; threads <= 2; threads++)
        for (int entry = 0; entry <= ENTRY_COUNT; entry++)
            for (int pool_is_there = 0; pool_is_there < 2; pool_is_there++) {
                if (!pool_is_there)
                    kldiv_shutdown();
                painted_call call = {entry, threads, stack, 0};
                finish(start(measure_the_stack, &call, &attributes));
                check_case("%s, threads = %u, pool %s: %lu bytes of stack",
                           entry < ENTRY_COUNT ? entry_names[entry] : "large calls", threads,
                           pool_is_there ? "there" : "to be made", (unsigned long)call.used);
                CHECK(call.used > 512); /* it was painted, and painted over */
                CHECK(call.used <= PROMISED + OWN_FRAMES);
            }
    pthread_attr_destroy(&attributes);
    munmap(stack, PAINTED);
}

static void stacks_of_16_kib_are_enough(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, (size_t)16 * 1024) != 0)
        give_up("no stacks of 16 KiB on this system");
    static const uint32_t threads[] = {1, 0, 2};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        for (int large = 0; large < 2; large++) {
            kldiv_shutdown(); /* so that the small stack makes the pool */
            caller c = {threads[i], large, large_out, {0, 0}};
            finish(start(call_on_this_thread, &c, &attributes));
            check_case("threads = %u, %s calls on a stack of 16 KiB", threads[i], large ? "large" : "small");
            CHECK(!c.got.failed);
            CHECK(c.got.hash == (large ? expected_large : expected_small).hash);
        }
    pthread_attr_destroy(&attributes);
}

static void a_forked_child_computes_the_same_bits(void)
{
    for (int after_shutdown = 0; after_shutdown < 2; after_shutdown++) {
        CHECK(large_calls(2, large_out).hash == expected_large.hash); /* the parent's pool is at work before the fork */
        if (after_shutdown)
            kldiv_shutdown();
        fflush(NULL);
        pid_t child = fork();
        if (child < 0)
            give_up("no process");
        if (child == 0) {
            alarm(120); /* a child that waits for its parent's threads hangs */
            int good = small_calls(0).hash == expected_small.hash;
            good &= large_calls(2, large_out).hash == expected_large.hash;
            good &= large_calls(0, large_out).hash == expected_large.hash;
            kldiv_shutdown();
            good &= large_calls(2, large_out).hash == expected_large.hash;
            _exit(good ? 0 : 1);
        }
        int status = -1;
        check_case("fork, %s", after_shutdown ? "after shutdown" : "with the parent's pool alive");
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK(large_calls(2, large_out).hash == expected_large.hash); /* and the parent goes on */
    }
}

#define CALLERS 8

static void many_threads_call_at_once(void)
{
    pthread_t thread[CALLERS];
    caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        caller c = {(uint32_t)(i % 4), i % 3 != 0, (double *)allocate(MANY_ROWS * sizeof(double)), {0, 0}};
        callers[i] = c;
    }
    kldiv_shutdown(); /* they race to make the pool */
    for (int i = 0; i < CALLERS; i++)
        thread[i] = start(call_on_this_thread, &callers[i], NULL);
    for (int i = 0; i < CALLERS; i++) {
        finish(thread[i]);
        check_case("caller %d of %d", i, CALLERS);
        CHECK(!callers[i].got.failed);
        CHECK(callers[i].got.hash == (callers[i].large ? expected_large : expected_small).hash);
        free(callers[i].out);
    }
}

static void *shut_down_again_and_again(void *stop)
{
    while (!__atomic_load_n((int *)stop, __ATOMIC_SEQ_CST)) {
        kldiv_shutdown();
        usleep(200);
    }
    return NULL;
}

static void shutdown_may_come_at_any_time(void)
{
    kldiv_shutdown();
    kldiv_shutdown(); /* twice is no harm */
    check_case("a call after shutdown");
    CHECK(large_calls(2, large_out).hash == expected_large.hash);

    int stop = 0;
    pthread_t other = start(shut_down_again_and_again, &stop, NULL);
    for (int round = 0; round < 5; round++) {
        check_case("shutdown while calls run");
        CHECK(large_calls(2, large_out).hash == expected_large.hash);
        many_threads_call_at_once();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    finish(other);
}

static void threads_that_cannot_be_had_are_done_without(void)
{
    static const int allowed[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        kldiv_shutdown();
        allow_threads(allowed[i]);
        answers first = large_calls(7, large_out), second = large_calls(7, large_out);
        int refused = __atomic_load_n(&threads_allowed, __ATOMIC_SEQ_CST) < 0;
        allow_threads(INT32_MAX);
        check_case("%d of 7 threads can be had", allowed[i]);
        CHECK(!first.failed && first.hash == expected_large.hash);
        CHECK(!second.failed && second.hash == expected_large.hash);
        CHECK(refused); /* or it was never asked for */
        CHECK(large_calls(7, large_out).hash == expected_large.hash);
    }
}

int main(void)
{
    make_inputs();
    check_case("the first calls, on one thread");
    expected_small = small_calls(1);
    expected_large = large_calls(1, large_out);
    CHECK(!expected_small.failed && !expected_large.failed);
    CHECK(threads_started_so_far() == 0); /* also none that are started once, by whoever asks first */

    the_bits_do_not_depend_on_the_number_of_threads();
    small_calls_and_single_threads_start_no_thread();
    a_call_goes_no_deeper_than_8_kib(); /* first: it says who goes too deep, where the next one crashes */
    stacks_of_16_kib_are_enough();
    a_forked_child_computes_the_same_bits();
    many_threads_call_at_once();
    shutdown_may_come_at_any_time();
    threads_that_cannot_be_had_are_done_without();
    kldiv_shutdown();
    return check_result("threads");
}
