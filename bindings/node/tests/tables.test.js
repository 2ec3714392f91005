// Holds the package to testdata's tables, with the tolerances of its README.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as kldiv from '../index.js';

// ---- reading ----

const folder = process.env.KLDIV_TESTDATA ?? new URL('../../../testdata', import.meta.url).pathname;

function table(name) {
  const text = readFileSync(`${folder}/${name}`, 'utf8');
  // Integers that a double may not hold stay text.
  const cases = JSON.parse(text.replace(/(?<=[[ ,])(\d{16,})(?=[\],])/g, '"$1"'));
  assert(cases.length > 0);
  return cases;
}

function number(x) {
  assert(x !== undefined, 'the table lacks a number');
  return x === null ? NaN : Number(String(x).replace('inf', 'Infinity'));
}

const numbers = (x) => (Array.isArray(x) ? x.flat(Infinity) : [x]).map(number);
const typed = (x, dtype) => (dtype === 'f32' ? Float32Array : Float64Array).from(numbers(x));
const matrix = (x, rows, cols, dtype) => ({ data: typed(x, dtype), rows, cols });

// ---- judging ----

const precision = (dtype) => (dtype === 'f32' ? [2 ** -24, 2 ** -149] : [2 ** -53, 2 ** -1074]);

/** Each value within a tolerance of its own; what is undefined is NaN, and passed over. */
function near(what, got, wanted, tolerance) {
  const want = numbers(wanted);
  assert.equal(got.length, want.length, what);
  want.forEach((w, i) => {
    if (Number.isNaN(w)) {
      return;
    }
    const within = Number.isFinite(w) && Number.isFinite(got[i]) ? Math.abs(got[i] - w) <= tolerance(i) : got[i] === w;
    assert(within, `${what} [${i}]: got ${got[i]}, want ${w} within ${tolerance(i)}`);
  });
}

// ---- the tables ----

test('every measure is within its tolerance', () => {
  const fields = { kl: {}, generalized: { measure: 'generalized' }, reverse: { measure: 'reverse' },
    jensen_shannon: { measure: 'jensenShannon' }, jeffreys: { measure: 'jeffreys' }, entropy: { measure: 'entropy' },
    cross_entropy: { measure: 'crossEntropy' }, renyi_0_5: { measure: 'renyi', alpha: 0.5 },
    renyi_2: { measure: 'renyi', alpha: 2 } };
  for (const c of table('discrete.json')) {
    const [u, tiny] = precision(c.dtype);
    const [p, q] = [typed(c.p, c.dtype), typed(c.q, c.dtype)];
    for (const [field, options] of Object.entries(fields)) {
      const k = field.startsWith('renyi') && c.tags.includes('subnormal') ? 64 : 16;
      const got = kldiv.kl(p, q, options);
      near(`${c.name} ${field}`, [got], [c.expect[field]], () => k * u * number(c.mag[field]) + (c.n + 2) * tiny);
      assert(kldiv.rows(p, q, options)[0] === got);
    }
    assert.equal(kldiv.kl(p, q), kldiv.kl(p, q, {}));
  }
});

test('invalid inputs are refused and the culprit is named', () => {
  const codes = { negative: 'NEGATIVE', nan: 'NAN', infinite: 'INFINITE', length_mismatch: 'SHAPE_MISMATCH',
    empty: 'EMPTY' };
  for (const c of table('invalid.json')) {
    const [p, q] = [typed(c.p, c.dtype), typed(c.q, c.dtype)];
    for (const call of [() => kldiv.kl(p, q), () => kldiv.rows(p, q)]) {
      assert.throws(call, (error) => {
        assert(error instanceof kldiv.KldivError && error.message.length > 0);
        const names = c.expect.error_any_of ?? [c.expect.error];
        assert(names.some((name) => codes[name] === error.code), `${c.name}: ${error.code}`);
        if (c.expect.argument !== undefined && c.expect.index !== undefined) {
          const operand = c.expect.argument === 'p' ? 0 : 1;
          assert.deepEqual([error.operand, error.row, error.col, error.value],
            [operand, 0, c.expect.index, [p, q][operand][c.expect.index]], c.name);
          assert(Number.isNaN(typeof error.result === 'number' ? error.result : error.result[0]));
        }
        return true;
      });
    }
  }
});

test('counts are smoothed', () => {
  let skipped = 0;
  for (const c of table('counts.json')) {
    const [p, q] = [c.p_counts, c.q_counts].map((counts) => BigUint64Array.from(counts, BigInt));
    if ([...p, ...q].some((n) => BigInt(Number(n)) !== n)) {
      skipped += 1;
      continue;
    }
    const relative = /^(near_equal|proportional_smoothed|large_counts)/.test(c.name) ? 1e-10 : 1e-14;
    for (const [field, measure] of Object.entries({ kl: 'kl', kl_reverse: 'reverse', psi: 'jeffreys',
      js: 'jensenShannon' })) {
      const got = kldiv.kl(p, q, { measure, normalization: 'normalize', smoothing: c.alpha });
      near(`${c.name} ${field}`, [got], [c.expect[field]], () => relative * Math.abs(number(c.expect[field])));
    }
  }
  assert(skipped <= 2);
});

test('all pairs are within their tolerance, and neighbours in order', () => {
  for (const c of table('pairwise.json')) {
    const [u, tiny] = precision(c.dtype);
    const [p, q] = [matrix(c.p, c.m, c.d, c.dtype), matrix(c.q, c.k, c.d, c.dtype)];
    const got = kldiv.pairwise(p, q);
    near(c.name, got, c.expect.kl, (i) => 16 * u * number(c.mag.kl[i]) + (c.d + 2) * tiny);
    const { index, out } = kldiv.nearest(p, q, c.k);
    index.forEach((j, i) => {
      assert.equal(out[i], got[Math.floor(i / c.k) * c.k + j]);
      assert(i % c.k === 0 || out[i - 1] <= out[i]);
    });
  }
});

test('losses and their gradients are within their tolerance', () => {
  for (const c of table('kldivloss.json')) {
    const [u, tiny] = precision(c.dtype);
    const [input, target] = [c.input, c.target].map((x) => matrix(x, c.rows, c.cols, c.dtype));
    for (const reduction of ['sum', 'mean', 'batchmean']) {
      const got = kldiv.loss(input, target, { reduction, logTarget: c.log_target });
      near(`${c.name} ${reduction}`, [got], [c.expect[reduction]],
        () => 16 * u * number(c.mag[reduction]) + (c.rows * c.cols + 2) * tiny);
    }
    // What is subtracted in a single element; where that is no number, nothing is.
    const tolerance = (gradient) => (i) => {
      const [x, y] = [target.data[i], input.data[i]];
      let size = x * (Math.abs(Math.log(x)) + Math.abs(y));
      if (c.log_target) {
        size = Math.exp(x) * (Math.abs(x - y) + gradient);
      } else if (gradient > 0) {
        size = Math.abs(Math.log(x)) + Math.abs(y) + 1;
      }
      return 16 * u * (Number.isFinite(size) ? size : 0) + 3 * tiny;
    };
    const options = { reduction: 'batchmean', logTarget: c.log_target };
    const room = () => ({ data: new Float64Array(c.rows * c.cols), rows: c.rows, cols: c.cols });
    const { gradInput, gradTarget } = kldiv.lossGrad(input, target, options, { gradInput: room(), gradTarget: room() });
    near(`${c.name} none`, kldiv.lossPointwise(input, target, options, room()).data, c.expect.none, tolerance(0));
    near(`${c.name} grad_input`, gradInput.data, c.expect.grad_input,
      (i) => 16 * u * Math.abs(number(c.expect.grad_input[i])) + 3 * tiny);
    near(`${c.name} grad_target`, gradTarget.data, c.expect.grad_target, tolerance(1));
  }
});

test('softmaxes and their gradients are within their tolerance', () => {
  for (const c of table('logits.json')) {
    const [u, tiny] = precision(c.dtype);
    const [a, b] = [matrix(c.a, c.rows, c.cols, c.dtype), matrix(c.b, c.rows, c.cols, c.dtype)];
    const tolerance = (field, each) => (i) =>
      16 * u * number(c.mag[field][Math.floor(i / each)]) + (c.cols + 2) * tiny;
    const room = () => ({ data: new Float64Array(c.rows * c.cols), rows: c.rows, cols: c.cols });
    const got = kldiv.logitsGrad(a, b, { temperature: c.T }, { gradA: room(), gradB: room() });
    near(`${c.name} kl`, got.out, c.expect.kl, tolerance('kl', 1));
    near(`${c.name} grad_a`, got.gradA.data, c.expect.grad_a, tolerance('grad_a', c.cols));
    near(`${c.name} grad_b`, got.gradB.data, c.expect.grad_b, tolerance('grad_b', c.cols));
    near(`${c.name} kl_reverse`, kldiv.logits(a, b, { temperature: c.T, measure: 'reverse' }), c.expect.kl_reverse,
      tolerance('kl_reverse', 1));
  }
});

test('posteriors and their gradients are within their tolerance', () => {
  for (const c of table('vae.json')) {
    const of = (name) => matrix(c[name], c.rows, c.dims);
    const [mu, logvar] = [of('mu'), of('logvar')];
    const prior = c.prior_mu && { mu: of('prior_mu'), logvar: of('prior_logvar') };
    const relative = prior && c.name.includes('near') ? 1e-12 : 4e-15;
    const tolerance = (wanted) => (i) => relative * Math.abs(numbers(wanted)[i]) + (c.dims + 2) * 2 ** -1074;
    const got = kldiv.vaeGrad(mu, logvar, prior);
    near(c.name, got.out, c.expect.kl_rows, tolerance(c.expect.kl_rows));
    const grads = { mu: got.gradMu, logvar: got.gradLogvar, prior_mu: got.gradPriorMu,
      prior_logvar: got.gradPriorLogvar };
    for (const [name, wanted] of Object.entries(c.expect.grad_sum)) {
      near(`${c.name} ${name}`, grads[name].data, wanted, tolerance(wanted));
    }
  }
});

/** Calls the family's own function, with its parameters in the table's order. */
function distribution({ family, params }) {
  const forms = { logits: 'Logits', scale_tril: 'Tril', precision_matrix: 'Precision', scale_diag: 'Diag',
    cov_factor: 'LowRank' };
  const camel = { mvnormal: 'mvNormal', lognormal: 'logNormal', halfnormal: 'halfNormal', inversegamma: 'inverseGamma',
    continuousbernoulli: 'continuousBernoulli', studentt: 'studentT', vonmises: 'vonMises',
    negativebinomial: 'negativeBinomial', inversewishart: 'inverseWishart' };
  const form = Object.keys(forms).find((name) => name in params && (name !== 'scale_matrix'));
  const make = kldiv.families[(camel[family] ?? family) + (form === undefined ? '' : forms[form])];
  assert(make !== undefined, family);
  const all = form === 'cov_factor' ? [params.loc, params.cov_diag, params.cov_factor] : Object.values(params);
  return make(...all.map((x) => (Array.isArray(x) ? numbers(x) : number(x))));
}

test('families are within their tolerance', () => {
  for (const c of table('continuous.json')) {
    const relative = c.tag === 'near' ? 1e-12 : c.source.startsWith('quadrature') ? 1e-9 : 1e-13;
    const got = kldiv.between(distribution(c.p), distribution(c.q));
    near(c.name, [got], [c.expect.kl], () => relative * number(c.expect.kl));
    assert(got >= 0, c.name);
  }
});

test('estimates are those of the table', () => {
  const cases = table('samples.json');
  const data = Object.fromEntries(cases.filter((c) => c.kind === 'data').map((c) => [c.name, c]));
  const knn = cases.filter((c) => c.kind === 'knn' && c.expect.kl !== undefined);
  const k123 = cases.filter((c) => c.kind === 'k123');
  assert(knn.length > 0 && k123.length > 0);
  for (const c of knn) {
    const { x, y, n, m, d } = data[c.x_ref];
    near(c.name, [kldiv.knn(matrix(x, n, d), matrix(y, m, d), c.k)], [c.expect.kl], () => 1e-12);
  }
  for (const c of k123) {
    const [logP, logQ] = [numbers(c.logp), numbers(c.logq)];
    const largest = Math.max(...logP.map((x, i) => Math.abs(x - logQ[i])).filter(Number.isFinite));
    for (const estimator of ['k1', 'k2', 'k3']) {
      const wanted = c.expect[estimator];
      const got = kldiv.monteCarlo(logP, logQ, { estimator });
      near(`${c.name} ${estimator}`, [got.mean], [wanted.mean],
        () => Math.max(1e-13 * Math.abs(number(wanted.mean)), estimator === 'k1' ? 1e-15 * largest : 0));
      near(`${c.name} ${estimator} error`, [got.standardError], [wanted.standard_error ?? null],
        () => 1e-13 * Math.abs(number(wanted.standard_error)));
    }
  }
});
