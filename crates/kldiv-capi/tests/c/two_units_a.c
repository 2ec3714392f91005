/*
 * The header from two translation units, C99 and C++11, in one program: the macros say what they should in both
 * languages, the structs have one layout, and the version is the library's. The coin is the walk of the front page.
 */
#include "check.h"
#include "two_units.h"

static void the_version_is_the_librarys(void)
{
    check_case("version macros");
    CHECK(kldiv_version() == KLDIV_VERSION);
    CHECK(KLDIV_VERSION == KLDIV_VERSION_MAJOR * 10000 + KLDIV_VERSION_MINOR * 100 + KLDIV_VERSION_PATCH);
    CHECK(kldiv_active_isa() != NULL && kldiv_active_isa()[0] != 0);
}

static void views_are_contiguous_and_of_their_dtype(const kldiv_view *views, const void *data)
{
    for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_U64; dtype++) {
        const kldiv_view *view = &views[dtype - 1];
        check_case("KLDIV_VIEW_ of %s", dtype_name(dtype));
        CHECK(view->data == data);
        CHECK(view->rows == 3 && view->cols == 2);
        CHECK(view->row_stride == 2 && view->col_stride == 1);
        CHECK(view->dtype == dtype);
    }
}

static void options_are_zero_but_for_their_size(const kldiv_options *options)
{
    check_case("KLDIV_OPTIONS_INIT");
    CHECK(options->struct_size == sizeof *options);
    CHECK(options->measure == 0 && options->normalization == 0 && options->reduction == 0 && options->invalid == 0);
    CHECK(options->log_target == 0 && options->threads == 0 && options->estimator == 0 && options->topk == 0);
    CHECK(options->log_density == 0 && options->dim == 0);
    CHECK(options->base == 0 && options->alpha == 0 && options->temperature == 0 && options->js_weight == 0);
    CHECK(options->smoothing == 0 && options->mass_tolerance == 0 && options->rel_tolerance == 0);
    CHECK(options->mask == NULL && options->weights == NULL);
}

static int near(double got, double want)
{
    return fabs(got - want) <= 1e-15 * fabs(want);
}

static void the_coin_is_explained(void)
{
    static const double p[2] = {0.5, 0.5}, q[2] = {0.7, 0.3};
    kldiv_view p_view = KLDIV_VIEW_F64(p, 1, 2), q_view = KLDIV_VIEW_F64(q, 1, 2);
    kldiv_term term[2];
    double nats = -1, bits = -1;
    const double kl = 0.08717669357238892657483526656232262; /* discrete.json, "coin" */
    check_case("the coin");
    CHECK_STATUS(kldiv_explain(&p_view, &q_view, NULL, term), KLDIV_OK);
    CHECK_STATUS(kldiv_kl(&p_view, &q_view, NULL, &nats), KLDIV_OK);
    CHECK(near(nats, kl));
    for (size_t i = 0; i < 2; i++) {
        double log_ratio = i == 0 ? -0.33647223662121290 : 0.51082562376599068; /* ln(5/7), ln(5/3) */
        check_case("outcome %lu of the coin", (unsigned long)i);
        CHECK(term[i].index == i && term[i].p == p[i] && term[i].q == q[i]);
        CHECK(near(term[i].ratio, p[i] / q[i]));
        CHECK(near(term[i].log_ratio, log_ratio));
        CHECK(near(term[i].contribution, p[i] * log_ratio));
        CHECK(near(term[i].share, term[i].contribution / nats));
    }
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.base = 2;
    CHECK_STATUS(kldiv_kl(&p_view, &q_view, &options, &bits), KLDIV_OK);
    CHECK(near(bits, kl / 0.69314718055994530942));
}

int main(void)
{
    static const double numbers[6] = {1, 2, 3, 4, 5, 6};
    const void *data = numbers;
    kldiv_options options = KLDIV_OPTIONS_INIT;
    /* typed pointers here, untyped ones in the other unit: the macros take both */
    kldiv_view views[6] = {KLDIV_VIEW_F64((const double *)data, 3, 2),  KLDIV_VIEW_F32((const float *)data, 3, 2),
                           KLDIV_VIEW_F16(data, 3, 2),                  KLDIV_VIEW_BF16(data, 3, 2),
                           KLDIV_VIEW_I64((const int64_t *)data, 3, 2), KLDIV_VIEW_U64((const uint64_t *)data, 3, 2)};
    the_version_is_the_librarys();
    views_are_contiguous_and_of_their_dtype(views, data);
    options_are_zero_but_for_their_size(&options);
    the_coin_is_explained();

    two_units_report other = two_units_other(data);
    views_are_contiguous_and_of_their_dtype(other.views, data);
    options_are_zero_but_for_their_size(&other.options);
    check_case("the other unit, %s", other.language);
    CHECK(strcmp(other.language, "C++") == 0);
    CHECK(other.options_size == sizeof(kldiv_options));
    CHECK(other.view_size == sizeof(kldiv_view) && other.view_mut_size == sizeof(kldiv_view_mut));
    CHECK(other.term_size == sizeof(kldiv_term) && other.error_size == sizeof(kldiv_error));
    CHECK(other.options_last_field == offsetof(kldiv_options, weights));
    CHECK(other.error_last_field == offsetof(kldiv_error, message));
    CHECK(other.version == kldiv_version());
    CHECK(near(other.nats, 0.08717669357238892657483526656232262));
    return check_result("two_units");
}
