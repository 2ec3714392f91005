/*
 * The same matrix in memory in every way that strides can tell. What lies between its elements is NaN in the types that
 * have it, so that a wrong stride shows, and must still be there after a call has written.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "check.h"

/* Contiguous, transposed, every third column, every second row, both axes backwards. */
enum { LAYOUTS = 5 };

typedef struct {
    unsigned char *memory;
    size_t bytes;
    kldiv_view view;
} laid_out;

static inline unsigned char *place_of(const laid_out *l, size_t i)
{
    size_t row = i / l->view.cols, col = i % l->view.cols;
    size_t first = (size_t)((const unsigned char *)l->view.data - l->memory);
    ptrdiff_t off = (ptrdiff_t)row * l->view.row_stride + (ptrdiff_t)col * l->view.col_stride;
    return l->memory + first + off * (ptrdiff_t)dtype_size(l->view.dtype);
}

/* `data` is contiguous; NULL for a matrix that is yet to be written. */
static inline laid_out lay_out(const void *data, size_t rows, size_t cols, uint32_t dtype, int layout)
{
    const ptrdiff_t row_strides[LAYOUTS] = {(ptrdiff_t)cols, 1, 3 * (ptrdiff_t)cols, 2 * (ptrdiff_t)cols,
                                            -(ptrdiff_t)cols};
    const ptrdiff_t col_strides[LAYOUTS] = {1, (ptrdiff_t)rows, 3, 1, -1};
    size_t element = dtype_size(dtype), count = rows * cols;
    laid_out l;
    l.bytes = (layout == 2 ? 3 : layout == 3 ? 2 : 1) * count * element;
    l.memory = (unsigned char *)allocate(l.bytes);
    memset(l.memory, 0xFF, l.bytes);
    l.view = view_of(l.memory + (layout == 4 ? (count - 1) * element : 0), rows, cols, dtype);
    l.view.row_stride = row_strides[layout];
    l.view.col_stride = col_strides[layout];
    for (size_t i = 0; data != NULL && i < count; i++)
        memcpy(place_of(&l, i), (const unsigned char *)data + i * element, element);
    return l;
}

static inline kldiv_view_mut writable(const laid_out *l)
{
    kldiv_view_mut view = view_mut_of(l->memory, l->view.rows, l->view.cols, l->view.dtype);
    view.data = place_of(l, 0);
    view.row_stride = l->view.row_stride;
    view.col_stride = l->view.col_stride;
    return view;
}

/* The elements become contiguous again, as doubles. Returns whether nothing was written between them. */
static inline int take_back(laid_out *l, double *out)
{
    size_t element = dtype_size(l->view.dtype);
    for (size_t i = 0; i < l->view.rows * l->view.cols; i++) {
        float narrow;
        memcpy(&narrow, place_of(l, i), sizeof narrow);
        out[i] = (double)narrow;
        if (l->view.dtype == KLDIV_DTYPE_F64)
            memcpy(&out[i], place_of(l, i), sizeof *out);
        memset(place_of(l, i), 0xFF, element);
    }
    int untouched = 1;
    for (size_t i = 0; i < l->bytes; i++)
        untouched &= l->memory[i] == 0xFF;
    free(l->memory);
    return untouched;
}

#endif
