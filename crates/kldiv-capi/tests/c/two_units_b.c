/*
 * The second file that includes the header, for two_units_a.c; compiled as C++11 where the other is C99.
 * Nothing in the header may be defined twice when both are linked.
 */
#include "two_units.h"

#include <stddef.h>

two_units_report two_units_other(const void *data)
{
    two_units_report report;
    const double p[2] = {0.5, 0.5}, q[2] = {0.7, 0.3};
    kldiv_options options = KLDIV_OPTIONS_INIT;
    kldiv_view views[6] = {KLDIV_VIEW_F64(data, 3, 2),  KLDIV_VIEW_F32(data, 3, 2), KLDIV_VIEW_F16(data, 3, 2),
                           KLDIV_VIEW_BF16(data, 3, 2), KLDIV_VIEW_I64(data, 3, 2), KLDIV_VIEW_U64(data, 3, 2)};
#ifdef __cplusplus
    report.language = "C++";
#else
    report.language = "C";
#endif
    report.options_size = sizeof(kldiv_options);
    report.view_size = sizeof(kldiv_view);
    report.view_mut_size = sizeof(kldiv_view_mut);
    report.term_size = sizeof(kldiv_term);
    report.error_size = sizeof(kldiv_error);
    report.options_last_field = offsetof(kldiv_options, weights);
    report.error_last_field = offsetof(kldiv_error, message);
    report.version = KLDIV_VERSION;
    report.options = options;
    for (int i = 0; i < 6; i++)
        report.views[i] = views[i];
    report.nats = -1;
    if (kldiv_kl_f64(p, q, 2, &report.nats) != KLDIV_OK)
        report.nats = -2;
    return report;
}
