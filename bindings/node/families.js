// Families of distributions: their numbers in C, and a function for each that makes a member of it.

const numbers = {
  normal: 1,
  laplace: 2,
  gumbel: 3,
  logistic: 4,
  moyal: 5,
  cauchy: 6,
  logNormal: 7,
  halfNormal: 8,
  exponential: 9,
  gamma: 10,
  inverseGamma: 11,
  chi2: 12,
  chi: 13,
  beta: 14,
  kumaraswamy: 15,
  continuousBernoulli: 16,
  uniform: 17,
  weibull: 18,
  pareto: 19,
  studentT: 20,
  vonMises: 21,
  bernoulli: 22,
  bernoulliLogits: 23,
  categorical: 24,
  categoricalLogits: 25,
  binomial: 26,
  negativeBinomial: 27,
  geometric: 28,
  poisson: 29,
  multinomial: 30,
  dirichlet: 31,
  mvNormal: 32,
  mvNormalTril: 33,
  mvNormalPrecision: 34,
  mvNormalDiag: 35,
  mvNormalLowRank: 36,
  wishart: 37,
  inverseWishart: 38,
};

/** The number of a family by its name. */
export function familyNumber(name) {
  if (!Object.hasOwn(numbers, name)) {
    throw new TypeError(`there is no family '${name}'`);
  }
  return numbers[name];
}

/** A normal distribution. */
export const normal = (loc, scale) =>
  ({ family: 'normal', params: [loc, scale] });

/** A Laplace distribution. */
export const laplace = (loc, scale) =>
  ({ family: 'laplace', params: [loc, scale] });

/** A Gumbel distribution. */
export const gumbel = (loc, scale) =>
  ({ family: 'gumbel', params: [loc, scale] });

/** A logistic distribution. */
export const logistic = (loc, scale) =>
  ({ family: 'logistic', params: [loc, scale] });

/** A Moyal distribution. */
export const moyal = (loc, scale) =>
  ({ family: 'moyal', params: [loc, scale] });

/** A Cauchy distribution. */
export const cauchy = (loc, scale) =>
  ({ family: 'cauchy', params: [loc, scale] });

/** A log-normal distribution: loc and scale are of ln x. */
export const logNormal = (loc, scale) =>
  ({ family: 'logNormal', params: [loc, scale] });

/** A half-normal distribution: scale is of the normal distribution whose half it is. */
export const halfNormal = (scale) =>
  ({ family: 'halfNormal', params: [scale] });

/** An exponential distribution. */
export const exponential = (rate) =>
  ({ family: 'exponential', params: [rate] });

/** A gamma distribution. */
export const gamma = (concentration, rate) =>
  ({ family: 'gamma', params: [concentration, rate] });

/** An inverse gamma distribution. */
export const inverseGamma = (concentration, rate) =>
  ({ family: 'inverseGamma', params: [concentration, rate] });

/** A chi-squared distribution. */
export const chi2 = (df) =>
  ({ family: 'chi2', params: [df] });

/** A chi distribution. */
export const chi = (df) =>
  ({ family: 'chi', params: [df] });

/** A beta distribution: x^(a-1) (1-x)^(b-1) with a, b. */
export const beta = (concentration1, concentration0) =>
  ({ family: 'beta', params: [concentration1, concentration0] });

/** A Kumaraswamy distribution. */
export const kumaraswamy = (concentration1, concentration0) =>
  ({ family: 'kumaraswamy', params: [concentration1, concentration0] });

/** A continuous Bernoulli distribution. */
export const continuousBernoulli = (probs) =>
  ({ family: 'continuousBernoulli', params: [probs] });

/** A uniform distribution. */
export const uniform = (low, high) =>
  ({ family: 'uniform', params: [low, high] });

/** A Weibull distribution. */
export const weibull = (scale, concentration) =>
  ({ family: 'weibull', params: [scale, concentration] });

/** A Pareto distribution from scale on. */
export const pareto = (scale, alpha) =>
  ({ family: 'pareto', params: [scale, alpha] });

/** A Student distribution; scale is not the standard deviation. */
export const studentT = (df, loc, scale) =>
  ({ family: 'studentT', params: [df, loc, scale] });

/** A von Mises distribution. */
export const vonMises = (loc, concentration) =>
  ({ family: 'vonMises', params: [loc, concentration] });

/** A Bernoulli distribution: the probability of 1. */
export const bernoulli = (probs) =>
  ({ family: 'bernoulli', params: [probs] });

/** A Bernoulli distribution by its logit. */
export const bernoulliLogits = (logits) =>
  ({ family: 'bernoulliLogits', params: [logits] });

/** A categorical distribution; the probabilities are divided by their sum. */
export const categorical = (probs) =>
  ({ family: 'categorical', params: [...probs] });

/** A categorical distribution: the softmax of the logits. */
export const categoricalLogits = (logits) =>
  ({ family: 'categoricalLogits', params: [...logits] });

/** A binomial distribution. */
export const binomial = (totalCount, probs) =>
  ({ family: 'binomial', params: [totalCount, probs] });

/** A negative binomial distribution: (1-s)^r s^k. */
export const negativeBinomial = (totalCount, probs) =>
  ({ family: 'negativeBinomial', params: [totalCount, probs] });

/** A geometric distribution from 0 on. */
export const geometric = (probs) =>
  ({ family: 'geometric', params: [probs] });

/** A Poisson distribution. */
export const poisson = (rate) =>
  ({ family: 'poisson', params: [rate] });

/** A multinomial distribution; the probabilities are divided by their sum. */
export const multinomial = (totalCount, probs) =>
  ({ family: 'multinomial', params: [totalCount, ...probs] });

/** A Dirichlet distribution. */
export const dirichlet = (concentration) =>
  ({ family: 'dirichlet', params: [...concentration] });

/** A multivariate normal distribution by its covariance, row by row. */
export const mvNormal = (loc, covarianceMatrix) =>
  ({ family: 'mvNormal', params: [...loc, ...covarianceMatrix] });

/** A multivariate normal distribution by the lower triangular factor of its covariance. */
export const mvNormalTril = (loc, scaleTril) =>
  ({ family: 'mvNormalTril', params: [...loc, ...scaleTril] });

/** A multivariate normal distribution by the inverse of its covariance. */
export const mvNormalPrecision = (loc, precisionMatrix) =>
  ({ family: 'mvNormalPrecision', params: [...loc, ...precisionMatrix] });

/** A multivariate normal distribution by its standard deviations. */
export const mvNormalDiag = (loc, scaleDiag) =>
  ({ family: 'mvNormalDiag', params: [...loc, ...scaleDiag] });

/** A multivariate normal distribution of covariance W W^T + diag v: v, and W row by row. */
export const mvNormalLowRank = (loc, covDiag, covFactor) =>
  ({ family: 'mvNormalLowRank', params: [...loc, ...covDiag, ...covFactor], dim: loc.length });

/** A Wishart distribution of mean df V. */
export const wishart = (df, covarianceMatrix) =>
  ({ family: 'wishart', params: [df, ...covarianceMatrix] });

/** An inverse Wishart distribution. */
export const inverseWishart = (df, scaleMatrix) =>
  ({ family: 'inverseWishart', params: [df, ...scaleMatrix] });
