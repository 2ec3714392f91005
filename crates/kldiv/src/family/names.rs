//! The families by name.

macro_rules! families {
    ($(#[doc = $doc:literal] $name:ident = $number:literal, $text:literal;)*) => {
        /// A family of distributions; the parameters of each, in the order of a row's columns.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Family {
            $(#[doc = $doc] $name = $number,)*
        }

        impl Family {
            /// Every family.
            pub const ALL: &'static [Family] = &[$(Family::$name,)*];

            /// Its name, in lower case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Family::$name => $text,)*
                }
            }

            /// Its parameters by name, in the order of a row's columns; code in backticks.
            pub fn parameters(self) -> &'static str {
                match self {
                    $(Family::$name => $doc.trim_ascii_start(),)*
                }
            }
        }
    };
}

families! {
    /// `loc, scale`
    Normal = 1, "normal";
    /// `loc, scale`
    Laplace = 2, "laplace";
    /// `loc, scale`: the maximum type, density `exp(−z − e⁻ᶻ)/scale`, z = (x − loc)/scale.
    Gumbel = 3, "gumbel";
    /// `loc, scale`
    Logistic = 4, "logistic";
    /// `loc, scale`: density `exp(−(z + e⁻ᶻ)/2)/(scale √2π)`, z = (x − loc)/scale.
    Moyal = 5, "moyal";
    /// `loc, scale`
    Cauchy = 6, "cauchy";
    /// `loc, scale`, of ln x.
    LogNormal = 7, "lognormal";
    /// `scale`, of the normal distribution whose half it is.
    HalfNormal = 8, "halfnormal";
    /// `rate`
    Exponential = 9, "exponential";
    /// `concentration, rate`
    Gamma = 10, "gamma";
    /// `concentration, rate`: density `bᵃ x^(−a−1) e^(−b/x)/Γ(a)`.
    InverseGamma = 11, "inversegamma";
    /// `df`
    Chi2 = 12, "chi2";
    /// `df`
    Chi = 13, "chi";
    /// `concentration1, concentration0`: density `x^(a−1) (1−x)^(b−1)/B(a, b)`.
    Beta = 14, "beta";
    /// `concentration1, concentration0`: density `a b x^(a−1) (1−xᵃ)^(b−1)`.
    Kumaraswamy = 15, "kumaraswamy";
    /// `probs`: density `C λˣ (1−λ)^(1−x)`.
    ContinuousBernoulli = 16, "continuousbernoulli";
    /// `low, high`
    Uniform = 17, "uniform";
    /// `scale, concentration`: density `(k/s) (x/s)^(k−1) exp(−(x/s)ᵏ)`.
    Weibull = 18, "weibull";
    /// `scale, alpha`: density `α mᵅ x^(−α−1)` from m on.
    Pareto = 19, "pareto";
    /// `df, loc, scale`; scale is not the standard deviation.
    StudentT = 20, "studentt";
    /// `loc, concentration`, over one turn.
    VonMises = 21, "vonmises";
    /// `probs`, of 1.
    Bernoulli = 22, "bernoulli";
    /// `logits`: ln(p/(1 − p)).
    BernoulliLogits = 23, "bernoulli_logits";
    /// `probs`, divided by their sum.
    Categorical = 24, "categorical";
    /// `logits`: the probabilities are their softmax; −∞ is an outcome that cannot be.
    CategoricalLogits = 25, "categorical_logits";
    /// `total_count, probs`
    Binomial = 26, "binomial";
    /// `total_count, probs`: `Γ(k+r)/(k! Γ(r)) (1−s)ʳ sᵏ`, s the probability of the counted event.
    NegativeBinomial = 27, "negativebinomial";
    /// `probs`: `(1−s)ᵏ s` from k = 0.
    Geometric = 28, "geometric";
    /// `rate`, which may be 0.
    Poisson = 29, "poisson";
    /// `total_count`, then `probs`, divided by their sum.
    Multinomial = 30, "multinomial";
    /// `concentration`, one an outcome.
    Dirichlet = 31, "dirichlet";
    /// d `loc`, then d·d `covariance_matrix`, row by row.
    MvNormal = 32, "mvnormal";
    /// d `loc`, then d·d `scale_tril`: the lower L with covariance L Lᵀ.
    MvNormalTril = 33, "mvnormal_tril";
    /// d `loc`, then d·d `precision_matrix`.
    MvNormalPrecision = 34, "mvnormal_precision";
    /// d `loc`, then d standard deviations.
    MvNormalDiag = 35, "mvnormal_diag";
    /// d `loc`, d variances, then a factor W of d·r, row by row: covariance `W Wᵀ + diag`; d is an option.
    MvNormalLowRank = 36, "mvnormal_lowrank";
    /// `df`, then d·d `covariance_matrix` V: mean df·V.
    Wishart = 37, "wishart";
    /// `df`, then d·d `scale_matrix`.
    InverseWishart = 38, "inversewishart";
}

impl Family {
    /// The family of a number, by which other languages know it.
    pub fn from_number(number: u32) -> Option<Family> {
        Family::ALL.iter().copied().find(|family| *family as u32 == number)
    }

    /// How many parameters a distribution of one number has.
    pub(crate) fn scalar_params(self) -> usize {
        match self {
            Family::StudentT => 3,
            Family::HalfNormal
            | Family::Exponential
            | Family::Chi2
            | Family::Chi
            | Family::ContinuousBernoulli
            | Family::Bernoulli
            | Family::BernoulliLogits
            | Family::Geometric
            | Family::Poisson => 1,
            _ => 2,
        }
    }
}
