// The table of families, each by its own function.

package kldiv_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kldiv"
)

func TestFamiliesAreWithinTheirTolerance(t *testing.T) {
	type side struct {
		Family string
		Params json.RawMessage
	}
	for _, c := range table[struct {
		Name, Tag, Source string
		P, Q              side
		Expect            struct{ KL json.RawMessage }
	}](t, "continuous.json") {
		var want numbers
		if err := json.Unmarshal(c.Expect.KL, &want); err != nil {
			t.Fatal(err)
		}
		relative := 1e-13
		if c.Tag == "near" {
			relative = 1e-12
		} else if strings.HasPrefix(c.Source, "quadrature") {
			relative = 1e-9
		}
		got := must(kldiv.Between(distribution(t, c.P.Family, c.P.Params), distribution(t, c.Q.Family, c.Q.Params), nil))(t)
		near(t, c.Name, []float64{got}, want, func(int) float64 { return relative * want[0] })
		if got < 0 {
			t.Errorf("%s: %v", c.Name, got)
		}
	}
}

// distribution calls the family's own function, with its parameters by name.
func distribution(t *testing.T, family string, text json.RawMessage) kldiv.Distribution {
	var params map[string]numbers
	if err := json.Unmarshal(text, &params); err != nil {
		t.Fatal(err)
	}
	one := func(name string) float64 {
		if len(params[name]) != 1 {
			t.Fatalf("%s has no %s", family, name)
		}
		return params[name][0]
	}
	all := func(name string) []float64 { return params[name] }
	has := func(name string) bool { return params[name] != nil }
	switch family {
	case "normal":
		return kldiv.Normal(one("loc"), one("scale"))
	case "laplace":
		return kldiv.Laplace(one("loc"), one("scale"))
	case "gumbel":
		return kldiv.Gumbel(one("loc"), one("scale"))
	case "logistic":
		return kldiv.Logistic(one("loc"), one("scale"))
	case "moyal":
		return kldiv.Moyal(one("loc"), one("scale"))
	case "cauchy":
		return kldiv.Cauchy(one("loc"), one("scale"))
	case "lognormal":
		return kldiv.LogNormal(one("loc"), one("scale"))
	case "halfnormal":
		return kldiv.HalfNormal(one("scale"))
	case "exponential":
		return kldiv.Exponential(one("rate"))
	case "gamma":
		return kldiv.Gamma(one("concentration"), one("rate"))
	case "inversegamma":
		return kldiv.InverseGamma(one("concentration"), one("rate"))
	case "chi2":
		return kldiv.Chi2(one("df"))
	case "chi":
		return kldiv.Chi(one("df"))
	case "beta":
		return kldiv.Beta(one("concentration1"), one("concentration0"))
	case "kumaraswamy":
		return kldiv.Kumaraswamy(one("concentration1"), one("concentration0"))
	case "continuousbernoulli":
		return kldiv.ContinuousBernoulli(one("probs"))
	case "uniform":
		return kldiv.Uniform(one("low"), one("high"))
	case "weibull":
		return kldiv.Weibull(one("scale"), one("concentration"))
	case "pareto":
		return kldiv.Pareto(one("scale"), one("alpha"))
	case "studentt":
		return kldiv.StudentT(one("df"), one("loc"), one("scale"))
	case "vonmises":
		return kldiv.VonMises(one("loc"), one("concentration"))
	case "bernoulli":
		if has("logits") {
			return kldiv.BernoulliLogits(one("logits"))
		}
		return kldiv.Bernoulli(one("probs"))
	case "categorical":
		if has("logits") {
			return kldiv.CategoricalLogits(all("logits"))
		}
		return kldiv.Categorical(all("probs"))
	case "binomial":
		return kldiv.Binomial(one("total_count"), one("probs"))
	case "negativebinomial":
		return kldiv.NegativeBinomial(one("total_count"), one("probs"))
	case "geometric":
		return kldiv.Geometric(one("probs"))
	case "poisson":
		return kldiv.Poisson(one("rate"))
	case "multinomial":
		return kldiv.Multinomial(one("total_count"), all("probs"))
	case "dirichlet":
		return kldiv.Dirichlet(all("concentration"))
	case "mvnormal":
		switch {
		case has("scale_tril"):
			return kldiv.MvNormalTril(all("loc"), all("scale_tril"))
		case has("precision_matrix"):
			return kldiv.MvNormalPrecision(all("loc"), all("precision_matrix"))
		case has("scale_diag"):
			return kldiv.MvNormalDiag(all("loc"), all("scale_diag"))
		case has("cov_factor"):
			return kldiv.MvNormalLowRank(all("loc"), all("cov_diag"), all("cov_factor"))
		}
		return kldiv.MvNormal(all("loc"), all("covariance_matrix"))
	case "wishart":
		return kldiv.Wishart(one("df"), all("covariance_matrix"))
	case "inversewishart":
		return kldiv.InverseWishart(one("df"), all("scale_matrix"))
	}
	t.Fatalf("a family without a function: %s", family)
	return kldiv.Distribution{}
}
