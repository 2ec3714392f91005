/**
 * The Kullback-Leibler divergence and its relatives, by libkldiv.
 *
 *     kl([0.5, 0.5], [0.7, 0.3]) // 0.0872 nats
 *
 * P comes first, Q second. 0 ln(0 / q) is 0; where q is 0 and p is not, the divergence is infinite: that is an answer,
 * not an error. Results are in nats unless `base` is set. What is wrong is thrown as a {@link KldivError}.
 */

/** Arrays that are taken as they are; a plain array is copied into doubles. */
export type Numbers = Float64Array | Float32Array | number[];

/** Besides these, counts: BigInt64Array and BigUint64Array. */
export type Elements = Numbers | BigInt64Array | BigUint64Array;

/**
 * Rows x cols elements of an array: element (i, j) is data[offset + i * rowStride + j * colStride]. Inputs may repeat
 * a row or a column, by a stride of 0; a negative stride walks backwards.
 */
export interface Strided<Data> {
  data: Data;
  rows: number;
  cols: number;
  /** cols, unless given. */
  rowStride?: number;
  /** 1, unless given. */
  colStride?: number;
  /** 0, unless given. */
  offset?: number;
}

/** A matrix to read: each row a distribution, each column an outcome. A vector is one row. */
export type Matrix = Elements | Strided<Elements> | (Strided<Uint16Array> & { dtype: 'f16' | 'bf16' });

/** A matrix to write to. */
export type Output =
  | Strided<Float64Array | Float32Array>
  | (Strided<Uint16Array> & { dtype: 'f16' | 'bf16' });

/** Undefined: made anew, of the type of the input if that is Float32Array, else of doubles. Null: not wanted. */
export type Wanted = Output | null | undefined;

/** A result: the output that was given, or a new one. */
export interface Written extends Strided<Float64Array | Float32Array | Uint16Array> {
  rowStride: number;
  colStride: number;
  offset: number;
}

/** Numbers of which there is one a row. */
export type PerRow = Float64Array | number[];

export type Measure =
  | 'kl' | 'generalized' | 'reverse' | 'jeffreys' | 'jensenShannon' | 'jensenShannonDistance' | 'renyi' | 'entropy'
  | 'crossEntropy';

/** A call's choices. A function looks at what concerns it. */
export interface Options {
  /** What is computed; 'kl'. Of an entropy q may be null. */
  measure?: Measure;
  /** What is done about sums that are not 1; 'asGiven'. */
  normalization?: 'asGiven' | 'normalize' | 'require';
  /** How rows become one number; 'sum'. */
  reduction?: 'sum' | 'mean' | 'batchmean';
  /** Whether a bad row, which is NaN, is thrown as an error too; 'error'. */
  invalid?: 'error' | 'nan';
  /** monteCarlo: what is averaged; 'k1'. */
  estimator?: 'k1' | 'k2' | 'k3';
  /** logitsTopk: what the values are; 'logitsRenormalized'. */
  topk?: 'logitsRenormalized' | 'logprobsTail' | 'logprobsRenormalized';
  /** loss: the target is ln p. */
  logTarget?: boolean;
  /** quadrature: the functions return ln p. */
  logDensity?: boolean;
  /** How many share a large call; 0: as many as there are cores. */
  threads?: number;
  /** family: the dimension of a multivariate normal of low rank. */
  dim?: number;
  /** Of the logarithm, above 1; e. 2 gives bits. */
  base?: number;
  /** The order of a Renyi divergence; it has no default. */
  alpha?: number;
  /** logits: T of softmax(a / T); 1. */
  temperature?: number;
  /** The weight of P in the mixture of Jensen-Shannon; 1/2. */
  jsWeight?: number;
  /** Added to every entry; needs 'normalize'. */
  smoothing?: number;
  /** How far from 1 a sum may be under 'require'; 1e-6. */
  massTolerance?: number;
  /** quadrature: the relative error to reach; 1e-9. */
  relTolerance?: number;
  /** For each row of p whether it is kept; others are not read and give 0. */
  mask?: Uint8Array | boolean[] | number[];
  /** For each row of p what its result is multiplied by. */
  weights?: PerRow;
}

/** What went wrong in a call. */
export class KldivError<Result = unknown> extends Error {
  /** The status of C. */
  readonly status: number;
  /** Its name in C, without KLDIV_ERROR_. */
  readonly code:
    | 'NULL_POINTER' | 'MISALIGNED' | 'SIZE_OVERFLOW' | 'OVERLAP' | 'DTYPE' | 'OPTIONS' | 'SHAPE_MISMATCH' | 'EMPTY'
    | 'NEGATIVE' | 'NAN' | 'INFINITE' | 'ZERO_MASS' | 'NOT_NORMALIZED' | 'INDEX' | 'PARAMETER'
    | 'NOT_POSITIVE_DEFINITE' | 'UNSUPPORTED_PAIR' | 'NOT_CONVERGED' | 'DEGENERATE' | 'STATE' | 'OUT_OF_MEMORY'
    | 'INTERNAL';
  /** Which input: 0 is the first. */
  readonly operand: number;
  /** The row of the first bad entry, from 0. */
  readonly row: number;
  /** Its column, from 0. */
  readonly col: number;
  /** The bad value. */
  readonly value: number;
  /** Where the data are bad, what the call would have returned: bad rows are NaN, all others are answered. */
  readonly result: Result | undefined;
}

/** The version of the library that runs: major * 10000 + minor * 100 + patch. */
export function version(): number;

/** The instruction set whose kernels run on this machine. Results do not depend on it. */
export function activeIsa(): string;

/** sum p ln(p / q), or another measure, of two vectors; of matrices the rows' results, reduced to one number. */
export function kl(p: Matrix, q: Matrix | null, options?: Options): number;

/** The divergence of each row of p from the same row of q, or whatever the measure asks for. */
export function rows(p: Matrix, q: Matrix | null, options?: Options): Float64Array;

/** The terms of the sum, element by element. */
export function terms(p: Matrix, q: Matrix | null, options?: Options, out?: Output): Written;

/** One outcome's part of a divergence. */
export interface Term {
  index: number;
  p: number;
  q: number;
  /** p / q. */
  ratio: number;
  /** Its logarithm. */
  logRatio: number;
  /** What it adds to the measure. */
  contribution: number;
  /** That, as a part of the measure. */
  share: number;
}

/** How the divergence of two vectors comes about, outcome by outcome. */
export function explain(p: Matrix, q: Matrix | null, options?: Options): Term[];

/** Every row of p against every row of q: row i against row j at [i * k + j], where q has k rows. */
export function pairwise(p: Matrix, q: Matrix | null, options?: Options): Float64Array;

/**
 * The k rows of q with the smallest divergences from each row of p, the smallest first; row i's at i * k. An index of
 * -1 is that of no row.
 */
export function nearest(p: Matrix, q: Matrix, k: number, options?: Options): { index: number[]; out: Float64Array };

/** PyTorch's KLDivLoss, reduced: first the input, ln q, then the target, p. The mean divergence is 'batchmean'. */
export function loss(input: Matrix, target: Matrix, options?: Options): number;

/** The elements of the loss, not reduced. */
export function lossPointwise(input: Matrix, target: Matrix, options?: Options, out?: Output): Written;

/** The gradients of the loss. upstream is that of the reduced loss, or has the shape of the input; 1. */
export function lossGrad(input: Matrix, target: Matrix, options?: Options,
  gradients?: { upstream?: number | Matrix; gradInput?: Wanted; gradTarget?: Wanted }):
  { gradInput: Written | null; gradTarget: Written | null };

/** D(softmax(a / T) || softmax(b / T)), row by row. */
export function logits(a: Matrix, b: Matrix, options?: Options): Float64Array;

/** The same and its gradients; upstream multiplies their rows. */
export function logitsGrad(a: Matrix, b: Matrix, options?: Options,
  gradients?: { upstream?: PerRow; gradA?: Wanted; gradB?: Wanted }):
  { out: Float64Array; gradA: Written | null; gradB: Written | null };

/** A teacher of which only the likeliest classes were kept, against softmax(b / T); and the gradient by b. */
export function logitsTopk(values: Matrix, indices: BigInt64Array | number[], b: Matrix, options?: Options,
  gradients?: { upstream?: PerRow; gradB?: Wanted }): { out: Float64Array; gradB: Written | null };

/** The prior of a VAE; what is left out is that of the standard normal. */
export interface Prior {
  mu?: Matrix;
  logvar?: Matrix;
}

/** A VAE's posterior against its prior, row by row, from means and logarithms of variances. */
export function vae(mu: Matrix, logvar: Matrix, prior?: Prior | null, options?: Options): Float64Array;

/** The same and its gradients; upstream multiplies their rows. */
export function vaeGrad(mu: Matrix, logvar: Matrix, prior?: Prior | null, options?: Options,
  gradients?: { upstream?: PerRow; gradMu?: Wanted; gradLogvar?: Wanted; gradPriorMu?: Wanted;
    gradPriorLogvar?: Wanted }):
  { out: Float64Array; gradMu: Written | null; gradLogvar: Written | null; gradPriorMu: Written | null;
    gradPriorLogvar: Written | null };

/** A family of distributions: says what the columns of its parameters are, as the function of its name has them. */
export type Family =
  | 'normal' | 'laplace' | 'gumbel' | 'logistic' | 'moyal'
  | 'cauchy' | 'logNormal' | 'halfNormal' | 'exponential' | 'gamma'
  | 'inverseGamma' | 'chi2' | 'chi' | 'beta' | 'kumaraswamy'
  | 'continuousBernoulli' | 'uniform' | 'weibull' | 'pareto' | 'studentT'
  | 'vonMises' | 'bernoulli' | 'bernoulliLogits' | 'categorical' | 'categoricalLogits'
  | 'binomial' | 'negativeBinomial' | 'geometric' | 'poisson' | 'multinomial'
  | 'dirichlet' | 'mvNormal' | 'mvNormalTril' | 'mvNormalPrecision' | 'mvNormalDiag'
  | 'mvNormalLowRank' | 'wishart' | 'inverseWishart';

/** A member of a family. */
export interface Distribution {
  readonly family: Family;
  readonly params: number[];
  readonly dim?: number;
}

/** Distributions by their parameters; matrices row by row. */
export namespace families {
  /** A normal distribution. */
  function normal(loc: number, scale: number): Distribution;
  /** A Laplace distribution. */
  function laplace(loc: number, scale: number): Distribution;
  /** A Gumbel distribution. */
  function gumbel(loc: number, scale: number): Distribution;
  /** A logistic distribution. */
  function logistic(loc: number, scale: number): Distribution;
  /** A Moyal distribution. */
  function moyal(loc: number, scale: number): Distribution;
  /** A Cauchy distribution. */
  function cauchy(loc: number, scale: number): Distribution;
  /** A log-normal distribution: loc and scale are of ln x. */
  function logNormal(loc: number, scale: number): Distribution;
  /** A half-normal distribution: scale is of the normal distribution whose half it is. */
  function halfNormal(scale: number): Distribution;
  /** An exponential distribution. */
  function exponential(rate: number): Distribution;
  /** A gamma distribution. */
  function gamma(concentration: number, rate: number): Distribution;
  /** An inverse gamma distribution. */
  function inverseGamma(concentration: number, rate: number): Distribution;
  /** A chi-squared distribution. */
  function chi2(df: number): Distribution;
  /** A chi distribution. */
  function chi(df: number): Distribution;
  /** A beta distribution: x^(a-1) (1-x)^(b-1) with a, b. */
  function beta(concentration1: number, concentration0: number): Distribution;
  /** A Kumaraswamy distribution. */
  function kumaraswamy(concentration1: number, concentration0: number): Distribution;
  /** A continuous Bernoulli distribution. */
  function continuousBernoulli(probs: number): Distribution;
  /** A uniform distribution. */
  function uniform(low: number, high: number): Distribution;
  /** A Weibull distribution. */
  function weibull(scale: number, concentration: number): Distribution;
  /** A Pareto distribution from scale on. */
  function pareto(scale: number, alpha: number): Distribution;
  /** A Student distribution; scale is not the standard deviation. */
  function studentT(df: number, loc: number, scale: number): Distribution;
  /** A von Mises distribution. */
  function vonMises(loc: number, concentration: number): Distribution;
  /** A Bernoulli distribution: the probability of 1. */
  function bernoulli(probs: number): Distribution;
  /** A Bernoulli distribution by its logit. */
  function bernoulliLogits(logits: number): Distribution;
  /** A categorical distribution; the probabilities are divided by their sum. */
  function categorical(probs: Numbers): Distribution;
  /** A categorical distribution: the softmax of the logits. */
  function categoricalLogits(logits: Numbers): Distribution;
  /** A binomial distribution. */
  function binomial(totalCount: number, probs: number): Distribution;
  /** A negative binomial distribution: (1-s)^r s^k. */
  function negativeBinomial(totalCount: number, probs: number): Distribution;
  /** A geometric distribution from 0 on. */
  function geometric(probs: number): Distribution;
  /** A Poisson distribution. */
  function poisson(rate: number): Distribution;
  /** A multinomial distribution; the probabilities are divided by their sum. */
  function multinomial(totalCount: number, probs: Numbers): Distribution;
  /** A Dirichlet distribution. */
  function dirichlet(concentration: Numbers): Distribution;
  /** A multivariate normal distribution by its covariance, row by row. */
  function mvNormal(loc: Numbers, covarianceMatrix: Numbers): Distribution;
  /** A multivariate normal distribution by the lower triangular factor of its covariance. */
  function mvNormalTril(loc: Numbers, scaleTril: Numbers): Distribution;
  /** A multivariate normal distribution by the inverse of its covariance. */
  function mvNormalPrecision(loc: Numbers, precisionMatrix: Numbers): Distribution;
  /** A multivariate normal distribution by its standard deviations. */
  function mvNormalDiag(loc: Numbers, scaleDiag: Numbers): Distribution;
  /** A multivariate normal distribution of covariance W W^T + diag v: v, and W row by row. */
  function mvNormalLowRank(loc: Numbers, covDiag: Numbers, covFactor: Numbers): Distribution;
  /** A Wishart distribution of mean df V. */
  function wishart(df: number, covarianceMatrix: Numbers): Distribution;
  /** An inverse Wishart distribution. */
  function inverseWishart(df: number, scaleMatrix: Numbers): Distribution;
}

/** The divergence of two distributions, or another measure of them; for many pairs at once there is family(). */
export function between(p: Distribution, q: Distribution | null, options?: Options): number;

/** The divergence of each pair of distributions, whose parameters are the rows of p and q. */
export function family(pFamily: Family, p: Matrix, qFamily: Family, q: Matrix | null, options?: Options): Float64Array;

/** The same for KL, and its gradients by the parameters; upstream multiplies their rows. */
export function familyGrad(pFamily: Family, p: Matrix, qFamily: Family, q: Matrix, options?: Options,
  gradients?: { upstream?: PerRow; gradP?: Wanted; gradQ?: Wanted }):
  { out: Float64Array; gradP: Written | null; gradQ: Written | null };

/**
 * The divergence of two densities on a line by integration, with a bound of its error. lower and upper enclose the
 * support of P; breaks are points where a density or its slope jumps.
 */
export function quadrature(p: (x: number) => number, q: (x: number) => number, lower: number, upper: number,
  options?: Options & { breaks?: PerRow }): { value: number; bound: number };

/** The k-nearest-neighbour estimate from points of P and points of Q, one a row. */
export function knn(x: Matrix, y: Matrix, k: number, options?: Options): number;

/** The estimate from ln p and ln q at samples of P, with its standard error. */
export function monteCarlo(logP: PerRow, logQ: PerRow, options?: Options): { mean: number; standardError: number };

/**
 * The sums of the terms of a part of the outcomes of two distributions: what is merged with those of other parts.
 * Neither the split into parts nor the order of updates and merges changes a bit of it.
 */
export class Partial {
  /** Nothing added; the measure is what it will answer, invalid whether a bad entry fails its update. */
  constructor(options?: Options);
  /** A state from bytes; whether they are one is seen when it is used. */
  static from(bytes: Uint8Array): Partial;
  /** The state as bytes, the same on every machine and in every language. */
  toBytes(): Uint8Array;
  /** Adds pairs of elements: all of p, and those of q in the same places. */
  update(p: Matrix, q: Matrix | null): this;
  /** Adds what another state holds. */
  merge(from: Partial): this;
  /** The measure of all that was added. */
  value(options?: Options): number;
}
