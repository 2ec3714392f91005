package kldiv

// #include "call.h"
import "C"

// Measure is what is computed.
type Measure uint32

// The measures; the zero value is the Kullback-Leibler divergence.
const (
	MeasureKL                    Measure = C.KLDIV_MEASURE_KL                      // sum p ln(p/q)
	MeasureGeneralized           Measure = C.KLDIV_MEASURE_GENERALIZED             // sum (p ln(p/q) - p + q)
	MeasureReverse               Measure = C.KLDIV_MEASURE_REVERSE                 // D(Q || P)
	MeasureJeffreys              Measure = C.KLDIV_MEASURE_JEFFREYS                // sum (p - q) ln(p/q); the PSI
	MeasureJensenShannon         Measure = C.KLDIV_MEASURE_JENSEN_SHANNON          // w D(P || M) + (1 - w) D(Q || M)
	MeasureJensenShannonDistance Measure = C.KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE // its square root
	MeasureRenyi                 Measure = C.KLDIV_MEASURE_RENYI                   // of the order Alpha
	MeasureEntropy               Measure = C.KLDIV_MEASURE_ENTROPY                 // -sum p ln p; q is ignored, may be nil
	MeasureCrossEntropy          Measure = C.KLDIV_MEASURE_CROSS_ENTROPY           // -sum p ln q
)

// Normalization is what is done about sums that are not 1.
type Normalization uint32

// The normalizations.
const (
	AsGiven   Normalization = C.KLDIV_NORMALIZATION_AS_GIVEN  // the numbers are taken as they are
	Normalize Normalization = C.KLDIV_NORMALIZATION_NORMALIZE // each row is divided by its sum
	Require   Normalization = C.KLDIV_NORMALIZATION_REQUIRE   // a sum further from 1 than MassTolerance is an error
)

// Reduction is how rows become one number.
type Reduction uint32

// The reductions. In a loss Mean divides by elements and BatchMean by rows; over rows both divide by rows.
const (
	Sum       Reduction = C.KLDIV_REDUCTION_SUM
	Mean      Reduction = C.KLDIV_REDUCTION_MEAN
	BatchMean Reduction = C.KLDIV_REDUCTION_BATCHMEAN
)

// Invalid is what a bad row does.
type Invalid uint32

// A bad row is NaN and the others are answered either way.
const (
	InvalidError Invalid = C.KLDIV_INVALID_ERROR // the call returns an error as well
	InvalidNaN   Invalid = C.KLDIV_INVALID_NAN   // it does not
)

// Estimator is what [MonteCarlo] averages.
type Estimator uint32

// The estimators, with r = ln q - ln p.
const (
	K1 Estimator = C.KLDIV_ESTIMATOR_K1 // -r
	K2 Estimator = C.KLDIV_ESTIMATOR_K2 // r^2/2
	K3 Estimator = C.KLDIV_ESTIMATOR_K3 // e^r - 1 - r
)

// TopK is what the values of [LogitsTopK] are.
type TopK uint32

// The kinds of values.
const (
	LogitsRenormalized   TopK = C.KLDIV_TOPK_LOGITS_RENORMALIZED   // logits, made to sum to 1 by themselves
	LogprobsTail         TopK = C.KLDIV_TOPK_LOGPROBS_TAIL         // log-probabilities; the rest is one more outcome
	LogprobsRenormalized TopK = C.KLDIV_TOPK_LOGPROBS_RENORMALIZED // log-probabilities, made to sum to 1
)

// Options are a call's choices. The zero value, and nil, are the defaults; a function looks at what concerns it.
type Options struct {
	Measure       Measure
	Normalization Normalization
	Reduction     Reduction
	Invalid       Invalid
	Estimator     Estimator
	TopK          TopK
	LogTarget     bool // loss: the target is ln p
	LogDensity    bool // quadrature: the functions return ln p
	Threads       int  // how many share a large call; 0: as many as there are cores
	Dim           int  // family: the dimension of a multivariate normal of low rank

	Base          float64 // of the logarithm, above 1; 0: e; 2 gives bits
	Alpha         float64 // the order of a Renyi divergence; it has no default
	Temperature   float64 // logits: T of softmax(a / T); 0: 1
	JSWeight      float64 // the weight of P in the mixture of Jensen-Shannon; 0: 1/2
	Smoothing     float64 // added to every entry; needs Normalize
	MassTolerance float64 // how far from 1 a sum may be under Require; 0: 1e-6
	RelTolerance  float64 // quadrature: the relative error to reach; 0: 1e-9

	Mask    []bool    // nil, or for each row of p whether it is kept; others are not read and give 0
	Weights []float64 // nil, or for each row of p what its result is multiplied by
}

// numbers is all but the slices.
func (o *Options) numbers() C.kldiv_options {
	return C.kldiv_options{
		measure:        C.uint32_t(o.Measure),
		normalization:  C.uint32_t(o.Normalization),
		reduction:      C.uint32_t(o.Reduction),
		invalid:        C.uint32_t(o.Invalid),
		log_target:     flag(o.LogTarget),
		threads:        C.uint32_t(o.Threads),
		estimator:      C.uint32_t(o.Estimator),
		topk:           C.uint32_t(o.TopK),
		log_density:    flag(o.LogDensity),
		dim:            C.uint32_t(o.Dim),
		base:           C.double(o.Base),
		alpha:          C.double(o.Alpha),
		temperature:    C.double(o.Temperature),
		js_weight:      C.double(o.JSWeight),
		smoothing:      C.double(o.Smoothing),
		mass_tolerance: C.double(o.MassTolerance),
		rel_tolerance:  C.double(o.RelTolerance),
	}
}

func flag(set bool) C.uint32_t {
	if set {
		return 1
	}
	return 0
}
