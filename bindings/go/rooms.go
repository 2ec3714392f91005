package kldiv

// #include "call.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// KL is the Kullback-Leibler divergence of two vectors of probabilities, in nats: sum p ln(p / q).
func KL[T float64 | float32](p, q []T) (float64, error) {
	if len(p) != len(q) {
		return 0, &Error{Status: ErrShapeMismatch,
			Message: fmt.Sprintf("p has %d outcomes and q has %d", len(p), len(q))}
	}
	c := newCall(C.GO_KL_F64, nil, Row(p), Row(q))
	if dtype[T]() == C.KLDIV_DTYPE_F32 {
		c.function = C.GO_KL_F32
	}
	c.numbers.n = C.size_t(len(p))
	if len(p) == 0 { // a NULL pointer would be the complaint
		c.fail(0, Error{Status: ErrEmpty, Message: "there are no outcomes"})
	}
	return c.number()
}

// Divergence is the divergence of two vectors, or whatever o.Measure asks for. Of an entropy q may be nil.
func Divergence[P, Q Element](p []P, q []Q, o *Options) (float64, error) {
	if q == nil {
		return Reduce(Row(p), nil, o)
	}
	return Reduce(Row(p), Row(q), o)
}

// Reduce is the divergences of all rows as one number, by o.Reduction: the sum, or the mean of the rows that are kept.
func Reduce(p, q View, o *Options) (float64, error) {
	return newCall(C.GO_KL, o, p, q).number()
}

// Rows is the divergence of each row of p from the same row of q, or whatever o.Measure asks for.
func Rows(p, q View, o *Options) ([]float64, error) {
	c := newCall(C.GO_ROWS, o, p, q)
	return c.numbersOf(c.rows())
}

// Terms writes the terms of the sum, element by element, to out, which has the shape of p and a floating-point type.
func Terms(p, q View, o *Options, out View) error {
	return newCall(C.GO_TERMS, o, p, q, out).run()
}

// Term is one outcome's part of a divergence.
type Term struct {
	Index        int
	P, Q         float64
	Ratio        float64 // p / q
	LogRatio     float64 // its logarithm
	Contribution float64 // what it adds to the measure
	Share        float64 // that, as a part of the measure
}

// Explain is how the divergence of two vectors comes about, outcome by outcome.
func Explain[P, Q Element](p []P, q []Q, o *Options) ([]Term, error) {
	c := newCall(C.GO_EXPLAIN, o, Row(p), Row(q))
	raw := make([]C.kldiv_term, len(p)+1) // so that there is a first one
	c.terms = &raw[0]
	err := c.run()
	if c.nothingWritten(err) {
		return nil, err
	}
	terms := make([]Term, len(p))
	for i := range terms {
		t := &raw[i]
		terms[i] = Term{int(t.index), float64(t.p), float64(t.q), float64(t.ratio), float64(t.log_ratio),
			float64(t.contribution), float64(t.share)}
	}
	return terms, err
}

// Pairwise is the divergence of every row of p from every row of q: row i against row j at [i*k + j], where q has k
// rows.
func Pairwise(p, q View, o *Options) ([]float64, error) {
	c := newCall(C.GO_PAIRWISE, o, p, q)
	return c.numbersOf(c.rows() * int(c.numbers.views[1].rows))
}

// Nearest is the k rows of q with the smallest divergences from each row of p, the smallest first, and these
// divergences: row i's at [i*k : (i+1)*k]. An index of -1 is that of no row: there p is bad or masked, or no good row
// of q is left.
func Nearest(p, q View, k int, o *Options) (index []int, out []float64, err error) {
	c := newCall(C.GO_NEAREST, o, p, q)
	if k < 0 || k > int(c.numbers.views[1].rows) {
		c.fail(0, Error{Status: ErrOptions, Value: float64(k),
			Message: fmt.Sprintf("k is %d; q has %d rows", k, int(c.numbers.views[1].rows))})
		return nil, nil, c.err
	}
	c.numbers.k = C.size_t(k)
	raw := make([]int64, c.rows()*k+1)
	c.indices = (*C.int64_t)(unsafe.Pointer(&raw[0]))
	out, err = c.numbersOf(c.rows() * k)
	if out == nil {
		return nil, nil, err
	}
	index = make([]int, len(out))
	for i := range index {
		index[i] = int(raw[i]) // SIZE_MAX is -1
	}
	return index, out, err
}

// Loss is PyTorch's KLDivLoss, reduced: first the input, ln q, then the target, p, or ln p with o.LogTarget. The mean
// divergence is that of BatchMean.
func Loss(input, target View, o *Options) (float64, error) {
	return newCall(C.GO_LOSS, o, input, target).number()
}

// LossPointwise writes the elements of Loss to out, not reduced: PyTorch's reduction="none".
func LossPointwise(input, target View, o *Options, out View) error {
	return newCall(C.GO_LOSS_POINTWISE, o, input, target, out).run()
}

// LossGrad writes the gradients of Loss. upstream is nil for 1; 1 x 1, the gradient of the reduced loss; or of the
// input's shape, that of LossPointwise. A gradient that is not wanted is nil.
func LossGrad(input, target View, o *Options, upstream, gradInput, gradTarget View) error {
	return newCall(C.GO_LOSS_GRAD, o, input, target, upstream, gradInput, gradTarget).run()
}

// Logits is the divergence of two softmaxes, row by row: D(softmax(a/T) || softmax(b/T)) with T = o.Temperature.
func Logits(a, b View, o *Options) ([]float64, error) {
	c := newCall(C.GO_LOGITS, o, a, b)
	return c.numbersOf(c.rows())
}

// LogitsGrad is Logits and its gradients, of which each row is multiplied by upstream's, nil for 1. A gradient that is
// not wanted is nil.
func LogitsGrad(a, b View, o *Options, upstream []float64, gradA, gradB View) ([]float64, error) {
	c := newCall(C.GO_LOGITS_GRAD, o, a, b, gradA, gradB)
	c.upstreamOf(upstream)
	return c.numbersOf(c.rows())
}

// LogitsTopK is the divergence of a teacher of which only the likeliest classes were kept, values with their indices,
// from softmax(b/T). indices has as many elements as values, row by row; o.TopK says what values are. The gradient by
// b goes to gradB, which may be nil.
func LogitsTopK(values View, indices []int64, b View, o *Options, upstream []float64, gradB View) ([]float64, error) {
	c := newCall(C.GO_LOGITS_TOPK, o, values, b, gradB)
	c.upstreamOf(upstream)
	c.want("indices", len(indices), c.rows()*c.cols())
	if len(indices) > 0 {
		c.indices = (*C.int64_t)(unsafe.Pointer(&indices[0]))
	}
	return c.numbersOf(c.rows())
}

// VAE is the divergence of a VAE's posterior from its prior, row by row, from means and logarithms of variances. The
// prior's may be nil: the standard normal.
func VAE(mu, logvar, priorMu, priorLogvar View, o *Options) ([]float64, error) {
	c := newCall(C.GO_VAE, o, mu, logvar, priorMu, priorLogvar)
	return c.numbersOf(c.rows())
}

// VAEGrads are where the gradients of [VAEGrad] go; those that are not wanted are nil.
type VAEGrads struct{ Mu, Logvar, PriorMu, PriorLogvar View }

// VAEGrad is VAE and its gradients, of which each row is multiplied by upstream's, nil for 1.
func VAEGrad(mu, logvar, priorMu, priorLogvar View, o *Options, upstream []float64, to VAEGrads) ([]float64, error) {
	c := newCall(C.GO_VAE_GRAD, o, mu, logvar, priorMu, priorLogvar, to.Mu, to.Logvar, to.PriorMu, to.PriorLogvar)
	c.upstreamOf(upstream)
	return c.numbersOf(c.rows())
}

// FamilyRows is the divergence of each pair of distributions, whose parameters are the rows of p and q. For an entropy
// q may be nil.
func FamilyRows(pFamily Family, p View, qFamily Family, q View, o *Options) ([]float64, error) {
	c := newCall(C.GO_FAMILY, o, p, q)
	c.numbers.p_family, c.numbers.q_family = C.uint32_t(pFamily), C.uint32_t(qFamily)
	return c.numbersOf(c.rows())
}

// FamilyGrad is FamilyRows for KL and its gradients by the parameters, of which each row is multiplied by upstream's,
// nil for 1. It is for pairs of one family among normal, gamma, beta, Bernoulli, categorical, Dirichlet and
// multivariate normal by scale_tril.
func FamilyGrad(pFamily Family, p View, qFamily Family, q View, o *Options, upstream []float64,
	gradP, gradQ View) ([]float64, error) {
	c := newCall(C.GO_FAMILY_GRAD, o, p, q, gradP, gradQ)
	c.numbers.p_family, c.numbers.q_family = C.uint32_t(pFamily), C.uint32_t(qFamily)
	c.upstreamOf(upstream)
	return c.numbersOf(c.rows())
}

// densities are the functions of a call to Quadrature, and what one of them panicked with.
type densities struct {
	of       [2]func(float64) float64
	panicked any
}

// Quadrature is the divergence of two densities on a line, by numerical integration, with a bound of its error. The
// functions return densities or, with o.LogDensity, their logarithms. lower and upper, which may be infinite, enclose
// the support of P; breaks are points where a density or its slope jumps, or nil.
//
// The functions run on the calling goroutine. One that panics ends the integration, and the panic goes on from here.
func Quadrature(p, q func(float64) float64, lower, upper float64, breaks []float64, o *Options) (
	value, bound float64, err error) {
	d := &densities{of: [2]func(float64) float64{p, q}}
	handle := cgo.NewHandle(d)
	defer handle.Delete()
	c := newCall(C.GO_QUADRATURE, o)
	c.data[0] = (*C.char)(unsafe.Pointer(doubles(breaks)))
	c.numbers.n = C.size_t(len(breaks))
	c.numbers.lower, c.numbers.upper = C.double(lower), C.double(upper)
	c.numbers.densities = C.uintptr_t(handle)
	more := make([]float64, 1)
	c.more = doubles(more)
	value, err = c.number()
	if d.panicked != nil {
		panic(d.panicked)
	}
	return value, more[0], err
}

//export kldivGoDensity
func kldivGoDensity(x C.double, which C.int, handle C.uintptr_t) (density C.double) {
	d := cgo.Handle(handle).Value().(*densities)
	zero := 0.0
	density = C.double(zero / zero) // what stays of a panic, which may not go through C: it ends the integration
	defer func() {
		if d.panicked == nil {
			d.panicked = recover()
		}
	}()
	if d.panicked != nil {
		return density
	}
	return C.double(d.of[which](float64(x)))
}

// KNN is the k-nearest-neighbour estimate of the divergence from points of P and points of Q, one a row.
func KNN(x, y View, k int, o *Options) (float64, error) {
	c := newCall(C.GO_KNN, o, x, y)
	if k < 0 {
		c.fail(0, Error{Status: ErrOptions, Value: float64(k), Message: fmt.Sprintf("k is %d", k)})
	}
	c.numbers.k = C.size_t(k)
	return c.number()
}

// MonteCarlo is the estimate of the divergence from ln p and ln q at samples of P, with its standard error.
// o.Estimator says which; o.Mask and o.Weights are of the samples.
func MonteCarlo(logP, logQ []float64, o *Options) (mean, standardError float64, err error) {
	// A sample is a row of one column: what the mask and the weights are of.
	c := newCall(C.GO_MONTE_CARLO, o, NewMatrix(logP, len(logP), 1))
	c.want("logQ", len(logQ), len(logP))
	c.data[1] = (*C.char)(unsafe.Pointer(doubles(logQ)))
	c.numbers.n = C.size_t(len(logP))
	if len(logP) == 0 {
		c.fail(0, Error{Status: ErrEmpty, Message: "there are no samples"})
	}
	more := make([]float64, 1)
	c.more = doubles(more)
	mean, err = c.number()
	return mean, more[0], err
}
