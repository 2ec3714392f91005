package kldiv

// #include "call.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Partial is the sums of the terms of a part of the outcomes of two distributions: what is merged with those of other
// parts. Neither the split into parts nor the order of updates and merges changes a bit of it. One goroutine uses it at
// a time. It is made by [NewPartial], or from bytes: they are the same on every machine and in every language.
type Partial struct{ state C.kldiv_partial }

// NewPartial has nothing added. o.Measure says what it will answer: KL, generalized, reverse, Jeffreys, entropy or
// cross entropy; o.Invalid whether a bad entry fails its update, which then changes nothing, or makes the value NaN.
func NewPartial(o *Options) (*Partial, error) {
	s := &Partial{}
	c := newCall(C.GO_PARTIAL_INIT, o)
	c.state = &s.state
	if err := c.run(); err != nil {
		return nil, err
	}
	return s, nil
}

// Update adds pairs of elements: all of p, and those of q in the same places. Of an entropy q may be nil.
func (s *Partial) Update(p, q View) error {
	c := newCall(C.GO_PARTIAL_UPDATE, nil, p, q)
	c.state = &s.state
	return c.run()
}

// Merge adds what another state holds.
func (s *Partial) Merge(from *Partial) error {
	c := newCall(C.GO_PARTIAL_MERGE, nil)
	c.state, c.from = &s.state, &from.state
	return c.run()
}

// Value is the measure of all that was added. With Normalize it is that of the distributions that the elements are
// counts or weights of.
func (s *Partial) Value(o *Options) (float64, error) {
	c := newCall(C.GO_PARTIAL_VALUE, o)
	c.state = &s.state
	return c.number()
}

// MarshalBinary is the state as bytes.
func (s *Partial) MarshalBinary() ([]byte, error) {
	return append([]byte(nil), s.bytes()...), nil
}

// UnmarshalBinary takes a state from bytes. Whether they are one is seen when it is used: [ErrState].
func (s *Partial) UnmarshalBinary(data []byte) error {
	if len(data) != len(s.bytes()) {
		return &Error{Status: ErrState,
			Message: fmt.Sprintf("a state has %d bytes, not %d", len(s.bytes()), len(data))}
	}
	copy(s.bytes(), data)
	return nil
}

func (s *Partial) bytes() []byte {
	return (*[unsafe.Sizeof(s.state)]byte)(unsafe.Pointer(&s.state))[:]
}
