// Prints the lines of bindings/bits.c.
import * as kldiv from '../index.js';

const [ROWS, COLS] = [7, 37];
const COUNT = ROWS * COLS;

// ---- inputs ----

function* splitmix64(seed) {
  let state = BigInt(seed);
  for (;;) {
    state = BigInt.asUintN(64, state + 0x9E3779B97F4A7C15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94D049BB133111EBn);
    yield z ^ (z >> 31n);
  }
}

function drawn(array, seed, n, of) {
  const draws = splitmix64(seed);
  return array.from({ length: n }, () => of(draws.next().value));
}

const unit = (z) => Number((z >> 11n) + 1n) * 2 ** -53;
const units = (seed, n) => drawn(Float64Array, seed, n, unit);
const reals = (seed, n) => drawn(Float64Array, seed, n, (z) => 16 * unit(z) - 8);
const floats = (seed, n) => drawn(Float32Array, seed, n, (z) => Number((z >> 40n) + 1n) * 2 ** -24);
const counts = (array, seed, n) => drawn(array, seed, n, (z) => z >> 44n);
const halves = (seed, n) => drawn(Uint16Array, seed, n, (z) => Number((z >> 48n) & 0x3bffn));
const matrix = (data, cols = COLS, more = {}) => ({ data, rows: data.length / cols, cols, ...more });

// ---- output ----

const lines = [];

function hex(numbers, digits = 16) {
  const Bits = digits === 16 ? BigUint64Array : Uint32Array;
  return Array.from(new Bits(numbers.buffer, numbers.byteOffset, numbers.length),
    (bits) => ` ${bits.toString(16).padStart(digits, '0')}`).join('');
}

const line = (label, ...numbers) => lines.push(label + numbers.map((x) =>
  hex(typeof x === 'number' ? Float64Array.of(x) : x)).join(''));

// ---- the rooms ----

const [p, q, vector] = [matrix(units(5, COUNT)), matrix(units(6, COUNT)), units(2, COLS)];
line('kl', kldiv.kl(units(1, COLS), vector));
line('kl_f32', kldiv.kl(floats(3, COLS), floats(4, COLS)));
['kl', 'generalized', 'reverse', 'jeffreys', 'jensenShannon', 'jensenShannonDistance', 'renyi', 'entropy',
  'crossEntropy'].forEach((measure, m) => line(`rows_measure_${m}`, kldiv.rows(p, q, { measure, alpha: 0.5 })));
line('rows_f32', kldiv.rows(matrix(floats(7, COUNT)), matrix(floats(8, COUNT))));
line('rows_mixed_f32', kldiv.rows(p, matrix(floats(8, COUNT))));
for (const dtype of ['f16', 'bf16']) {
  const half = (seed) => matrix(halves(seed, COUNT), COLS, { dtype });
  line(`rows_${dtype}`, kldiv.rows(half(9), half(10)));
}
line('rows_counts', kldiv.rows(matrix(counts(BigInt64Array, 11, COUNT)), matrix(counts(BigUint64Array, 12, COUNT)),
  { normalization: 'normalize', smoothing: 0.5 }));
line('rows_strided', kldiv.rows({ data: p.data, rows: ROWS, cols: COLS, rowStride: 1, colStride: ROWS },
  { data: vector, rows: ROWS, cols: COLS, rowStride: 0, colStride: -1, offset: COLS - 1 }));
line('mean', kldiv.kl(p, q, { reduction: 'mean', base: 2, mask: [1, 0, 1, 1, 0, 1, 1], weights: units(13, ROWS) }));
line('terms', kldiv.terms(p, q, { measure: 'jeffreys' }).data);
lines.push('terms_to_f32' + hex(kldiv.terms(p, q, { measure: 'jeffreys' }, matrix(new Float32Array(COUNT))).data, 8));
line('explain', Float64Array.from(kldiv.explain(units(1, COLS), vector, { normalization: 'normalize' })
  .flatMap((t) => [t.p, t.q, t.ratio, t.logRatio, t.contribution, t.share])));

const others = matrix(units(20, 5 * COLS));
line('pairwise', kldiv.pairwise(p, others));
const near = kldiv.nearest(p, others, 3);
line('nearest', BigInt64Array.from(near.index, BigInt), near.out);

const [input, target, logTarget] = [matrix(reals(14, COUNT)), matrix(units(15, COUNT)), matrix(reals(16, COUNT))];
for (const reduction of ['sum', 'mean', 'batchmean']) {
  line(`loss_${reduction}`, kldiv.loss(input, target, { reduction }));
}
line('loss_pointwise', kldiv.lossPointwise(input, target).data);
const ofLoss = kldiv.lossGrad(input, target, { reduction: 'batchmean' });
line('loss_grad_input', ofLoss.gradInput.data);
line('loss_grad_target', ofLoss.gradTarget.data);
const log = { reduction: 'batchmean', logTarget: true };
line('loss_log_target', kldiv.loss(input, logTarget, log));
line('loss_log_target_grad', kldiv.lossGrad(input, logTarget, log, { upstream: 0.5, gradInput: null }).gradTarget.data);

const [a, b, upstream] = [matrix(reals(17, COUNT)), matrix(reals(18, COUNT)), units(13, ROWS)];
line('logits', kldiv.logits(a, b, { temperature: 2 }));
const ofLogits = kldiv.logitsGrad(a, b, { temperature: 2 }, { upstream });
line('logits_grad', ofLogits.out);
line('logits_grad_a', ofLogits.gradA.data);
line('logits_grad_b', ofLogits.gradB.data);
line('logits_jensen_shannon', kldiv.logits(a, b, { temperature: 2, measure: 'jensenShannon', jsWeight: 0.25 }));
const KEPT = 4;
const indices = Array.from({ length: ROWS * KEPT }, (_, i) => 9 * (i % KEPT) + Math.floor(i / KEPT));
const ofTopk = kldiv.logitsTopk(matrix(reals(19, ROWS * KEPT), KEPT), indices, b, { temperature: 2 }, { upstream });
line('logits_topk', ofTopk.out);
line('logits_topk_grad_b', ofTopk.gradB.data);

function families(label, pFamily, qFamily, cols, options) {
  line(label, kldiv.family(pFamily, matrix(units(21, ROWS * cols), cols), qFamily, matrix(units(22, ROWS * cols), cols),
    options));
}
families('family_normal', 'normal', 'normal', 2);
families('family_normal_jeffreys', 'normal', 'normal', 2, { measure: 'jeffreys', base: 2 });
families('family_normal_laplace', 'normal', 'laplace', 2);
families('family_dirichlet', 'dirichlet', 'dirichlet', 5);
families('family_mvnormal_lowrank', 'mvNormalLowRank', 'mvNormalLowRank', 6, { dim: 2 });
const ofFamily = kldiv.familyGrad('gamma', matrix(units(21, ROWS * 2), 2), 'gamma', matrix(units(22, ROWS * 2), 2),
  undefined, { upstream });
line('family_grad', ofFamily.out);
line('family_grad_p', ofFamily.gradP.data);
line('family_grad_q', ofFamily.gradQ.data);

const repeated = (data) => ({ data, rows: ROWS, cols: COLS, rowStride: 0 });
const [mu, logvar] = [matrix(reals(25, COUNT)), matrix(reals(26, COUNT))];
line('vae', kldiv.vae(mu, logvar));
const ofVae = kldiv.vaeGrad(mu, logvar, { mu: repeated(reals(27, COLS)), logvar: repeated(reals(28, COLS)) }, undefined,
  { upstream });
line('vae_prior', ofVae.out);
line('vae_grad_mu', ofVae.gradMu.data);
line('vae_grad_logvar', ofVae.gradLogvar.data);
line('vae_grad_prior_mu', ofVae.gradPriorMu.data);
line('vae_grad_prior_logvar', ofVae.gradPriorLogvar.data);

const integral = kldiv.quadrature((x) => 2 * x, (x) => 3 * x * x, 0, 1, { breaks: [0.5] });
line('quadrature', integral.value, integral.bound);
line('knn', kldiv.knn(matrix(reals(29, 40 * 3), 3), matrix(reals(30, 50 * 3), 3), 2));
const estimate = kldiv.monteCarlo(reals(31, 100), reals(32, 100), { estimator: 'k3' });
line('monte_carlo', estimate.mean, estimate.standardError);

const part = (from, to) => new kldiv.Partial({ measure: 'jeffreys' })
  .update(matrix(p.data.subarray(from * COLS, to * COLS)), matrix(q.data.subarray(from * COLS, to * COLS)));
const state = part(0, 3).merge(part(3, ROWS));
line('partial', state.value({ normalization: 'normalize' }));
line('partial_state', new BigUint64Array(state.toBytes().buffer));

process.stdout.write(lines.join('\n') + '\n');
