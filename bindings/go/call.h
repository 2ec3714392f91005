// One C function through which all calls go. A Go program may hand C a pointer to memory of its own only if that
// memory holds no other such pointer: so the pointers come one by one, and what holds several, views and options, is
// put together here, on C's stack. An error belongs to the thread that ran into it: so it is fetched here too.
#ifndef KLDIV_GO_CALL_H
#define KLDIV_GO_CALL_H

#include <kldiv.h>

typedef enum {
    GO_KL_F64,
    GO_KL_F32,
    GO_KL,
    GO_ROWS,
    GO_TERMS,
    GO_EXPLAIN,
    GO_PAIRWISE,
    GO_NEAREST,
    GO_LOSS,
    GO_LOSS_POINTWISE,
    GO_LOSS_GRAD,
    GO_LOGITS,
    GO_LOGITS_GRAD,
    GO_LOGITS_TOPK,
    GO_VAE,
    GO_VAE_GRAD,
    GO_FAMILY,
    GO_FAMILY_GRAD,
    GO_QUADRATURE,
    GO_KNN,
    GO_MONTE_CARLO,
    GO_PARTIAL_INIT,
    GO_PARTIAL_UPDATE,
    GO_PARTIAL_MERGE,
    GO_PARTIAL_VALUE,
} go_function;

enum { GO_VIEWS = 8 };

// Everything but pointers.
typedef struct {
    kldiv_options options;      // mask and weights are NULL
    kldiv_view views[GO_VIEWS]; // data is NULL
    int wanted[GO_VIEWS];       // 0: the view itself is NULL
    uint32_t p_family, q_family;
    size_t k, n;
    double lower, upper;
    uintptr_t densities; // a cgo.Handle
} go_numbers;

kldiv_status kldiv_go_call(go_function function, const go_numbers *numbers, char *d0, char *d1, char *d2, char *d3,
                           char *d4, char *d5, char *d6, char *d7, const uint8_t *mask, const double *weights,
                           const double *upstream, int64_t *indices, kldiv_term *terms, double *out, double *more,
                           kldiv_partial *state, const kldiv_partial *from, kldiv_error *error);

#endif
