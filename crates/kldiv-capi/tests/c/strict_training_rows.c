/*
 * Rows that are wrong in what models are trained with: statuses 30 to 35 cost the bad row alone, and its outputs are NaN.
 * Answers that are infinite, and rows that weigh something.
 */
#include "training_calls.h"

/* ---- bad rows ---- */

static double good_outputs[OUTPUTS * SLOT];

static void remember_good_outputs(entry_point entry, const call *c)
{
    fill_outputs();
    CHECK_STATUS(invoke(entry, c), KLDIV_OK);
    memcpy(good_outputs, output_memory, sizeof good_outputs);
    fill_outputs();
}

/* Row `bad` of every output is `want`, NaN or 0, and all others are as they were without it. */
static void expect_other_rows(entry_point entry, const call *c, size_t bad, double want)
{
    FOR_EVERY_OUTPUT(entry, o) {
        size_t width = o == 0 ? 1 : c->grad[o - 1].cols;
        const double *got = slot(output_memory, o), *good = slot(good_outputs, o);
        int wanted = 1, same = 1;
        for (size_t i = 0; entry != LOSS && i < c->view[0].rows * width; i++)
            if (i / width == bad)
                wanted &= isnan(want) ? isnan(got[i]) != 0 : got[i] == want;
            else
                same &= bits_of(got[i]) == bits_of(good[i]);
        CHECK(wanted);
        CHECK(same);
    }
    if (entry == LOSS)
        CHECK(isnan(*c->out) == isnan(want));
}

static uint32_t operand_of(entry_point entry, int view)
{
    return (uint32_t)(entry == TOPK && view == 1 ? 2 : view);
}

/* What a spoilt call says and writes under either policy; col SIZE_MAX: none is named. */
static void expect_bad_row(entry_point entry, call *c, kldiv_status status, uint32_t operand, size_t col, double value,
                           const char *how)
{
    for (uint32_t policy = KLDIV_INVALID_ERROR; policy <= KLDIV_INVALID_NAN; policy++) {
        fill_outputs();
        c->options.invalid = policy;
        check_case("%s, %s, operand %u, policy %u: %s", entries[entry].name, dtype_name(c->view[0].dtype), operand,
                   policy, how);
        CHECK_STATUS(invoke(entry, c), policy == KLDIV_INVALID_NAN ? KLDIV_OK : status);
        if (policy == KLDIV_INVALID_ERROR) {
            kldiv_error error = last_error();
            CHECK(error.status == status && error.operand == operand && error.row == BAD_ROW);
            CHECK(col == SIZE_MAX || error.col == col);
            CHECK(col == SIZE_MAX || error.value == value || (isnan(error.value) && isnan(value)));
            CHECK(error.message[0] != 0);
        }
        CHECK(untouched_but_for_the_outputs(entry, c));
        expect_other_rows(entry, c, BAD_ROW, NAN);
    }
    /* a masked row is not read */
    c->options.invalid = KLDIV_INVALID_ERROR;
    mask_memory[BAD_ROW] = 0;
    fill_outputs();
    expect_fine(entry, c, "the bad row, masked");
    expect_other_rows(entry, c, BAD_ROW, 0);
    mask_memory[BAD_ROW] = 1;
}

static int is_loss(entry_point entry) { return entry == LOSS || entry == POINTWISE || entry == LOSS_GRAD; }

static void entries_that_cannot_be_are_found_and_named(void)
{
    static const size_t columns[] = {0, 7, 16, 36};
    static const struct {
        kldiv_status status;
        double value;
    } bad[] = {{KLDIV_ERROR_NAN, NAN},
               {KLDIV_ERROR_INFINITE, HUGE_VAL},
               {KLDIV_ERROR_INFINITE, -HUGE_VAL}, /* a logit may be that, a mean may not */
               {KLDIV_ERROR_NEGATIVE, -0.5}};     /* of a target that is a probability */
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
            FOR_EVERY_VIEW(entry, x)
                for (int kind = 0; kind < 4; kind++)
                    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                        for (uint32_t log_target = 0; log_target < (is_loss(entry) ? 2u : 1u); log_target++) {
                            int probability = is_loss(entry) && x == 1 && !log_target;
                            int finite = entry == VAE || entry == VAE_GRAD;
                            if ((kind == 2 && !finite && !probability) || (kind == 3 && !probability) ||
                                (entry == LOSS_GRAD && x == 2))
                                continue;
                            call c = good_call(entry, ROWS_MAX, COLS_MAX, dtype);
                            c.options.log_target = log_target;
                            remember_good_outputs(entry, &c);
                            size_t width = c.view[x].cols, col = columns[i] % width;
                            store(view_memory[x], BAD_ROW * width + col, dtype, bad[kind].value);
                            /* an impossible class, or 0, across from it hides nothing */
                            if (i % 2 && entry != TOPK && x < 2)
                                store(view_memory[1 - x], BAD_ROW * COLS_MAX + col, dtype,
                                      finite || (is_loss(entry) && x == 0 && !log_target) ? 0 : -HUGE_VAL);
                            expect_bad_row(entry, &c, bad[kind].status, operand_of(entry, x), col, bad[kind].value,
                                           "an entry that cannot be");
                        }
}

static void rows_without_a_possible_class_have_no_mass(void)
{
    static const entry_point of_logits[] = {LOGITS, LOGITS_GRAD, TOPK};
    for (size_t i = 0; i < 3; i++)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
            for (int x = 0; x < 3; x++) /* 2: both */
                for (uint32_t measure = KLDIV_MEASURE_KL; measure <= KLDIV_MEASURE_JENSEN_SHANNON; measure++) {
                    entry_point entry = of_logits[i];
                    if (measure == KLDIV_MEASURE_JEFFREYS || (entry == TOPK && measure > KLDIV_MEASURE_GENERALIZED))
                        continue;
                    call c = good_call(entry, ROWS_MAX, COLS_MAX, dtype);
                    c.options.measure = measure;
                    remember_good_outputs(entry, &c);
                    for (int view = 0; view < 2; view++)
                        for (size_t j = 0; (x == view || x == 2) && j < c.view[view].cols; j++)
                            store(view_memory[view], BAD_ROW * c.view[view].cols + j, dtype, -HUGE_VAL);
                    expect_bad_row(entry, &c, KLDIV_ERROR_ZERO_MASS, operand_of(entry, x % 2), SIZE_MAX, 0,
                                   "a row of impossible classes");
                }
}

static void indices_that_name_no_class_of_their_own_are_named(void)
{
    static const struct {
        int64_t index;
        size_t col;
    } bad[] = {{-1, 0}, {INT64_MIN, 1}, {COLS_MAX, 2}, {COLS_MAX + 1, 3}, {INT64_MAX, 0},
               {1, 1}, {7, 3}}; /* the last two stand in the row already: 1 at place 0, 7 at place 2 */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (uint32_t topk = KLDIV_TOPK_LOGITS_RENORMALIZED; topk <= KLDIV_TOPK_LOGPROBS_RENORMALIZED; topk++) {
            call c = good_call(TOPK, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
            for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
                view_memory[0][j] -= 2.5; /* probabilities of which four do not exceed 1 */
            for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
                view_memory[0][j] = view_memory[0][j] < -1.5 ? view_memory[0][j] : -1.5;
            c.options.topk = topk;
            remember_good_outputs(TOPK, &c);
            index_memory[BAD_ROW * KEPT + bad[i].col] = bad[i].index;
            expect_bad_row(TOPK, &c, KLDIV_ERROR_INDEX, 1, bad[i].col, (double)bad[i].index, "an index");
        }
}

static void log_probabilities_that_exceed_one_are_named(void)
{
    call c = good_call(TOPK, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
        view_memory[0][j] = -2;
    c.options.topk = KLDIV_TOPK_LOGPROBS_TAIL;
    remember_good_outputs(TOPK, &c);
    view_memory[0][BAD_ROW * KEPT + 2] = 0; /* one is certain, and there are others */
    expect_bad_row(TOPK, &c, KLDIV_ERROR_NOT_NORMALIZED, 0, SIZE_MAX, 0, "log-probabilities that sum to more than 1");
    check_case("the sum is named");
    CHECK_STATUS(invoke(TOPK, &c), KLDIV_ERROR_NOT_NORMALIZED);
    CHECK(fabs(last_error().value - (1 + 3 * exp(-2))) < 1e-12);
    c.options.topk = KLDIV_TOPK_LOGPROBS_RENORMALIZED; /* where a sum means nothing */
    expect_fine(TOPK, &c, "the same, renormalized");
}

/* ---- answers that are infinite, rows that weigh something ---- */

static void an_impossible_class_that_is_possible_costs_infinity_and_no_error(void)
{
    for (int i = 0; i < 2; i++) {
        entry_point entry = i == 0 ? LOGITS_GRAD : TOPK;
        call c = good_call(entry, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        remember_good_outputs(entry, &c);
        view_memory[1][BAD_ROW * COLS_MAX + 7] = -HUGE_VAL; /* 7 is among the kept */
        expect_fine(entry, &c, "impossible for the student alone");
        CHECK(c.out[BAD_ROW] == HUGE_VAL);
        CHECK_BITS(c.out[0], slot(good_outputs, 0)[0]);
        int numbers = 1;
        FOR_EVERY_GRAD(entry, o)
            for (size_t j = 0; j < SIZE; j++)
                numbers &= isfinite(((double *)c.grad[o].data)[j]) != 0;
        CHECK(numbers);
        CHECK_BITS(((double *)c.grad[entries[entry].grads - 1].data)[BAD_ROW * COLS_MAX + 7], 0);
    }
}

static void a_row_counts_as_much_as_it_weighs(void)
{
    FOR_EVERY_ENTRY(entry) {
        call c = good_call(entry, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        remember_good_outputs(entry, &c);
        weight_memory[0] = 2;
        weight_memory[1] = 0.5;
        weight_memory[2] = 0;
        expect_fine(entry, &c, "weights 2, 1/2, 0");
        FOR_EVERY_OUTPUT(entry, o) {
            size_t width = o == 0 ? 1 : COLS_MAX;
            const double *got = slot(output_memory, o), *good = slot(good_outputs, o);
            int weighted = 1;
            for (size_t i = 0; entry != LOSS && i < ROWS_MAX * width; i++)
                weighted &= got[i] == good[i] * weight_memory[i / width];
            CHECK(weighted);
        }
    }
    double rows[ROWS_MAX], reduced = -1;
    call c = good_call(LOSS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        kldiv_view input = c.view[0], target = c.view[1];
        input.rows = target.rows = 1;
        input.data = view_memory[0] + i * COLS_MAX;
        target.data = view_memory[1] + i * COLS_MAX;
        CHECK_STATUS(kldiv_loss(&input, &target, NULL, &rows[i]), KLDIV_OK);
    }
    weight_memory[0] = 2;
    weight_memory[1] = 0.5;
    mask_memory[2] = 0;
    const double sum = 2 * rows[0] + rows[1] / 2, divisors[] = {1, 2.5 * COLS_MAX, 2.5};
    for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
        check_case("loss of weighted rows, reduction %u", reduction);
        c.options.reduction = reduction;
        CHECK_STATUS(kldiv_loss(&c.view[0], &c.view[1], &c.options, &reduced), KLDIV_OK);
        CHECK(fabs(reduced - sum / divisors[reduction]) <= 1e-15 * fabs(sum / divisors[reduction]));
        mask_memory[0] = mask_memory[1] = 0;
        CHECK_STATUS(kldiv_loss(&c.view[0], &c.view[1], &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, 0);
        mask_memory[0] = mask_memory[1] = 1;
    }
}

/* Among rows that several threads share, the first bad one is named, and all others are answered. */
static void the_first_bad_row_is_the_one_named(void)
{
    enum { MANY = 6000, WIDE = 16 };
    static const size_t spoilt[] = {777, 2345, 5999};
    double *a = (double *)allocate(MANY * WIDE * sizeof *a), *out = (double *)allocate(MANY * sizeof *out);
    double *grad = (double *)allocate(MANY * WIDE * sizeof *grad);
    int64_t *indices = (int64_t *)allocate(MANY * WIDE * sizeof *indices);
    for (size_t i = 0; i < MANY * WIDE; i++) {
        a[i] = 0.25 * (double)(i % WIDE);
        indices[i] = (int64_t)(i % WIDE);
    }
    for (size_t i = 0; i < 3; i++)
        a[spoilt[i] * WIDE + 15 - i] = i == 0 ? NAN : HUGE_VAL;
    kldiv_view view = view_of(a, MANY, WIDE, KLDIV_DTYPE_F64);
    kldiv_view_mut grad_view = view_mut_of(grad, MANY, WIDE, KLDIV_DTYPE_F64);
    for (int which = 0; which < 4; which++) {
        memset(grad, 0, MANY * WIDE * sizeof *grad);
        for (size_t i = 0; i < MANY; i++)
            out[i] = which == 0 ? (double)NAN : -1;
        check_case("one of %d rows, call %d", MANY, which);
        kldiv_status status = which == 0   ? kldiv_loss_grad(&view, &view, NULL, NULL, NULL, &grad_view)
                              : which == 1 ? kldiv_logits_grad(&view, &view, NULL, NULL, out, NULL, &grad_view)
                              : which == 2 ? kldiv_logits_topk(&view, indices, &view, NULL, NULL, out, &grad_view)
                                           : kldiv_vae_grad(&view, &view, NULL, NULL, NULL, NULL, out, NULL,
                                                            &grad_view, NULL, NULL);
        CHECK_STATUS(status, KLDIV_ERROR_NAN);
        kldiv_error error = last_error();
        CHECK(error.operand == 0 && error.row == 777 && error.col == 15);
        int as_told = 1;
        for (size_t i = 0; i < MANY; i++) {
            int bad = i == spoilt[0] || i == spoilt[1] || i == spoilt[2];
            as_told &= (isnan(grad[i * WIDE + 3]) != 0) == bad && (which == 0 || (isnan(out[i]) != 0) == bad);
            as_told &= bad || (which != 1 && which != 2) || out[i] == 0; /* a student that is the teacher */
        }
        CHECK(as_told);
    }
    free(a);
    free(out);
    free(grad);
    free(indices);
}

int main(void)
{
    entries_that_cannot_be_are_found_and_named();
    rows_without_a_possible_class_have_no_mass();
    indices_that_name_no_class_of_their_own_are_named();
    log_probabilities_that_exceed_one_are_named();
    an_impossible_class_that_is_possible_costs_infinity_and_no_error();
    a_row_counts_as_much_as_it_weighs();
    the_first_bad_row_is_the_one_named();
    kldiv_shutdown();
    return check_result("strict_training_rows");
}
