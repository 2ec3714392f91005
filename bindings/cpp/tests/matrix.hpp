/* Matrices with the members of Eigen's that kldiv.hpp looks at, and one that has too few of them. */
#ifndef MATRIX_HPP
#define MATRIX_HPP

#include <kldiv.hpp>

#include <cstddef>
#include <cstdint>

template <class T, bool RowMajor>
class matrix {
public:
    enum { IsRowMajor = RowMajor, IsVectorAtCompileTime = 0, InnerStrideAtCompileTime = -1 };

    matrix(T *data, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t outer, std::ptrdiff_t inner)
        : data_(data), rows_(rows), cols_(cols), outer_(outer), inner_(inner)
    {
    }

    T *data() const { return data_; }
    std::ptrdiff_t rows() const { return rows_; }
    std::ptrdiff_t cols() const { return cols_; }
    std::ptrdiff_t size() const { return rows_ * cols_; }
    std::ptrdiff_t outerStride() const { return outer_; }
    std::ptrdiff_t innerStride() const { return inner_; }

private:
    T *data_;
    std::ptrdiff_t rows_, cols_, outer_, inner_;
};

/* Every inner-th number of an array: no span. */
template <class T>
class column_vector : public matrix<T, false> {
public:
    enum { IsVectorAtCompileTime = 1 };

    column_vector(T *data, std::ptrdiff_t size, std::ptrdiff_t inner)
        : matrix<T, false>(data, size, 1, size * inner, inner)
    {
    }
};

struct no_strides {
    double *data() const { return nullptr; }
    std::size_t size() const { return 4; }
    std::size_t rows() const { return 2; }
    std::size_t cols() const { return 2; }
};

/* Somebody's type of half precision. */
struct half {
    std::uint16_t bits;
};

template <>
struct kldiv::dtype<half> : kldiv::f16 {
};

#endif
