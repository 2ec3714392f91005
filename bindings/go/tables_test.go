package kldiv_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kldiv"
)

// ---- reading ----

// numbers is an array of numbers or strings that stand for numbers, or of such arrays; null is NaN.
type numbers []float64

func (n *numbers) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	return n.add(value)
}

func (n *numbers) add(value any) error {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := n.add(item); err != nil {
				return err
			}
		}
	case nil:
		*n = append(*n, math.NaN())
	case json.Number:
		return n.add(string(v))
	case string:
		x, err := strconv.ParseFloat(v, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return err
		}
		*n = append(*n, x)
	default:
		return errors.New("neither a number nor an array of them")
	}
	return nil
}

func (n numbers) f32() []float32 {
	x := make([]float32, len(n))
	for i := range n {
		x[i] = float32(n[i])
	}
	return x
}

func table[T any](t *testing.T, name string) []T {
	folder := os.Getenv("KLDIV_TESTDATA")
	if folder == "" {
		folder = "../../testdata"
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("an empty table")
	}
	return cases
}

func view(n numbers, rows, cols int, dtype string) kldiv.View {
	if dtype == "f32" {
		return kldiv.NewMatrix(n.f32(), rows, cols)
	}
	return kldiv.NewMatrix([]float64(n), rows, cols)
}

// ---- judging: testdata's README ----

func precision(dtype string) (u, tiny float64) {
	if dtype == "f32" {
		return 0x1p-24, 0x1p-149
	}
	return 0x1p-53, 0x1p-1074
}

func within(got, want, tolerance float64) bool {
	if math.IsInf(want, 0) || math.IsInf(got, 0) {
		return got == want
	}
	return math.Abs(got-want) <= tolerance // false for NaN
}

// near fails the test where got is further from want than a tolerance that is given element by element; an undefined
// answer is NaN and is passed over.
func near(t *testing.T, what string, got, want []float64, tolerance func(i int) float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values instead of %d", what, len(got), len(want))
	}
	for i := range want {
		if !math.IsNaN(want[i]) && !within(got[i], want[i], tolerance(i)) {
			t.Errorf("%s [%d]: got %v, want %v within %g", what, i, got[i], want[i], tolerance(i))
		}
	}
}

func must[T any](x T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// ---- the tables ----

func TestEveryMeasureIsWithinItsTolerance(t *testing.T) {
	fields := map[string]kldiv.Options{
		"kl": {}, "generalized": {Measure: kldiv.MeasureGeneralized}, "reverse": {Measure: kldiv.MeasureReverse},
		"jensen_shannon": {Measure: kldiv.MeasureJensenShannon}, "jeffreys": {Measure: kldiv.MeasureJeffreys},
		"entropy": {Measure: kldiv.MeasureEntropy}, "cross_entropy": {Measure: kldiv.MeasureCrossEntropy},
		"renyi_0_5": {Measure: kldiv.MeasureRenyi, Alpha: 0.5}, "renyi_2": {Measure: kldiv.MeasureRenyi, Alpha: 2},
	}
	for _, c := range table[struct {
		Name, Dtype string
		N           int
		Tags        []string
		P, Q        numbers
		Expect, Mag map[string]json.RawMessage
	}](t, "discrete.json") {
		u, tiny := precision(c.Dtype)
		p, q := view(c.P, 1, c.N, c.Dtype), view(c.Q, 1, c.N, c.Dtype)
		for field, options := range fields {
			options := options
			var want, mag numbers
			if json.Unmarshal(c.Expect[field], &want) != nil || json.Unmarshal(c.Mag[field], &mag) != nil {
				t.Fatalf("%s has no %s", c.Name, field)
			}
			k := 16.0
			if strings.HasPrefix(field, "renyi") && strings.Contains(strings.Join(c.Tags, " "), "subnormal") {
				k = 64
			}
			tolerance := func(int) float64 { return k*u*mag[0] + float64(c.N+2)*tiny }
			got := must(kldiv.Reduce(p, q, &options))(t)
			near(t, c.Name+" "+field, []float64{got}, want, tolerance)
			if row := must(kldiv.Rows(p, q, &options))(t)[0]; row != got {
				t.Errorf("%s %s: %v as a row, %v reduced", c.Name, field, row, got)
			}
			if field == "kl" {
				plain, err := kldiv.KL(c.P, c.Q)
				if c.Dtype == "f32" {
					plain, err = kldiv.KL(c.P.f32(), c.Q.f32())
				}
				if err != nil || plain != got {
					t.Errorf("%s: %v by the plain call, %v: %v", c.Name, plain, got, err)
				}
			}
		}
	}
}

func TestInvalidInputsAreRefusedAndTheCulpritNamed(t *testing.T) {
	statuses := map[string]kldiv.Status{"negative": kldiv.ErrNegative, "nan": kldiv.ErrNaN,
		"infinite": kldiv.ErrInfinite, "length_mismatch": kldiv.ErrShapeMismatch, "empty": kldiv.ErrEmpty}
	for _, c := range table[struct {
		Name, Dtype string
		P, Q        numbers
		Expect      struct {
			Error    string
			AnyOf    []string `json:"error_any_of"`
			Argument string
			Index    *int
		}
	}](t, "invalid.json") {
		plain, err := kldiv.KL(c.P, c.Q)
		if c.Dtype == "f32" {
			plain, err = kldiv.KL(c.P.f32(), c.Q.f32())
		}
		_, err2 := kldiv.Reduce(view(c.P, 1, len(c.P), c.Dtype), view(c.Q, 1, len(c.Q), c.Dtype), nil)
		for _, err := range []error{err, err2} {
			var e *kldiv.Error
			if !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("%s: %v", c.Name, err)
			}
			fits := errors.Is(err, statuses[c.Expect.Error])
			for _, name := range c.Expect.AnyOf {
				fits = fits || errors.Is(err, statuses[name])
			}
			if !fits {
				t.Errorf("%s: %v", c.Name, err)
			}
			if c.Expect.Argument == "" || c.Expect.Index == nil {
				continue
			}
			operand, side := 0, c.P
			if c.Expect.Argument == "q" {
				operand, side = 1, c.Q
			}
			value := side[*c.Expect.Index]
			if e.Operand != operand || e.Row != 0 || e.Col != *c.Expect.Index ||
				(e.Value != value && !math.IsNaN(value)) {
				t.Errorf("%s: %+v", c.Name, *e)
			}
			if !math.IsNaN(plain) {
				t.Errorf("%s: a bad row is %v", c.Name, plain)
			}
		}
	}
}

func TestCountsAreSmoothed(t *testing.T) {
	skipped := 0
	for _, c := range table[struct {
		Name   string
		P      []uint64 `json:"p_counts"`
		Q      []uint64 `json:"q_counts"`
		Alpha  float64
		Expect map[string]json.RawMessage
	}](t, "counts.json") {
		representable := true
		for _, counts := range [][]uint64{c.P, c.Q} {
			for _, n := range counts {
				representable = representable && uint64(float64(n)) == n
			}
		}
		if !representable {
			skipped++
			continue
		}
		relative := 1e-14
		for _, start := range []string{"near_equal", "proportional_smoothed", "large_counts"} {
			if strings.HasPrefix(c.Name, start) {
				relative = 1e-10
			}
		}
		for field, measure := range map[string]kldiv.Measure{"kl": kldiv.MeasureKL, "kl_reverse": kldiv.MeasureReverse,
			"psi": kldiv.MeasureJeffreys, "js": kldiv.MeasureJensenShannon} {
			var want numbers
			if err := json.Unmarshal(c.Expect[field], &want); err != nil {
				t.Fatal(err)
			}
			got := must(kldiv.Divergence(c.P, c.Q,
				&kldiv.Options{Measure: measure, Normalization: kldiv.Normalize, Smoothing: c.Alpha}))(t)
			near(t, c.Name+" "+field, []float64{got}, want, func(int) float64 { return relative * math.Abs(want[0]) })
		}
	}
	if skipped > 2 {
		t.Errorf("%d cases skipped", skipped)
	}
}

func TestAllPairsAreWithinTheirTolerance(t *testing.T) {
	for _, c := range table[struct {
		Name, Dtype string
		M, K, D     int
		P, Q        numbers
		Expect, Mag struct{ KL numbers }
	}](t, "pairwise.json") {
		u, tiny := precision(c.Dtype)
		p, q := view(c.P, c.M, c.D, c.Dtype), view(c.Q, c.K, c.D, c.Dtype)
		got := must(kldiv.Pairwise(p, q, nil))(t)
		near(t, c.Name, got, c.Expect.KL, func(i int) float64 { return 16*u*c.Mag.KL[i] + float64(c.D+2)*tiny })
		index, out, err := kldiv.Nearest(p, q, c.K, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range index {
			row := i / c.K
			if out[i] != got[row*c.K+index[i]] || (i%c.K > 0 && out[i] < out[i-1]) {
				t.Errorf("%s: neighbour %d of row %d", c.Name, i%c.K, row)
			}
		}
	}
}

func TestLossesAndTheirGradientsAreWithinTheirTolerance(t *testing.T) {
	for _, c := range table[struct {
		Name, Dtype   string
		Rows, Cols    int
		LogTarget     bool `json:"log_target"`
		Input, Target numbers
		Expect        struct {
			None                 numbers
			GradInput            numbers `json:"grad_input"`
			GradTarget           numbers `json:"grad_target"`
			Sum, Mean, Batchmean json.RawMessage
		}
		Mag map[string]json.RawMessage
	}](t, "kldivloss.json") {
		u, tiny := precision(c.Dtype)
		input, target := view(c.Input, c.Rows, c.Cols, c.Dtype), view(c.Target, c.Rows, c.Cols, c.Dtype)
		o := &kldiv.Options{LogTarget: c.LogTarget}
		for i, wanted := range []json.RawMessage{c.Expect.Sum, c.Expect.Mean, c.Expect.Batchmean} {
			name := []string{"sum", "mean", "batchmean"}[i]
			var want, mag numbers
			if json.Unmarshal(wanted, &want) != nil || json.Unmarshal(c.Mag[name], &mag) != nil || want == nil {
				continue // undefined
			}
			o.Reduction = kldiv.Reduction(i)
			got := must(kldiv.Loss(input, target, o))(t)
			near(t, c.Name+" "+name, []float64{got}, want,
				func(int) float64 { return 16*u*mag[0] + float64(c.Rows*c.Cols+2)*tiny })
		}
		// What is subtracted in a single element; where that is no number, nothing is.
		mag := func(i int, gradient float64) float64 {
			x, y := c.Target[i], c.Input[i]
			size := x * (math.Abs(math.Log(x)) + math.Abs(y))
			if c.LogTarget {
				size = math.Exp(x) * (math.Abs(x-y) + gradient)
			} else if gradient > 0 {
				size = math.Abs(math.Log(x)) + math.Abs(y) + 1
			}
			if math.IsNaN(size) || math.IsInf(size, 0) {
				size = 0
			}
			return 16*u*size + 3*tiny
		}
		out, gradInput, gradTarget := room(c.Rows, c.Cols), room(c.Rows, c.Cols), room(c.Rows, c.Cols)
		if err := kldiv.LossPointwise(input, target, o, out); err != nil {
			t.Fatal(err)
		}
		if err := kldiv.LossGrad(input, target, o, nil, gradInput, gradTarget); err != nil { // still of BatchMean
			t.Fatal(err)
		}
		near(t, c.Name+" none", out.Data, c.Expect.None, func(i int) float64 { return mag(i, 0) })
		near(t, c.Name+" grad_input", gradInput.Data, c.Expect.GradInput,
			func(i int) float64 { return 16*u*math.Abs(c.Expect.GradInput[i]) + 3*tiny })
		near(t, c.Name+" grad_target", gradTarget.Data, c.Expect.GradTarget,
			func(i int) float64 { return mag(i, 1) })
	}
}

func room(rows, cols int) kldiv.Matrix[float64] { return kldiv.Zeros[float64](rows, cols) }

func TestSoftmaxesAndTheirGradientsAreWithinTheirTolerance(t *testing.T) {
	type fields struct {
		KL        numbers
		KLReverse numbers `json:"kl_reverse"`
		GradA     numbers `json:"grad_a"`
		GradB     numbers `json:"grad_b"`
	}
	for _, c := range table[struct {
		Name, Dtype string
		Rows, Cols  int
		T           float64
		A, B        numbers
		Expect, Mag fields
	}](t, "logits.json") {
		u, tiny := precision(c.Dtype)
		a, b := view(c.A, c.Rows, c.Cols, c.Dtype), view(c.B, c.Rows, c.Cols, c.Dtype)
		gradA, gradB := room(c.Rows, c.Cols), room(c.Rows, c.Cols)
		o := &kldiv.Options{Temperature: c.T}
		of := func(mag numbers, each int) func(int) float64 {
			return func(i int) float64 { return 16*u*mag[i/each] + float64(c.Cols+2)*tiny }
		}
		got := must(kldiv.LogitsGrad(a, b, o, nil, gradA, gradB))(t)
		near(t, c.Name+" kl", got, c.Expect.KL, of(c.Mag.KL, 1))
		near(t, c.Name+" grad_a", gradA.Data, c.Expect.GradA, of(c.Mag.GradA, c.Cols))
		near(t, c.Name+" grad_b", gradB.Data, c.Expect.GradB, of(c.Mag.GradB, c.Cols))
		o.Measure = kldiv.MeasureReverse
		near(t, c.Name+" kl_reverse", must(kldiv.Logits(a, b, o))(t), c.Expect.KLReverse, of(c.Mag.KLReverse, 1))
	}
}

func TestPosteriorsAndTheirGradientsAreWithinTheirTolerance(t *testing.T) {
	for _, c := range table[struct {
		Name        string
		Rows, Dims  int
		Mu, Logvar  numbers
		PriorMu     numbers `json:"prior_mu"`
		PriorLogvar numbers `json:"prior_logvar"`
		Expect      struct {
			Rows  numbers            `json:"kl_rows"`
			Grads map[string]numbers `json:"grad_sum"`
		}
	}](t, "vae.json") {
		var priorMu, priorLogvar kldiv.View
		relative := 4e-15
		if c.PriorMu != nil {
			priorMu, priorLogvar = view(c.PriorMu, c.Rows, c.Dims, ""), view(c.PriorLogvar, c.Rows, c.Dims, "")
			if strings.Contains(c.Name, "near") {
				relative = 1e-12
			}
		}
		of := func(want numbers) func(int) float64 {
			return func(i int) float64 { return relative*math.Abs(want[i]) + float64(c.Dims+2)*0x1p-1074 }
		}
		grads := map[string]kldiv.Matrix[float64]{}
		for _, name := range []string{"mu", "logvar", "prior_mu", "prior_logvar"} {
			grads[name] = room(c.Rows, c.Dims)
		}
		got := must(kldiv.VAEGrad(view(c.Mu, c.Rows, c.Dims, ""), view(c.Logvar, c.Rows, c.Dims, ""), priorMu,
			priorLogvar, nil, nil, kldiv.VAEGrads{Mu: grads["mu"], Logvar: grads["logvar"],
				PriorMu: grads["prior_mu"], PriorLogvar: grads["prior_logvar"]}))(t)
		near(t, c.Name, got, c.Expect.Rows, of(c.Expect.Rows))
		for name, want := range c.Expect.Grads {
			near(t, c.Name+" "+name, grads[name].Data, want, of(want))
		}
	}
}

func TestEstimatesAreThoseOfTheTable(t *testing.T) {
	type sample struct {
		Name, Kind string
		K, N, M, D int
		XRef       string `json:"x_ref"`
		X, Y       numbers
		Logp, Logq numbers
		Expect     map[string]json.RawMessage
	}
	cases := table[sample](t, "samples.json")
	data := map[string]sample{}
	for _, c := range cases {
		if c.Kind == "data" {
			data[c.Name] = c
		}
	}
	seen := 0
	for _, c := range cases {
		if c.Kind == "knn" && c.Expect["kl"] != nil {
			var want numbers
			if err := json.Unmarshal(c.Expect["kl"], &want); err != nil {
				t.Fatal(err)
			}
			d := data[c.XRef]
			got := must(kldiv.KNN(view(d.X, d.N, d.D, ""), view(d.Y, d.M, d.D, ""), c.K, nil))(t)
			near(t, c.Name, []float64{got}, want, func(int) float64 { return 1e-12 })
			seen++
		}
	}
	for _, c := range cases {
		if c.Kind != "k123" {
			continue
		}
		largest := 0.0
		for i := range c.Logp {
			if r := math.Abs(c.Logp[i] - c.Logq[i]); !math.IsInf(r, 0) {
				largest = math.Max(largest, r)
			}
		}
		for i, name := range []string{"k1", "k2", "k3"} {
			var want struct {
				Mean  numbers
				Error numbers `json:"standard_error"`
			}
			if err := json.Unmarshal(c.Expect[name], &want); err != nil {
				t.Fatal(err)
			}
			mean, standardError, err := kldiv.MonteCarlo(c.Logp, c.Logq, &kldiv.Options{Estimator: kldiv.Estimator(i)})
			if err != nil {
				t.Fatal(err)
			}
			absolute := 0.0
			if name == "k1" {
				absolute = 1e-15 * largest
			}
			near(t, c.Name+" "+name, []float64{mean}, want.Mean,
				func(int) float64 { return math.Max(1e-13*math.Abs(want.Mean[0]), absolute) })
			if want.Error != nil { // an infinite mean has none
				near(t, c.Name+" "+name, []float64{standardError}, want.Error,
					func(int) float64 { return 1e-13 * math.Abs(want.Error[0]) })
			}
			seen++
		}
	}
	if seen < 40 {
		t.Errorf("only %d estimates were looked at", seen)
	}
}
