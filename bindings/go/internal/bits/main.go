// Prints the lines of bindings/bits.c.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"math"

	"kldiv"
)

const rows, cols, count = 7, 37, 7 * 37

// ---- inputs ----

func drawn[T any](seed uint64, n int, of func(uint64) T) []T {
	x := make([]T, n)
	for i := range x {
		seed += 0x9E3779B97F4A7C15
		z := seed
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
		z = (z ^ (z >> 27)) * 0x94D049BB133111EB
		x[i] = of(z ^ (z >> 31))
	}
	return x
}

func unit(z uint64) float64 { return float64((z>>11)+1) * 0x1p-53 }

func units(seed uint64, n int) []float64 { return drawn(seed, n, unit) }

func floats(seed uint64, n int) []float32 {
	return drawn(seed, n, func(z uint64) float32 { return float32((z>>40)+1) * 0x1p-24 })
}

func reals(seed uint64, n int) []float64 {
	return drawn(seed, n, func(z uint64) float64 { return 16*unit(z) - 8 })
}

func halves[T ~uint16](seed uint64, n int) []T {
	return drawn(seed, n, func(z uint64) T { return T(z >> 48 & 0x3bff) })
}

func matrix[T kldiv.Element](data []T) kldiv.Matrix[T] {
	return kldiv.NewMatrix(data, len(data)/cols, cols)
}

func room() kldiv.Matrix[float64] { return kldiv.Zeros[float64](rows, cols) }

// ---- output ----

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func line(label string, numbers ...[]float64) {
	fmt.Print(label)
	for _, part := range numbers {
		for _, x := range part {
			fmt.Printf(" %016x", math.Float64bits(x))
		}
	}
	fmt.Println()
}

func number(label string, x float64, err error) {
	check(err)
	line(label, []float64{x})
}

func numbers(label string, x []float64, err error) {
	check(err)
	line(label, x)
}

func rowsOf(label string, p, q kldiv.View, o *kldiv.Options) {
	x, err := kldiv.Rows(p, q, o)
	numbers(label, x, err)
}

// ---- the rooms ----

func vectorsAndRows() {
	p, q, vector := matrix(units(5, count)), matrix(units(6, count)), units(2, cols)
	x, err := kldiv.KL(units(1, cols), vector)
	number("kl", x, err)
	x, err = kldiv.KL(floats(3, cols), floats(4, cols))
	number("kl_f32", x, err)

	for m := kldiv.MeasureKL; m <= kldiv.MeasureCrossEntropy; m++ {
		rowsOf(fmt.Sprintf("rows_measure_%d", m), p, q, &kldiv.Options{Measure: m, Alpha: 0.5})
	}
	rowsOf("rows_f32", matrix(floats(7, count)), matrix(floats(8, count)), nil)
	rowsOf("rows_mixed_f32", p, matrix(floats(8, count)), nil)
	rowsOf("rows_f16", matrix(halves[kldiv.Float16](9, count)), matrix(halves[kldiv.Float16](10, count)), nil)
	rowsOf("rows_bf16", matrix(halves[kldiv.BFloat16](9, count)), matrix(halves[kldiv.BFloat16](10, count)), nil)
	rowsOf("rows_counts", matrix(drawn(11, count, func(z uint64) int64 { return int64(z >> 44) })),
		matrix(drawn(12, count, func(z uint64) uint64 { return z >> 44 })),
		&kldiv.Options{Normalization: kldiv.Normalize, Smoothing: 0.5})

	backwards := kldiv.Repeat(vector, rows)
	backwards.Offset, backwards.ColStride = cols-1, -1
	rowsOf("rows_strided", kldiv.NewMatrix(p.Data, cols, rows).T(), backwards, nil)

	x, err = kldiv.Reduce(p, q, &kldiv.Options{Reduction: kldiv.Mean, Base: 2,
		Mask: []bool{true, false, true, true, false, true, true}, Weights: units(13, rows)})
	number("mean", x, err)

	jeffreys := &kldiv.Options{Measure: kldiv.MeasureJeffreys}
	terms, narrow := room(), kldiv.Zeros[float32](rows, cols)
	check(kldiv.Terms(p, q, jeffreys, terms))
	line("terms", terms.Data)
	check(kldiv.Terms(p, q, jeffreys, narrow))
	fmt.Print("terms_to_f32")
	for _, x := range narrow.Data {
		fmt.Printf(" %08x", math.Float32bits(x))
	}
	fmt.Println()

	explained, err := kldiv.Explain(units(1, cols), vector, &kldiv.Options{Normalization: kldiv.Normalize})
	check(err)
	var parts []float64
	for _, t := range explained {
		parts = append(parts, t.P, t.Q, t.Ratio, t.LogRatio, t.Contribution, t.Share)
	}
	line("explain", parts)
}

func allPairs() {
	p, q := matrix(units(5, count)), matrix(units(20, 5*cols))
	x, err := kldiv.Pairwise(p, q, nil)
	numbers("pairwise", x, err)
	index, x, err := kldiv.Nearest(p, q, 3, nil)
	check(err)
	fmt.Print("nearest")
	for _, i := range index {
		fmt.Printf(" %016x", i)
	}
	line("", x)
}

func losses() {
	input, target, logTarget := matrix(reals(14, count)), matrix(units(15, count)), matrix(reals(16, count))
	for i, label := range []string{"loss_sum", "loss_mean", "loss_batchmean"} {
		x, err := kldiv.Loss(input, target, &kldiv.Options{Reduction: kldiv.Reduction(i)})
		number(label, x, err)
	}
	o := &kldiv.Options{Reduction: kldiv.BatchMean}
	out, gradInput, gradTarget := room(), room(), room()
	check(kldiv.LossPointwise(input, target, o, out))
	line("loss_pointwise", out.Data)
	check(kldiv.LossGrad(input, target, o, nil, gradInput, gradTarget))
	line("loss_grad_input", gradInput.Data)
	line("loss_grad_target", gradTarget.Data)

	o.LogTarget = true
	x, err := kldiv.Loss(input, logTarget, o)
	number("loss_log_target", x, err)
	check(kldiv.LossGrad(input, logTarget, o, kldiv.Row([]float64{0.5}), nil, gradTarget))
	line("loss_log_target_grad", gradTarget.Data)
}

func softmaxes() {
	const kept = 4
	upstream := units(13, rows)
	a, b := matrix(reals(17, count)), matrix(reals(18, count))
	o := &kldiv.Options{Temperature: 2}
	x, err := kldiv.Logits(a, b, o)
	numbers("logits", x, err)
	gradA, gradB := room(), room()
	x, err = kldiv.LogitsGrad(a, b, o, upstream, gradA, gradB)
	numbers("logits_grad", x, err)
	line("logits_grad_a", gradA.Data)
	line("logits_grad_b", gradB.Data)
	x, err = kldiv.Logits(a, b, &kldiv.Options{Temperature: 2, Measure: kldiv.MeasureJensenShannon, JSWeight: 0.25})
	numbers("logits_jensen_shannon", x, err)

	indices := make([]int64, rows*kept)
	for i := range indices {
		indices[i] = int64(9*(i%kept) + i/kept)
	}
	x, err = kldiv.LogitsTopK(kldiv.NewMatrix(reals(19, rows*kept), rows, kept), indices, b, o, upstream, gradB)
	numbers("logits_topk", x, err)
	line("logits_topk_grad_b", gradB.Data)
}

func families() {
	of := func(label string, p, q kldiv.Family, cols int, o *kldiv.Options) {
		x, err := kldiv.FamilyRows(p, kldiv.NewMatrix(units(21, rows*cols), rows, cols),
			q, kldiv.NewMatrix(units(22, rows*cols), rows, cols), o)
		numbers(label, x, err)
	}
	of("family_normal", kldiv.FamilyNormal, kldiv.FamilyNormal, 2, nil)
	of("family_normal_jeffreys", kldiv.FamilyNormal, kldiv.FamilyNormal, 2,
		&kldiv.Options{Measure: kldiv.MeasureJeffreys, Base: 2})
	of("family_normal_laplace", kldiv.FamilyNormal, kldiv.FamilyLaplace, 2, nil)
	of("family_dirichlet", kldiv.FamilyDirichlet, kldiv.FamilyDirichlet, 5, nil)
	of("family_mvnormal_lowrank", kldiv.FamilyMvNormalLowRank, kldiv.FamilyMvNormalLowRank, 6, &kldiv.Options{Dim: 2})

	p, q := kldiv.NewMatrix(units(21, rows*2), rows, 2), kldiv.NewMatrix(units(22, rows*2), rows, 2)
	gradP, gradQ := kldiv.Zeros[float64](rows, 2), kldiv.Zeros[float64](rows, 2)
	x, err := kldiv.FamilyGrad(kldiv.FamilyGamma, p, kldiv.FamilyGamma, q, nil, units(13, rows), gradP, gradQ)
	numbers("family_grad", x, err)
	line("family_grad_p", gradP.Data)
	line("family_grad_q", gradQ.Data)
}

func posteriors() {
	mu, logvar := matrix(reals(25, count)), matrix(reals(26, count))
	priorMu, priorLogvar := kldiv.Repeat(reals(27, cols), rows), kldiv.Repeat(reals(28, cols), rows)
	x, err := kldiv.VAE(mu, logvar, nil, nil, nil)
	numbers("vae", x, err)
	grads := [4]kldiv.Matrix[float64]{room(), room(), room(), room()}
	x, err = kldiv.VAEGrad(mu, logvar, priorMu, priorLogvar, nil, units(13, rows),
		kldiv.VAEGrads{Mu: grads[0], Logvar: grads[1], PriorMu: grads[2], PriorLogvar: grads[3]})
	numbers("vae_prior", x, err)
	for i, of := range []string{"mu", "logvar", "prior_mu", "prior_logvar"} {
		line("vae_grad_"+of, grads[i].Data)
	}
}

func densitiesAndSamples() {
	value, bound, err := kldiv.Quadrature(func(x float64) float64 { return 2 * x },
		func(x float64) float64 { return 3 * x * x }, 0, 1, []float64{0.5}, nil)
	numbers("quadrature", []float64{value, bound}, err)
	x, err := kldiv.KNN(kldiv.NewMatrix(reals(29, 40*3), 40, 3), kldiv.NewMatrix(reals(30, 50*3), 50, 3), 2, nil)
	number("knn", x, err)
	mean, standardError, err := kldiv.MonteCarlo(reals(31, 100), reals(32, 100),
		&kldiv.Options{Estimator: kldiv.K3})
	numbers("monte_carlo", []float64{mean, standardError}, err)
}

func parts() {
	p, q := units(5, count), units(6, count)
	jeffreys := &kldiv.Options{Measure: kldiv.MeasureJeffreys}
	state, err := kldiv.NewPartial(jeffreys)
	check(err)
	rest, err := kldiv.NewPartial(jeffreys)
	check(err)
	check(state.Update(matrix(p[:3*cols]), matrix(q[:3*cols])))
	check(rest.Update(matrix(p[3*cols:]), matrix(q[3*cols:])))
	check(state.Merge(rest))
	x, err := state.Value(&kldiv.Options{Normalization: kldiv.Normalize})
	number("partial", x, err)
	bytes, err := state.MarshalBinary()
	check(err)
	fmt.Print("partial_state")
	for ; len(bytes) > 0; bytes = bytes[8:] {
		fmt.Printf(" %016x", binary.LittleEndian.Uint64(bytes))
	}
	fmt.Println()
}

func main() {
	vectorsAndRows()
	allPairs()
	losses()
	softmaxes()
	families()
	posteriors()
	densitiesAndSamples()
	parts()
}
