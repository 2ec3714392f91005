/*
 * Rows that are wrong: statuses 30 to 34 must write the answers of the good rows, bit for bit those of a call without the
 * bad one. Rows that are left out or weigh something; what is said about an error.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "calls.h"

#include <pthread.h>

/* ---- bad rows ---- */

#define BAD_ROW 1

/* The answers of rows 0 and 2 of `good`, each computed alone, must be those that `entry` wrote beside a bad row. */
static void expect_good_rows(entry_point entry, const call *good)
{
    size_t element = dtype_size(good->p.dtype), cols = good->p.cols;
    for (size_t row = 0; row < ROWS_MAX; row++) {
        double alone[COLS_MAX];
        kldiv_view p = good->p, q = good->q;
        p.rows = q.rows = 1;
        p.data = (const char *)p.data + row * cols * element;
        q.data = (const char *)q.data + row * cols * element;
        if (entry == ROWS) {
            double got = ((double *)OUTPUT)[row];
            if (row == BAD_ROW) {
                CHECK(isnan(got));
            } else {
                CHECK_STATUS(kldiv_rows(&p, &q, &good->options, alone), KLDIV_OK);
                CHECK_BITS(got, alone[0]);
            }
        } else {
            const double *got = (double *)OUTPUT + row * cols;
            kldiv_view_mut out = view_mut_of(alone, 1, cols, KLDIV_DTYPE_F64);
            if (row == BAD_ROW) {
                int nans = 1;
                for (size_t j = 0; j < cols; j++)
                    nans &= isnan(got[j]) != 0;
                CHECK(nans);
            } else {
                CHECK_STATUS(kldiv_terms(&p, &q, &good->options, &out), KLDIV_OK);
                CHECK(memcmp(got, alone, cols * sizeof *alone) == 0);
            }
        }
    }
}

/* A call with a bad row: what it says, where it says it is, and what it writes, under either policy. */
static void expect_bad_row(entry_point entry, call *c, kldiv_status status, uint32_t operand, const char *how)
{
    size_t bad_row = takes_rows(entry) ? BAD_ROW : 0;
    for (uint32_t policy = KLDIV_INVALID_ERROR; policy <= KLDIV_INVALID_NAN; policy++) {
        if (policy == KLDIV_INVALID_NAN && !takes_views(entry))
            continue;
        fill_outputs();
        c->options.invalid = policy;
        check_case("%s, %s, policy %u: %s", entry_names[entry], dtype_name(c->p.dtype), policy, how);
        CHECK_STATUS(invoke(entry, c), policy == KLDIV_INVALID_NAN ? KLDIV_OK : status);
        if (policy == KLDIV_INVALID_ERROR) {
            kldiv_error error = last_error();
            CHECK(error.status == status);
            CHECK(error.operand == operand);
            CHECK(error.row == bad_row);
            CHECK(error.message[0] != 0);
        }
        CHECK(untouched_but_for(output_bytes(entry, c)));
        if (entry == ROWS || entry == TERMS) {
            expect_good_rows(entry, c);
        } else if (entry == EXPLAIN) {
            int nans = 1;
            for (size_t j = 0; j < c->p.cols; j++)
                nans &= isnan(((kldiv_term *)OUTPUT)[j].contribution) != 0;
            CHECK(nans);
        } else {
            CHECK(isnan(*(double *)OUTPUT));
        }
    }
}

static void entries_that_are_no_probabilities_are_found_and_named(void)
{
    static const size_t columns[] = {0, 1, 7, 16, 31, 36};
    static const struct {
        kldiv_status status;
        double value;
        const char *how;
    } bad[] = {
        {KLDIV_ERROR_NEGATIVE, -0.5, "a negative entry"},
        {KLDIV_ERROR_NEGATIVE, -3, "a negative entry"},
        {KLDIV_ERROR_NAN, NAN, "a NaN"},
        {KLDIV_ERROR_INFINITE, HUGE_VAL, "an infinity"},
    };
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_I64; dtype++)
            for (size_t b = 0; takes_dtype(ENTRY(entry), dtype) && b < sizeof bad / sizeof *bad; b++) {
                if (dtype == KLDIV_DTYPE_I64 && bad[b].value != -3)
                    continue;
                for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                    for (uint32_t operand = 0; operand < 2; operand++) {
                        call c = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, dtype);
                        size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0, at = row * COLS_MAX + columns[i];
                        store(operand == 0 ? p_memory : q_memory, at, dtype, bad[b].value);
                        /* a zero across from it hides nothing */
                        store(operand == 0 ? q_memory : p_memory, at, dtype, i % 2 ? 0 : 1);
                        expect_bad_row(ENTRY(entry), &c, bad[b].status, operand, bad[b].how);
                        kldiv_error error = last_error();
                        CHECK(error.col == columns[i]);
                        CHECK(error.value == bad[b].value || (isnan(error.value) && isnan(bad[b].value)));
                    }
            }
}

static void the_first_bad_entry_is_the_one_named(void)
{
    FOR_EVERY_ENTRY(entry) {
        if (!takes_rows(ENTRY(entry)))
            continue;
        /* p before q within a row, the first row before the others, whatever the kind */
        call c = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        p_memory[2 * COLS_MAX] = -1;
        q_memory[COLS_MAX + 2] = NAN;
        p_memory[COLS_MAX + 5] = HUGE_VAL;
        p_memory[COLS_MAX + 7] = -1;
        check_case("%s: several bad entries", entry_names[entry_]);
        CHECK_STATUS(invoke(ENTRY(entry), &c), KLDIV_ERROR_INFINITE);
        kldiv_error error = last_error();
        CHECK(error.operand == 0 && error.row == 1 && error.col == 5);
        p_memory[COLS_MAX + 5] = p_memory[COLS_MAX + 7] = 1;
        CHECK_STATUS(invoke(ENTRY(entry), &c), KLDIV_ERROR_NAN);
        error = last_error();
        CHECK(error.operand == 1 && error.row == 1 && error.col == 2);
        /* a call that works leaves the last failure where it is */
        call good = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        CHECK_STATUS(invoke(ENTRY(entry), &good), KLDIV_OK);
        CHECK(last_error().status == KLDIV_ERROR_NAN);
    }

    /* among rows that several threads share */
    const size_t rows = 20000, cols = 16;
    double *p = (double *)allocate(rows * cols * sizeof *p), *out = (double *)allocate(rows * sizeof *out);
    for (size_t i = 0; i < rows * cols; i++)
        p[i] = 1.0 / (double)cols;
    p[19999 * cols] = NAN;
    p[12345 * cols + 3] = -1;
    p[777 * cols + 15] = HUGE_VAL;
    kldiv_view view = view_of(p, rows, cols, KLDIV_DTYPE_F64);
    check_case("one of 20000 rows");
    CHECK_STATUS(kldiv_rows(&view, &view, NULL, out), KLDIV_ERROR_INFINITE);
    CHECK(last_error().row == 777 && last_error().col == 15);
    int others = 1;
    for (size_t i = 0; i < rows; i++)
        others &= i == 777 || i == 12345 || i == 19999 ? isnan(out[i]) != 0 : out[i] == 0;
    CHECK(others);
    free(p);
    free(out);
}

static void rows_without_mass_cannot_be_normalized(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; takes_views(ENTRY(entry)) && dtype <= KLDIV_DTYPE_U64; dtype++)
            for (uint32_t operand = 0; operand < 2; operand++) {
                call c = good_call(ENTRY(entry), ROWS_MAX, 4, dtype);
                size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0;
                for (size_t j = 0; j < 4; j++)
                    store(operand == 0 ? p_memory : q_memory, row * 4 + j, dtype, 0);
                c.options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
                expect_bad_row(ENTRY(entry), &c, KLDIV_ERROR_ZERO_MASS, operand, "a row of zeros");
                fill_outputs();
                c.options.invalid = KLDIV_INVALID_ERROR;
                c.options.smoothing = 0.5; /* gives it mass */
                expect_fine(ENTRY(entry), &c, "a row of zeros, smoothed");
            }
    call c = good_call(ROWS, ROWS_MAX, 4, KLDIV_DTYPE_F64);
    memset(p_memory, 0, sizeof p_memory);
    expect_fine(ROWS, &c, "rows of zeros, as given");
    CHECK(((double *)OUTPUT)[0] == 0 && ((double *)OUTPUT)[1] == 0 && ((double *)OUTPUT)[2] == 0);
}

static void rows_that_must_sum_to_one_and_do_not_are_refused(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; takes_views(ENTRY(entry)) && dtype <= KLDIV_DTYPE_BF16; dtype++)
            for (uint32_t operand = 0; operand < 2; operand++) {
                call c = good_call(ENTRY(entry), ROWS_MAX, 4, dtype);
                size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0;
                for (size_t i = 0; i < 4 * c.p.rows; i++) {
                    store(p_memory, i, dtype, 0.25);
                    store(q_memory, i, dtype, i % 2 ? 0.125 : 0.375);
                }
                c.options.normalization = KLDIV_NORMALIZATION_REQUIRE;
                expect_fine(ENTRY(entry), &c, "rows that sum to 1");
                fill_outputs();
                store(operand == 0 ? p_memory : q_memory, row * 4, dtype, 0.5);
                c.options.mass_tolerance = 0.375;
                expect_fine(ENTRY(entry), &c, "a sum within mass_tolerance");
                c.options.mass_tolerance = 0;
                expect_bad_row(ENTRY(entry), &c, KLDIV_ERROR_NOT_NORMALIZED, operand, "a sum that is not 1");
            }
}

/* ---- rows that are left out, and what rows weigh ---- */

static void a_masked_row_is_not_read_and_gives_zero(void)
{
    static const uint8_t mask[ROWS_MAX] = {1, 0, 255};
    call c = good_call(ROWS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    double all[ROWS_MAX], kept[ROWS_MAX], reduced = -1;
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, NULL, all), KLDIV_OK);
    p_memory[COLS_MAX + 3] = NAN;
    q_memory[COLS_MAX + 4] = -1;
    c.options.mask = mask;
    check_case("a bad row, masked");
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, &c.options, kept), KLDIV_OK);
    CHECK_BITS(kept[0], all[0]);
    CHECK_BITS(kept[1], 0);
    CHECK_BITS(kept[2], all[2]);

    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, all[0] + all[2]);
    for (uint32_t mean = KLDIV_REDUCTION_MEAN; mean <= KLDIV_REDUCTION_BATCHMEAN; mean++) {
        c.options.reduction = mean;
        CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, (all[0] + all[2]) / 2);
    }

    expect_fine(TERMS, &c, "a bad row, masked");
    int zeros = 1;
    for (size_t j = 0; j < COLS_MAX; j++)
        zeros &= ((double *)OUTPUT)[COLS_MAX + j] == 0;
    CHECK(zeros);

    static const uint8_t nothing[ROWS_MAX] = {0, 0, 0};
    c.options.mask = nothing;
    for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
        check_case("nothing kept, reduction %u", reduction);
        c.options.reduction = reduction;
        CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, 0);
    }
}

static void a_row_counts_as_much_as_it_weighs(void)
{
    static const double weights[ROWS_MAX] = {2, 0.5, 0};
    static const uint8_t mask[ROWS_MAX] = {1, 0, 1};
    call c = good_call(ROWS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    double plain[ROWS_MAX], weighted[ROWS_MAX], reduced = -1;
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, NULL, plain), KLDIV_OK);
    c.options.weights = weights;
    check_case("weights 2, 1/2, 0");
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, &c.options, weighted), KLDIV_OK);
    CHECK_BITS(weighted[0], 2 * plain[0]);
    CHECK_BITS(weighted[1], plain[1] / 2);
    CHECK(weighted[2] == 0);
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, weighted[0] + weighted[1]);
    c.options.reduction = KLDIV_REDUCTION_MEAN;
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, (weighted[0] + weighted[1]) / 2.5);
    c.options.mask = mask;
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, weighted[0] / 2);
}

static void entropy_does_not_look_at_q(void)
{
    FOR_EVERY_ENTRY(entry) {
        if (!takes_rows(ENTRY(entry)))
            continue;
        double with_q[2 * 4], without_q[2 * 4];
        call c = plain_call(ENTRY(entry));
        size_t bytes = output_bytes(ENTRY(entry), &c);
        q_memory[0] = NAN;
        c.options.measure = KLDIV_MEASURE_ENTROPY;
        expect_fine(ENTRY(entry), &c, "entropy beside a q with a NaN");
        memcpy(with_q, OUTPUT, bytes);
        fill_outputs();
        c.without_q = 1;
        expect_fine(ENTRY(entry), &c, "entropy without q");
        memcpy(without_q, OUTPUT, bytes);
        CHECK(memcmp(with_q, without_q, bytes) == 0);
        CHECK(with_q[0] > 0);
    }
}

/* ---- what is said about an error ---- */

static void last_error_fills_no_more_than_the_struct_it_is_given(void)
{
    union {
        kldiv_error error;
        unsigned char bytes[sizeof(kldiv_error) + 64];
    } got, whole;
    call c = plain_call(ROWS);
    p_memory[5] = -7;
    check_case("struct_size of kldiv_last_error");
    CHECK_STATUS(invoke(ROWS, &c), KLDIV_ERROR_NEGATIVE);
    memset(&whole, 0x5A, sizeof whole);
    whole.error.struct_size = sizeof whole.error;
    kldiv_last_error(&whole.error);
    CHECK(whole.error.struct_size == sizeof whole.error);
    CHECK(whole.error.status == KLDIV_ERROR_NEGATIVE && whole.error.operand == 0);
    CHECK(whole.error.row == 1 && whole.error.col == 1 && whole.error.value == -7);
    size_t length = strlen(whole.error.message);
    CHECK(length > 0 && length < sizeof whole.error.message);
    CHECK(strstr(whole.error.message, "-7") != NULL); /* the culprit is named */

    const size_t fields[] = {offsetof(kldiv_error, status), offsetof(kldiv_error, operand), offsetof(kldiv_error, row),
                             offsetof(kldiv_error, col), offsetof(kldiv_error, value), offsetof(kldiv_error, message)};
    for (size_t known = 0; known <= sizeof got; known++) {
        check_case("kldiv_last_error with struct_size %u", (unsigned)known);
        memset(&got, 0x5A, sizeof got);
        got.error.struct_size = known;
        kldiv_last_error(&got.error);
        CHECK(got.error.struct_size == known);
        size_t beyond = known < sizeof(size_t) ? sizeof(size_t)
                        : known < sizeof(kldiv_error) ? known : sizeof(kldiv_error);
        int kept = 1;
        for (size_t i = beyond; i < sizeof got; i++)
            kept &= got.bytes[i] == 0x5A;
        CHECK(kept);
        /* every field that fits is there; the message as far as it goes, always ended */
        for (size_t i = 0; i + 1 < sizeof fields / sizeof *fields; i++) {
            size_t end = i + 2 < sizeof fields / sizeof *fields ? fields[i + 1] : fields[i] + sizeof(double);
            if (known >= end)
                CHECK(memcmp(got.bytes + fields[i], whole.bytes + fields[i], end - fields[i]) == 0);
        }
        if (known > offsetof(kldiv_error, message)) {
            size_t room = (known < sizeof(kldiv_error) ? known : sizeof(kldiv_error)) - offsetof(kldiv_error, message);
            size_t said = length < room - 1 ? length : room - 1;
            CHECK(memchr(got.error.message, 0, room) == got.error.message + said);
            CHECK(memcmp(got.error.message, whole.error.message, said) == 0);
        }
    }
    kldiv_last_error(NULL); /* nothing to fill */
}

static void *fail_on_another_thread(void *result)
{
    kldiv_error *seen = (kldiv_error *)result;
    double out;
    seen[0] = last_error(); /* of a thread that has not failed */
    if (kldiv_kl_f64(NULL, NULL, 1, &out) == KLDIV_OK)
        return NULL;
    seen[1] = last_error();
    return result;
}

static void the_last_error_belongs_to_its_thread(void)
{
    kldiv_error elsewhere[2];
    pthread_t thread;
    void *result = NULL;
    call c = plain_call(ROWS);
    q_memory[2] = NAN;
    check_case("errors of two threads");
    CHECK_STATUS(invoke(ROWS, &c), KLDIV_ERROR_NAN);
    if (pthread_create(&thread, NULL, fail_on_another_thread, elsewhere) != 0 || pthread_join(thread, &result) != 0)
        give_up("no thread");
    CHECK(result == elsewhere);
    CHECK(elsewhere[0].status == KLDIV_OK && elsewhere[0].message[0] == 0);
    CHECK(elsewhere[1].status == KLDIV_ERROR_NULL_POINTER);
    kldiv_error here = last_error();
    CHECK(here.status == KLDIV_ERROR_NAN && here.operand == 1 && here.row == 0 && here.col == 2);
}

static void every_status_has_a_message_of_its_own(void)
{
    static const kldiv_status known[] = {
        KLDIV_OK, KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP,
        KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS, KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY, KLDIV_ERROR_NEGATIVE,
        KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE, KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED, KLDIV_ERROR_INDEX,
        KLDIV_ERROR_PARAMETER, KLDIV_ERROR_NOT_POSITIVE_DEFINITE, KLDIV_ERROR_UNSUPPORTED_PAIR,
        KLDIV_ERROR_NOT_CONVERGED, KLDIV_ERROR_DEGENERATE, KLDIV_ERROR_STATE, KLDIV_ERROR_OUT_OF_MEMORY,
        KLDIV_ERROR_INTERNAL};
    static const kldiv_status unknown[] = {-1, 1, 98, 100, INT32_MAX, INT32_MIN};
    const size_t count = sizeof known / sizeof *known;
    for (size_t i = 0; i < count; i++) {
        const char *message = kldiv_status_message(known[i]);
        check_case("message of status %d", (int)known[i]);
        if (!CHECK(message != NULL && message[0] != 0))
            continue;
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(message, kldiv_status_message(known[j])) != 0);
        for (size_t j = 0; j < sizeof unknown / sizeof *unknown; j++) {
            const char *none = kldiv_status_message(unknown[j]);
            CHECK(none != NULL && none[0] != 0 && strcmp(none, message) != 0);
        }
    }
}

int main(void)
{
    entries_that_are_no_probabilities_are_found_and_named();
    the_first_bad_entry_is_the_one_named();
    rows_without_mass_cannot_be_normalized();
    rows_that_must_sum_to_one_and_do_not_are_refused();
    a_masked_row_is_not_read_and_gives_zero();
    a_row_counts_as_much_as_it_weighs();
    entropy_does_not_look_at_q();
    last_error_fills_no_more_than_the_struct_it_is_given();
    the_last_error_belongs_to_its_thread();
    every_status_has_a_message_of_its_own();
    kldiv_shutdown();
    return check_result("strict_rows");
}
