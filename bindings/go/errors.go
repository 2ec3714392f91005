package kldiv

// #include <kldiv.h>
import "C"

// Status is what was wrong with a call. Each is an error that [errors.Is] finds: errors.Is(err, kldiv.ErrNegative).
type Status int32

// What can be wrong: 10 to 21 and 60 speak of arguments that make the call meaningless, 30 to 51 of values in the
// data, 90 and 99 of the machine and the library.
const (
	ErrNullPointer         Status = C.KLDIV_ERROR_NULL_POINTER          // a matrix that must not be nil is
	ErrMisaligned          Status = C.KLDIV_ERROR_MISALIGNED            // a slice is not aligned to its elements
	ErrSizeOverflow        Status = C.KLDIV_ERROR_SIZE_OVERFLOW         // sizes span more than memory can hold
	ErrOverlap             Status = C.KLDIV_ERROR_OVERLAP               // an output shares memory with an input or itself
	ErrDType               Status = C.KLDIV_ERROR_DTYPE                 // an element type cannot be used here
	ErrOptions             Status = C.KLDIV_ERROR_OPTIONS               // an option makes no sense
	ErrShapeMismatch       Status = C.KLDIV_ERROR_SHAPE_MISMATCH        // two shapes that must agree do not
	ErrEmpty               Status = C.KLDIV_ERROR_EMPTY                 // there are no outcomes
	ErrNegative            Status = C.KLDIV_ERROR_NEGATIVE              // a probability or count is negative
	ErrNaN                 Status = C.KLDIV_ERROR_NAN                   // an entry is not a number
	ErrInfinite            Status = C.KLDIV_ERROR_INFINITE              // an entry is infinite
	ErrZeroMass            Status = C.KLDIV_ERROR_ZERO_MASS             // a row that is to be normalized sums to 0
	ErrNotNormalized       Status = C.KLDIV_ERROR_NOT_NORMALIZED        // a row that must sum to 1 does not
	ErrIndex               Status = C.KLDIV_ERROR_INDEX                 // an index is out of range
	ErrParameter           Status = C.KLDIV_ERROR_PARAMETER             // a parameter is outside its domain
	ErrNotPositiveDefinite Status = C.KLDIV_ERROR_NOT_POSITIVE_DEFINITE // a matrix is not positive definite
	ErrUnsupportedPair     Status = C.KLDIV_ERROR_UNSUPPORTED_PAIR      // there is no answer for this pair of families
	ErrNotConverged        Status = C.KLDIV_ERROR_NOT_CONVERGED         // the tolerance was not reached
	ErrDegenerate          Status = C.KLDIV_ERROR_DEGENERATE            // the samples do not determine an estimate
	ErrState               Status = C.KLDIV_ERROR_STATE                 // a state is not one that the library made
	ErrOutOfMemory         Status = C.KLDIV_ERROR_OUT_OF_MEMORY         // memory could not be had
	ErrInternal            Status = C.KLDIV_ERROR_INTERNAL              // a fault of the library; please report it
)

func (s Status) Error() string {
	return "kldiv: " + C.GoString(C.kldiv_status_message(C.kldiv_status(s)))
}

// Error is what went wrong in a call. [errors.Is] compares it with a [Status].
type Error struct {
	Status  Status
	Operand int     // which input: 0 is the first
	Row     int     // the row of the first bad entry, from 0
	Col     int     // its column, from 0
	Value   float64 // its value
	Message string  // a sentence that names the culprit
}

func (e *Error) Error() string { return "kldiv: " + e.Message }

// Unwrap is the status.
func (e *Error) Unwrap() error { return e.Status }
