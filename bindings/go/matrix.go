package kldiv

// #include "call.h"
import "C"

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// Float16 is the bits of an IEEE binary16 number.
type Float16 uint16

// BFloat16 is the bits of a bfloat16 number: the upper half of a float32.
type BFloat16 uint16

// Element is what vectors and matrices are made of. int64 and uint64 are counts; they are inputs only.
type Element interface {
	float64 | float32 | Float16 | BFloat16 | int64 | uint64
}

// View is a matrix of any element type: a [Matrix]. Where a function takes a View that is not wanted, nil stands for
// it.
type View interface {
	view() (C.kldiv_view, *C.char, *Error)
}

// Matrix is a slice seen as a matrix: each row a distribution, each column an outcome. Element (i, j) is
// Data[Offset + i*RowStride + j*ColStride]. Inputs may repeat a row or a column, by a stride of 0; a negative stride
// walks backwards.
type Matrix[T Element] struct {
	Data                 []T
	Rows, Cols           int
	RowStride, ColStride int
	Offset               int
}

// NewMatrix is data as rows x cols, row after row.
func NewMatrix[T Element](data []T, rows, cols int) Matrix[T] {
	return Matrix[T]{Data: data, Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}

// Zeros is a new matrix of zeros: room for a result.
func Zeros[T Element](rows, cols int) Matrix[T] {
	return NewMatrix(make([]T, rows*cols), rows, cols)
}

// Row is a vector as a matrix of one row.
func Row[T Element](data []T) Matrix[T] { return NewMatrix(data, 1, len(data)) }

// Repeat is one vector that stands for each of so many rows.
func Repeat[T Element](data []T, rows int) Matrix[T] {
	m := NewMatrix(data, rows, len(data))
	m.RowStride = 0
	return m
}

// T is the same elements with rows and columns exchanged.
func (m Matrix[T]) T() Matrix[T] {
	m.Rows, m.Cols, m.RowStride, m.ColStride = m.Cols, m.Rows, m.ColStride, m.RowStride
	return m
}

// At is element (i, j).
func (m Matrix[T]) At(i, j int) T { return m.Data[m.Offset+i*m.RowStride+j*m.ColStride] }

// view sees to it that all elements lie within Data, which C cannot.
func (m Matrix[T]) view() (C.kldiv_view, *C.char, *Error) {
	shape := C.kldiv_view{
		rows: C.size_t(m.Rows), cols: C.size_t(m.Cols),
		row_stride: C.ptrdiff_t(m.RowStride), col_stride: C.ptrdiff_t(m.ColStride),
		dtype: dtype[T](),
	}
	if m.Rows < 0 || m.Cols < 0 {
		return shape, nil, &Error{Status: ErrShapeMismatch,
			Message: fmt.Sprintf("a matrix of %d x %d elements", m.Rows, m.Cols)}
	}
	if m.Rows == 0 || m.Cols == 0 {
		return shape, nil, nil
	}
	last := uint64(len(m.Data)) // how far to either side an element may lie at most
	up, down, fits := uint64(0), uint64(0), m.Offset >= 0 && m.Offset < len(m.Data)
	for _, axis := range [2][2]int{{m.Rows, m.RowStride}, {m.Cols, m.ColStride}} {
		stride, side := uint64(axis[1]), &up
		if axis[1] < 0 {
			stride, side = -stride, &down
		}
		high, reach := bits.Mul64(uint64(axis[0]-1), stride)
		fits = fits && high == 0 && reach < last
		*side += reach
	}
	if !fits || up >= last-uint64(m.Offset) || down > uint64(m.Offset) {
		return shape, nil, &Error{Status: ErrShapeMismatch,
			Message: fmt.Sprintf("a slice of %d elements does not hold %d x %d with strides %d, %d from %d on",
				len(m.Data), m.Rows, m.Cols, m.RowStride, m.ColStride, m.Offset)}
	}
	return shape, (*C.char)(unsafe.Pointer(&m.Data[m.Offset])), nil
}

func dtype[T Element]() C.uint32_t {
	var element T
	switch any(element).(type) {
	case float64:
		return C.KLDIV_DTYPE_F64
	case float32:
		return C.KLDIV_DTYPE_F32
	case Float16:
		return C.KLDIV_DTYPE_F16
	case BFloat16:
		return C.KLDIV_DTYPE_BF16
	case int64:
		return C.KLDIV_DTYPE_I64
	default:
		return C.KLDIV_DTYPE_U64
	}
}
