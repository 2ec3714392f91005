/* What the other translation unit found, in its own language. */
#ifndef TWO_UNITS_H
#define TWO_UNITS_H

#include <kldiv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *language;
    size_t options_size, view_size, view_mut_size, term_size, error_size;
    size_t options_last_field, error_last_field;
    uint32_t version;
    kldiv_options options;
    kldiv_view views[6]; /* one of each dtype, 3 x 2, of the pointer it was given */
    double nats;         /* of the coin */
} two_units_report;

two_units_report two_units_other(const void *data);

#ifdef __cplusplus
}
#endif

#endif
