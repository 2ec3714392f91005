package kldiv_test

import (
	"errors"
	"math"
	"sync"
	"testing"

	"kldiv"
)

func status(t *testing.T, err error, want kldiv.Status) *kldiv.Error {
	t.Helper()
	var e *kldiv.Error
	if !errors.Is(err, want) || !errors.As(err, &e) || e.Message == "" {
		t.Fatalf("got %v, want %v", err, want)
	}
	return e
}

func TestASliceThatIsTooShortIsNotRead(t *testing.T) {
	good := kldiv.NewMatrix(make([]float64, 6), 2, 3)
	for _, m := range []kldiv.Matrix[float64]{
		kldiv.NewMatrix(make([]float64, 5), 2, 3),
		{Data: make([]float64, 6), Rows: 2, Cols: 3, RowStride: 3, ColStride: 1, Offset: 1},
		{Data: make([]float64, 6), Rows: 2, Cols: 3, RowStride: 3, ColStride: -1},
		{Data: make([]float64, 6), Rows: 2, Cols: 3, RowStride: math.MinInt, ColStride: 1},
		{Data: make([]float64, 6), Rows: math.MaxInt, Cols: math.MaxInt, RowStride: math.MaxInt, ColStride: 1},
		{Data: make([]float64, 6), Rows: -1, Cols: 3},
		{Rows: 2, Cols: 3},
	} {
		_, err := kldiv.Rows(good, m, nil)
		if e := status(t, err, kldiv.ErrShapeMismatch); e.Operand != 1 {
			t.Errorf("operand %d", e.Operand)
		}
	}
	_, err := kldiv.Rows(good, good, &kldiv.Options{Mask: []bool{true}})
	status(t, err, kldiv.ErrShapeMismatch)
	_, err = kldiv.Rows(good, good, &kldiv.Options{Weights: []float64{1, 2, 3}})
	status(t, err, kldiv.ErrShapeMismatch)
	_, err = kldiv.LogitsGrad(good, good, nil, []float64{1}, nil, nil)
	status(t, err, kldiv.ErrShapeMismatch)
	_, err = kldiv.LogitsTopK(good, []int64{0, 1}, good, nil, nil, nil)
	status(t, err, kldiv.ErrShapeMismatch)
}

func TestABadRowCostsNoOther(t *testing.T) {
	p := kldiv.NewMatrix([]float64{0.5, 0.5, -1, 2, 0.5, 0.5}, 3, 2)
	q := kldiv.Repeat([]float64{0.7, 0.3}, 3)
	out, err := kldiv.Rows(p, q, nil)
	if e := status(t, err, kldiv.ErrNegative); e.Row != 1 || e.Col != 0 || e.Value != -1 {
		t.Errorf("%+v", *e)
	}
	if out[0] != out[2] || math.Abs(out[0]-0.0872) > 1e-4 || !math.IsNaN(out[1]) {
		t.Error(out)
	}
	out, err = kldiv.Rows(p, q, &kldiv.Options{Invalid: kldiv.InvalidNaN})
	if err != nil || !math.IsNaN(out[1]) || math.IsNaN(out[2]) {
		t.Error(out, err)
	}
}

func TestNothingIsMadeOfACallThatMakesNoSense(t *testing.T) {
	p := kldiv.Row([]float64{0.5, 0.5})
	out, err := kldiv.Rows(p, nil, nil)
	status(t, err, kldiv.ErrNullPointer)
	if out != nil {
		t.Error(out)
	}
	_, err = kldiv.Rows(p, kldiv.Row([]float64{1}), nil)
	status(t, err, kldiv.ErrShapeMismatch)
	status(t, kldiv.Terms(p, p, nil, p), kldiv.ErrOverlap)
	status(t, kldiv.Terms(p, p, nil, kldiv.Zeros[int64](1, 2)), kldiv.ErrDType)
	_, err = kldiv.Rows(p, p, &kldiv.Options{Measure: 100})
	status(t, err, kldiv.ErrOptions)
	_, err = kldiv.Rows(p, p, &kldiv.Options{Threads: -1})
	status(t, err, kldiv.ErrOptions)
	_, _, err = kldiv.Nearest(p, p, 2, nil)
	status(t, err, kldiv.ErrOptions)
	_, err = kldiv.Between(kldiv.Normal(0, 1), kldiv.Dirichlet([]float64{1, 2}), nil)
	status(t, err, kldiv.ErrUnsupportedPair)
}

func TestAnErrorIsThatOfItsOwnGoroutine(t *testing.T) {
	var all sync.WaitGroup
	for g := 0; g < 16; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for i := 0; i < 200; i++ {
				q := make([]float64, 32)
				q[g] = -float64(i + 1)
				_, err := kldiv.KL(make([]float64, 32), q)
				var e *kldiv.Error
				if !errors.As(err, &e) || e.Col != g || e.Value != -float64(i+1) {
					t.Errorf("goroutine %d: %v", g, err)
				}
			}
		}(g)
	}
	all.Wait()
}

// A matrix may lie anywhere in memory that holds pointers too: only its own elements are C's to see.
func TestAMatrixMayBePartOfAStruct(t *testing.T) {
	type model struct {
		name    *string
		weights [4]float64
	}
	m := &model{name: new(string), weights: [4]float64{0.5, 0.5, 0.7, 0.3}}
	out, err := kldiv.Rows(kldiv.Row(m.weights[:2]), kldiv.Row(m.weights[2:]), &kldiv.Options{Weights: m.weights[:1]})
	if err != nil || math.Abs(out[0]-0.0872/2) > 1e-4 {
		t.Error(out, err)
	}
}

func TestAPanicInADensityGoesOn(t *testing.T) {
	defer func() {
		if r := recover(); r != "enough" {
			t.Errorf("recovered %v", r)
		}
	}()
	calls := 0
	_, _, err := kldiv.Quadrature(func(x float64) float64 {
		if calls++; calls == 10 {
			panic("enough")
		}
		return 1
	}, func(float64) float64 { return 1 }, 0, 1, nil, nil)
	t.Errorf("came back with %v", err)
}

func TestADensityMayCallTheLibrary(t *testing.T) {
	normal := func(loc, scale float64) func(float64) float64 {
		return func(x float64) float64 {
			if _, err := kldiv.KL([]float64{1}, []float64{1}); err != nil {
				t.Error(err)
			}
			z := (x - loc) / scale
			return -z*z/2 - math.Log(scale) - math.Log(2*math.Pi)/2
		}
	}
	value, bound, err := kldiv.Quadrature(normal(0, 1), normal(1, 2), math.Inf(-1), math.Inf(1), nil,
		&kldiv.Options{LogDensity: true})
	want, err2 := kldiv.Between(kldiv.Normal(0, 1), kldiv.Normal(1, 2), nil)
	if err != nil || err2 != nil || math.Abs(value-want) > bound || bound > 1e-9 {
		t.Error(value, bound, want, err, err2)
	}
}

func TestMonteCarloIsAMeanWithItsError(t *testing.T) {
	logP, logQ := []float64{-1, -2, -3}, []float64{-1.5, -2, -4}
	mean, standardError, err := kldiv.MonteCarlo(logP, logQ, nil)
	if err != nil || mean != 0.5 || math.Abs(standardError-0.5/math.Sqrt(3)) > 1e-15 {
		t.Error(mean, standardError, err)
	}
	mean, _, err = kldiv.MonteCarlo(logP, logQ, &kldiv.Options{Mask: []bool{true, true, false}})
	if err != nil || mean != 0.25 {
		t.Error(mean, err)
	}
	_, _, err = kldiv.MonteCarlo(logP, logQ[:2], nil)
	status(t, err, kldiv.ErrShapeMismatch)
}

func TestPartsHaveOneSumHoweverTheyAreSplit(t *testing.T) {
	p, q := []float64{0.5, 0.2, 0.3}, []float64{0.7, 0.2, 0.1}
	whole, err := kldiv.NewPartial(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.Update(kldiv.Row(p), kldiv.Row(q)); err != nil {
		t.Fatal(err)
	}
	first, _ := kldiv.NewPartial(nil)
	rest, _ := kldiv.NewPartial(nil)
	if first.Update(kldiv.Row(p[:1]), kldiv.Row(q[:1])) != nil || rest.Update(kldiv.Row(p[1:]), kldiv.Row(q[1:])) != nil {
		t.Fatal("not added")
	}
	bytes, _ := rest.MarshalBinary()
	sent := &kldiv.Partial{}
	if err := sent.UnmarshalBinary(bytes); err != nil {
		t.Fatal(err)
	}
	if err := sent.Merge(first); err != nil {
		t.Fatal(err)
	}
	got, err := sent.Value(nil)
	want, err2 := whole.Value(nil)
	plain, err3 := kldiv.KL(p, q)
	if err != nil || err2 != nil || err3 != nil || got != want || math.Abs(got-plain) > 1e-16 {
		t.Error(got, want, plain, err, err2, err3)
	}
	status(t, sent.Update(kldiv.Row([]float64{-1}), kldiv.Row([]float64{1})), kldiv.ErrNegative)
	if again, err := sent.Value(nil); again != got || err != nil {
		t.Error("a bad entry changed a state", err)
	}
	bytes[100] ^= 1
	if err := sent.UnmarshalBinary(bytes); err == nil {
		_, err = sent.Value(nil)
		status(t, err, kldiv.ErrState)
	}
	status(t, sent.UnmarshalBinary(bytes[1:]), kldiv.ErrState)
	status(t, new(kldiv.Partial).Merge(first), kldiv.ErrState)
	status(t, first.Merge(first), kldiv.ErrOverlap)
	_, err = kldiv.NewPartial(&kldiv.Options{Measure: kldiv.MeasureRenyi, Alpha: 2})
	status(t, err, kldiv.ErrOptions)
}

func TestTheLibraryKnowsItsVersion(t *testing.T) {
	if kldiv.Version() <= 0 || kldiv.ActiveISA() == "" {
		t.Error(kldiv.Version(), kldiv.ActiveISA())
	}
}
