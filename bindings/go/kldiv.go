// Package kldiv computes the Kullback-Leibler divergence and its relatives, by libkldiv.
//
// D(P || Q) = sum p ln(p / q) is what is lost, per outcome, by taking Q for what is really P:
//
//	nats, err := kldiv.KL([]float64{0.5, 0.5}, []float64{0.7, 0.3}) // 0.0872
//
// P comes first, Q second. 0 ln(0 / q) is 0; where q is 0 and p is not, the divergence is infinite: that is an answer,
// not an error. Results are in nats unless [Options.Base] is set. Negative, NaN and infinite probabilities are errors,
// which name the operand, row and column: see [Error].
//
// Matrices are slices with a shape and strides, [Matrix], of any [Element] type and mixed at will; no element is
// copied. All functions may be called from any goroutine, as long as no one writes to the inputs of a call that is
// under way or touches its outputs. Large calls share their rows among threads of the library's own
// ([Options.Threads]); the results have the same bits for any number of them.
//
// Where an error is of the data (status 30 and more), the results come with it: bad rows are NaN and all others are
// answered.
package kldiv

// #cgo LDFLAGS: -lkldiv
// #include "call.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Version is the version of the library that runs: major*10000 + minor*100 + patch.
func Version() int { return int(C.kldiv_version()) }

// ActiveISA is the instruction set whose kernels run on this machine. Results do not depend on it.
func ActiveISA() string { return C.GoString(C.kldiv_active_isa()) }

// call is what a function of the library is given. Its pointers are to types without pointers, all of them arguments
// of their own: what cgo's rules allow.
type call struct {
	function C.go_function
	numbers  C.go_numbers
	data     [C.GO_VIEWS]*C.char
	mask     *C.uint8_t
	weights  *C.double
	upstream *C.double
	indices  *C.int64_t
	terms    *C.kldiv_term
	out      *C.double
	more     *C.double
	state    *C.kldiv_partial
	from     *C.kldiv_partial
	err      error // what was found wrong before the call
}

// newCall has the options and the views in the order of the C function; a nil view is NULL there. The mask and the
// weights are of the first view's rows.
func newCall(function C.go_function, o *Options, views ...View) *call {
	c := &call{function: function}
	for i, v := range views {
		if v == nil {
			continue
		}
		shape, data, err := v.view()
		if err != nil {
			c.fail(i, *err)
			continue
		}
		c.numbers.views[i], c.numbers.wanted[i], c.data[i] = shape, 1, data
	}
	if o == nil {
		return c
	}
	c.numbers.options = o.numbers()
	if o.Threads < 0 {
		c.fail(0, Error{Status: ErrOptions, Value: float64(o.Threads), Message: "Threads is negative"})
	}
	if o.Mask != nil {
		c.want("Mask", len(o.Mask), c.rows())
		if len(o.Mask) > 0 {
			c.mask = (*C.uint8_t)(unsafe.Pointer(&o.Mask[0]))
		}
	}
	if o.Weights != nil {
		c.want("Weights", len(o.Weights), c.rows())
		c.weights = doubles(o.Weights)
	}
	return c
}

// rows is the number of rows of the first matrix.
func (c *call) rows() int { return int(c.numbers.views[0].rows) }

// cols is the number of columns of the first matrix.
func (c *call) cols() int { return int(c.numbers.views[0].cols) }

// want sees to a slice's length, which C cannot.
func (c *call) want(what string, length, wanted int) {
	if length != wanted {
		c.fail(0, Error{Status: ErrShapeMismatch,
			Message: fmt.Sprintf("%s has %d elements; it needs %d", what, length, wanted)})
	}
}

func (c *call) fail(operand int, err Error) {
	if c.err == nil {
		err.Operand = operand
		c.err = &err
	}
}

// upstreamOf takes the gradients that come from further on: one for each row, or nil for 1.
func (c *call) upstreamOf(upstream []float64) {
	if upstream != nil {
		c.want("upstream", len(upstream), c.rows())
		c.upstream = doubles(upstream)
	}
}

func (c *call) run() error {
	if c.err != nil {
		return c.err
	}
	var e C.kldiv_error
	d := &c.data
	status := C.kldiv_go_call(c.function, &c.numbers, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], c.mask, c.weights,
		c.upstream, c.indices, c.terms, c.out, c.more, c.state, c.from, &e)
	if status == C.KLDIV_OK {
		return nil
	}
	return &Error{Status(status), int(e.operand), int(e.row), int(e.col), float64(e.value), C.GoString(&e.message[0])}
}

// number runs a call whose result is one number.
func (c *call) number() (float64, error) {
	out := make([]float64, 1)
	c.out = doubles(out)
	err := c.run()
	if c.nothingWritten(err) {
		return 0, err
	}
	return out[0], err
}

// numbersOf runs a call whose result is n numbers.
func (c *call) numbersOf(n int) ([]float64, error) {
	if c.err != nil {
		return nil, c.err
	}
	out := make([]float64, n)
	c.out = doubles(out)
	err := c.run()
	if c.nothingWritten(err) {
		return nil, err
	}
	return out, err
}

// nothingWritten says whether a call made no sense: then there are no results.
func (c *call) nothingWritten(err error) bool {
	e, failed := err.(*Error)
	return failed && (e.Status < ErrNegative || e.Status == ErrUnsupportedPair || e.Status == ErrOutOfMemory)
}

func doubles(s []float64) *C.double {
	if len(s) == 0 {
		return nil
	}
	return (*C.double)(unsafe.Pointer(&s[0]))
}
