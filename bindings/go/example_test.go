package kldiv_test

import (
	"errors"
	"fmt"

	"kldiv"
)

// A coin falls heads and tails alike, and somebody expects heads seven times in ten.
func Example() {
	p, q := []float64{0.5, 0.5}, []float64{0.7, 0.3}
	terms, err := kldiv.Explain(p, q, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("            p      q    p/q  ln(p/q)  p*ln(p/q)")
	for i, outcome := range []string{"heads", "tails"} {
		t := terms[i]
		fmt.Printf("%s   %.3f  %.3f  %.3f   %6.3f     %6.3f\n", outcome, t.P, t.Q, t.Ratio, t.LogRatio, t.Contribution)
	}
	nats, _ := kldiv.KL(p, q)
	bits, _ := kldiv.Divergence(p, q, &kldiv.Options{Base: 2})
	fmt.Printf("D(P || Q) = %.4f nats = %.4f bits\n", nats, bits)
	// Output:
	//             p      q    p/q  ln(p/q)  p*ln(p/q)
	// heads   0.500  0.700  0.714   -0.336     -0.168
	// tails   0.500  0.300  1.667    0.511      0.255
	// D(P || Q) = 0.0872 nats = 0.1258 bits
}

func ExampleError() {
	_, err := kldiv.KL([]float64{0.5, 0.5}, []float64{1.1, -0.1})
	var e *kldiv.Error
	if errors.Is(err, kldiv.ErrNegative) && errors.As(err, &e) {
		fmt.Println(err)
		fmt.Println(e.Operand, e.Row, e.Col, e.Value)
	}
	// Output:
	// kldiv: q[0, 1] is -0.1; probabilities and counts are finite and at least 0
	// 1 0 1 -0.1
}

func ExampleBetween() {
	nats, _ := kldiv.Between(kldiv.Normal(0, 1), kldiv.Normal(1, 2), nil)
	fmt.Printf("%.4f\n", nats)
	// Output: 0.4431
}

// A student learns from a teacher's logits: the divergences of two rows, and the gradient of their mean.
func ExampleLogitsGrad() {
	teacher := kldiv.NewMatrix([]float32{2, 1, 0, 0, 0, 3}, 2, 3)
	student := kldiv.NewMatrix([]float32{1, 1, 1, 0, 1, 2}, 2, 3)
	grad := kldiv.Zeros[float32](2, 3)
	out, _ := kldiv.LogitsGrad(teacher, student, nil, []float64{0.5, 0.5}, nil, grad)
	fmt.Printf("%.4f\n%.4f\n", out, grad.Data)
	// Output:
	// [0.2662 0.1768]
	// [-0.1660 0.0443 0.1217 0.0224 0.0997 -0.1221]
}
