package kldiv

// #include <kldiv.h>
import "C"

// Family is a family of distributions; it says what the columns of a matrix of parameters are.
type Family uint32

// The families, with their parameters in order.
const (
	FamilyNormal              Family = C.KLDIV_FAMILY_NORMAL              // loc, scale
	FamilyLaplace             Family = C.KLDIV_FAMILY_LAPLACE             // loc, scale
	FamilyGumbel              Family = C.KLDIV_FAMILY_GUMBEL              // loc, scale
	FamilyLogistic            Family = C.KLDIV_FAMILY_LOGISTIC            // loc, scale
	FamilyMoyal               Family = C.KLDIV_FAMILY_MOYAL               // loc, scale
	FamilyCauchy              Family = C.KLDIV_FAMILY_CAUCHY              // loc, scale
	FamilyLogNormal           Family = C.KLDIV_FAMILY_LOGNORMAL           // loc, scale
	FamilyHalfNormal          Family = C.KLDIV_FAMILY_HALFNORMAL          // scale
	FamilyExponential         Family = C.KLDIV_FAMILY_EXPONENTIAL         // rate
	FamilyGamma               Family = C.KLDIV_FAMILY_GAMMA               // concentration, rate
	FamilyInverseGamma        Family = C.KLDIV_FAMILY_INVERSEGAMMA        // concentration, rate
	FamilyChi2                Family = C.KLDIV_FAMILY_CHI2                // df
	FamilyChi                 Family = C.KLDIV_FAMILY_CHI                 // df
	FamilyBeta                Family = C.KLDIV_FAMILY_BETA                // concentration1, concentration0
	FamilyKumaraswamy         Family = C.KLDIV_FAMILY_KUMARASWAMY         // concentration1, concentration0
	FamilyContinuousBernoulli Family = C.KLDIV_FAMILY_CONTINUOUSBERNOULLI // probs
	FamilyUniform             Family = C.KLDIV_FAMILY_UNIFORM             // low, high
	FamilyWeibull             Family = C.KLDIV_FAMILY_WEIBULL             // scale, concentration
	FamilyPareto              Family = C.KLDIV_FAMILY_PARETO              // scale, alpha
	FamilyStudentT            Family = C.KLDIV_FAMILY_STUDENTT            // df, loc, scale
	FamilyVonMises            Family = C.KLDIV_FAMILY_VONMISES            // loc, concentration
	FamilyBernoulli           Family = C.KLDIV_FAMILY_BERNOULLI           // probs
	FamilyBernoulliLogits     Family = C.KLDIV_FAMILY_BERNOULLI_LOGITS    // logits
	FamilyCategorical         Family = C.KLDIV_FAMILY_CATEGORICAL         // probs
	FamilyCategoricalLogits   Family = C.KLDIV_FAMILY_CATEGORICAL_LOGITS  // logits
	FamilyBinomial            Family = C.KLDIV_FAMILY_BINOMIAL            // total_count, probs
	FamilyNegativeBinomial    Family = C.KLDIV_FAMILY_NEGATIVEBINOMIAL    // total_count, probs
	FamilyGeometric           Family = C.KLDIV_FAMILY_GEOMETRIC           // probs
	FamilyPoisson             Family = C.KLDIV_FAMILY_POISSON             // rate
	FamilyMultinomial         Family = C.KLDIV_FAMILY_MULTINOMIAL         // total_count, probs
	FamilyDirichlet           Family = C.KLDIV_FAMILY_DIRICHLET           // concentration
	FamilyMvNormal            Family = C.KLDIV_FAMILY_MVNORMAL            // loc, covariance_matrix
	FamilyMvNormalTril        Family = C.KLDIV_FAMILY_MVNORMAL_TRIL       // loc, scale_tril
	FamilyMvNormalPrecision   Family = C.KLDIV_FAMILY_MVNORMAL_PRECISION  // loc, precision_matrix
	FamilyMvNormalDiag        Family = C.KLDIV_FAMILY_MVNORMAL_DIAG       // loc, scale_diag
	FamilyMvNormalLowRank     Family = C.KLDIV_FAMILY_MVNORMAL_LOWRANK    // loc, cov_diag, cov_factor
	FamilyWishart             Family = C.KLDIV_FAMILY_WISHART             // df, covariance_matrix
	FamilyInverseWishart      Family = C.KLDIV_FAMILY_INVERSEWISHART      // df, scale_matrix
)

// Distribution is a member of a family, by its parameters. The functions that make one are named after the families.
type Distribution struct {
	Family Family
	Params []float64
	dim    int // of a multivariate normal of low rank
}

// Between is the divergence of two distributions, or another measure of them: KL, generalized, reverse, Jeffreys or
// cross entropy. For many pairs at once there is [FamilyRows].
func Between(p, q Distribution, o *Options) (float64, error) {
	options := Options{}
	if o != nil {
		options = *o
	}
	for _, side := range [2]Distribution{p, q} {
		if side.dim != 0 {
			options.Dim = side.dim
		}
	}
	out, err := FamilyRows(p.Family, Row(p.Params), q.Family, Row(q.Params), &options)
	if out == nil {
		return 0, err
	}
	return out[0], err
}

func together(parts ...[]float64) []float64 {
	var all []float64
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// Normal is a normal distribution.
func Normal(loc, scale float64) Distribution {
	return Distribution{Family: FamilyNormal, Params: []float64{loc, scale}}
}

// Laplace is a Laplace distribution.
func Laplace(loc, scale float64) Distribution {
	return Distribution{Family: FamilyLaplace, Params: []float64{loc, scale}}
}

// Gumbel is a Gumbel distribution.
func Gumbel(loc, scale float64) Distribution {
	return Distribution{Family: FamilyGumbel, Params: []float64{loc, scale}}
}

// Logistic is a logistic distribution.
func Logistic(loc, scale float64) Distribution {
	return Distribution{Family: FamilyLogistic, Params: []float64{loc, scale}}
}

// Moyal is a Moyal distribution.
func Moyal(loc, scale float64) Distribution {
	return Distribution{Family: FamilyMoyal, Params: []float64{loc, scale}}
}

// Cauchy is a Cauchy distribution.
func Cauchy(loc, scale float64) Distribution {
	return Distribution{Family: FamilyCauchy, Params: []float64{loc, scale}}
}

// LogNormal is a log-normal distribution: loc and scale are of ln x.
func LogNormal(loc, scale float64) Distribution {
	return Distribution{Family: FamilyLogNormal, Params: []float64{loc, scale}}
}

// HalfNormal is a half-normal distribution: scale is of the normal distribution whose half it is.
func HalfNormal(scale float64) Distribution {
	return Distribution{Family: FamilyHalfNormal, Params: []float64{scale}}
}

// Exponential is an exponential distribution.
func Exponential(rate float64) Distribution {
	return Distribution{Family: FamilyExponential, Params: []float64{rate}}
}

// Gamma is a gamma distribution.
func Gamma(concentration, rate float64) Distribution {
	return Distribution{Family: FamilyGamma, Params: []float64{concentration, rate}}
}

// InverseGamma is an inverse gamma distribution.
func InverseGamma(concentration, rate float64) Distribution {
	return Distribution{Family: FamilyInverseGamma, Params: []float64{concentration, rate}}
}

// Chi2 is a chi-squared distribution.
func Chi2(df float64) Distribution {
	return Distribution{Family: FamilyChi2, Params: []float64{df}}
}

// Chi is a chi distribution.
func Chi(df float64) Distribution {
	return Distribution{Family: FamilyChi, Params: []float64{df}}
}

// Beta is a beta distribution: x^(a-1) (1-x)^(b-1) with a, b.
func Beta(concentration1, concentration0 float64) Distribution {
	return Distribution{Family: FamilyBeta, Params: []float64{concentration1, concentration0}}
}

// Kumaraswamy is a Kumaraswamy distribution.
func Kumaraswamy(concentration1, concentration0 float64) Distribution {
	return Distribution{Family: FamilyKumaraswamy, Params: []float64{concentration1, concentration0}}
}

// ContinuousBernoulli is a continuous Bernoulli distribution.
func ContinuousBernoulli(probs float64) Distribution {
	return Distribution{Family: FamilyContinuousBernoulli, Params: []float64{probs}}
}

// Uniform is a uniform distribution.
func Uniform(low, high float64) Distribution {
	return Distribution{Family: FamilyUniform, Params: []float64{low, high}}
}

// Weibull is a Weibull distribution.
func Weibull(scale, concentration float64) Distribution {
	return Distribution{Family: FamilyWeibull, Params: []float64{scale, concentration}}
}

// Pareto is a Pareto distribution from scale on.
func Pareto(scale, alpha float64) Distribution {
	return Distribution{Family: FamilyPareto, Params: []float64{scale, alpha}}
}

// StudentT is a Student distribution; scale is not the standard deviation.
func StudentT(df, loc, scale float64) Distribution {
	return Distribution{Family: FamilyStudentT, Params: []float64{df, loc, scale}}
}

// VonMises is a von Mises distribution.
func VonMises(loc, concentration float64) Distribution {
	return Distribution{Family: FamilyVonMises, Params: []float64{loc, concentration}}
}

// Bernoulli is a Bernoulli distribution: the probability of 1.
func Bernoulli(probs float64) Distribution {
	return Distribution{Family: FamilyBernoulli, Params: []float64{probs}}
}

// BernoulliLogits is a Bernoulli distribution by its logit.
func BernoulliLogits(logits float64) Distribution {
	return Distribution{Family: FamilyBernoulliLogits, Params: []float64{logits}}
}

// Categorical is a categorical distribution; the probabilities are divided by their sum.
func Categorical(probs []float64) Distribution {
	return Distribution{Family: FamilyCategorical, Params: together(probs)}
}

// CategoricalLogits is a categorical distribution: the softmax of the logits.
func CategoricalLogits(logits []float64) Distribution {
	return Distribution{Family: FamilyCategoricalLogits, Params: together(logits)}
}

// Binomial is a binomial distribution.
func Binomial(totalCount, probs float64) Distribution {
	return Distribution{Family: FamilyBinomial, Params: []float64{totalCount, probs}}
}

// NegativeBinomial is a negative binomial distribution: (1-s)^r s^k.
func NegativeBinomial(totalCount, probs float64) Distribution {
	return Distribution{Family: FamilyNegativeBinomial, Params: []float64{totalCount, probs}}
}

// Geometric is a geometric distribution from 0 on.
func Geometric(probs float64) Distribution {
	return Distribution{Family: FamilyGeometric, Params: []float64{probs}}
}

// Poisson is a Poisson distribution.
func Poisson(rate float64) Distribution {
	return Distribution{Family: FamilyPoisson, Params: []float64{rate}}
}

// Multinomial is a multinomial distribution; the probabilities are divided by their sum.
func Multinomial(totalCount float64, probs []float64) Distribution {
	return Distribution{Family: FamilyMultinomial, Params: together([]float64{totalCount}, probs)}
}

// Dirichlet is a Dirichlet distribution.
func Dirichlet(concentration []float64) Distribution {
	return Distribution{Family: FamilyDirichlet, Params: together(concentration)}
}

// MvNormal is a multivariate normal distribution by its covariance, row by row.
func MvNormal(loc, covarianceMatrix []float64) Distribution {
	return Distribution{Family: FamilyMvNormal, Params: together(loc, covarianceMatrix)}
}

// MvNormalTril is a multivariate normal distribution by the lower triangular factor of its covariance.
func MvNormalTril(loc, scaleTril []float64) Distribution {
	return Distribution{Family: FamilyMvNormalTril, Params: together(loc, scaleTril)}
}

// MvNormalPrecision is a multivariate normal distribution by the inverse of its covariance.
func MvNormalPrecision(loc, precisionMatrix []float64) Distribution {
	return Distribution{Family: FamilyMvNormalPrecision, Params: together(loc, precisionMatrix)}
}

// MvNormalDiag is a multivariate normal distribution by its standard deviations.
func MvNormalDiag(loc, scaleDiag []float64) Distribution {
	return Distribution{Family: FamilyMvNormalDiag, Params: together(loc, scaleDiag)}
}

// MvNormalLowRank is a multivariate normal distribution of covariance W W^T + diag v: v, and W row by row.
func MvNormalLowRank(loc, covDiag, covFactor []float64) Distribution {
	return Distribution{Family: FamilyMvNormalLowRank, Params: together(loc, covDiag, covFactor), dim: len(loc)}
}

// Wishart is a Wishart distribution of mean df V.
func Wishart(df float64, covarianceMatrix []float64) Distribution {
	return Distribution{Family: FamilyWishart, Params: together([]float64{df}, covarianceMatrix)}
}

// InverseWishart is an inverse Wishart distribution.
func InverseWishart(df float64, scaleMatrix []float64) Distribution {
	return Distribution{Family: FamilyInverseWishart, Params: together([]float64{df}, scaleMatrix)}
}
