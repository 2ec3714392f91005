// The Kullback-Leibler divergence and its relatives, by libkldiv. index.d.ts says what everything is.
import { KldivError, activeIsa, answer, functions as lib, shapeMismatch, version, wordsOfPartial } from './library.js';
import { doubles, matrix, optionsFor, output, perRow, plain, pointer, view } from './matrix.js';
import { familyNumber } from './families.js';

export { KldivError, activeIsa, version };
export * as families from './families.js';

const isWanted = (m) => m !== undefined && m !== null;
const optional = (m, operand) => (isWanted(m) ? matrix(m, operand) : null);

/** A call that writes so many doubles. */
function numbers(count, call) {
  const out = new Float64Array(count);
  return answer(call(count === 0 ? new Float64Array(1) : out), out);
}

/** A call that writes one double. */
function number(call) {
  const out = new Float64Array(1);
  const status = call(out);
  return answer(status, out[0]);
}

const isPlain = (x) => x instanceof Float64Array || x instanceof Float32Array;

export function kl(p, q, options) {
  const [x, y] = [doubles(p), doubles(q)];
  if (options === undefined && isPlain(x) && y?.constructor === x.constructor && x.length === y.length &&
    x.length > 0) {
    return number((out) => (x instanceof Float64Array ? lib.klF64 : lib.klF32)(x, y, x.length, out));
  }
  const [a, b] = [matrix(x, 0), optional(y, 1)];
  return number((out) => lib.kl(view(a), view(b), optionsFor(options, a.rows), out));
}

export function rows(p, q, options) {
  const [a, b] = [matrix(p, 0), optional(q, 1)];
  return numbers(a.rows, (out) => lib.rows(view(a), view(b), optionsFor(options, a.rows), out));
}

export function terms(p, q, options, out) {
  const [a, b] = [matrix(p, 0), optional(q, 1)];
  const to = output(out, a);
  return answer(lib.terms(view(a), view(b), optionsFor(options, a.rows), view(to)), plain(to));
}

export function explain(p, q, options) {
  const [a, b] = [matrix(p, 0), optional(q, 1)];
  const raw = new Float64Array(7 * a.cols + 7);
  const status = lib.explain(view(a), view(b), optionsFor(options, a.rows), raw);
  const term = (unused, index) => {
    const [p, q, ratio, logRatio, contribution, share] = raw.subarray(7 * index + 1, 7 * index + 7);
    return { index, p, q, ratio, logRatio, contribution, share };
  };
  return answer(status, Array.from({ length: a.cols }, term));
}

export function pairwise(p, q, options) {
  const [a, b] = [matrix(p, 0), optional(q, 1)];
  const others = b === null ? 0 : b.rows;
  return numbers(a.rows * others, (out) => lib.pairwise(view(a), view(b), optionsFor(options, a.rows), out));
}

export function nearest(p, q, k, options) {
  const [a, b] = [matrix(p, 0), matrix(q, 1)];
  if (!Number.isInteger(k) || k < 0 || k > b.rows) {
    throw new KldivError(15, { value: k, message: `k is ${k}; q has ${b.rows} rows` });
  }
  const [index, out] = [new BigInt64Array(a.rows * k + 1), new Float64Array(a.rows * k + 1)];
  const status = lib.nearest(view(a), view(b), optionsFor(options, a.rows), k, index, out);
  return answer(status, { index: Array.from(index.subarray(0, -1), Number), out: out.subarray(0, -1) });
}

export function loss(input, target, options) {
  const [x, t] = [matrix(input, 0), matrix(target, 1)];
  return number((out) => lib.loss(view(x), view(t), optionsFor(options, x.rows), out));
}

export function lossPointwise(input, target, options, out) {
  const [x, t] = [matrix(input, 0), matrix(target, 1)];
  const to = output(out, x);
  return answer(lib.lossPointwise(view(x), view(t), optionsFor(options, x.rows), view(to)), plain(to));
}

export function lossGrad(input, target, options, { upstream, gradInput, gradTarget } = {}) {
  const [x, t] = [matrix(input, 0), matrix(target, 1)];
  const from = typeof upstream === 'number' ? matrix([upstream], 2) : optional(upstream, 2);
  const [toInput, toTarget] = [output(gradInput, x), output(gradTarget, x)];
  const status = lib.lossGrad(view(x), view(t), optionsFor(options, x.rows), view(from), view(toInput), view(toTarget));
  return answer(status, { gradInput: plain(toInput), gradTarget: plain(toTarget) });
}

export function logits(a, b, options) {
  const [x, y] = [matrix(a, 0), matrix(b, 1)];
  return numbers(x.rows, (out) => lib.logits(view(x), view(y), optionsFor(options, x.rows), out));
}

export function logitsGrad(a, b, options, { upstream, gradA, gradB } = {}) {
  const [x, y] = [matrix(a, 0), matrix(b, 1)];
  const [toA, toB] = [output(gradA, x), output(gradB, x)];
  const out = new Float64Array(x.rows);
  const status = lib.logitsGrad(view(x), view(y), optionsFor(options, x.rows), perRow(upstream, x.rows, 'upstream'),
    pointer(out), view(toA), view(toB));
  return answer(status, { out, gradA: plain(toA), gradB: plain(toB) });
}

export function logitsTopk(values, indices, b, options, { upstream, gradB } = {}) {
  const [x, y] = [matrix(values, 0), matrix(b, 1)];
  const classes = Array.isArray(indices) ? BigInt64Array.from(indices, BigInt) : indices;
  if (!(classes instanceof BigInt64Array)) {
    throw new TypeError('indices has to be a BigInt64Array or an array');
  }
  if (classes.length !== x.rows * x.cols) {
    throw shapeMismatch(`indices has ${classes.length} elements; it needs ${x.rows * x.cols}`);
  }
  const to = output(gradB, y);
  const out = new Float64Array(x.rows);
  const status = lib.logitsTopk(view(x), pointer(classes), view(y), optionsFor(options, x.rows),
    perRow(upstream, x.rows, 'upstream'), pointer(out), view(to));
  return answer(status, { out, gradB: plain(to) });
}

export function vae(mu, logvar, prior, options) {
  const [m, v] = [matrix(mu, 0), matrix(logvar, 1)];
  const [priorMu, priorLogvar] = [optional(prior?.mu, 2), optional(prior?.logvar, 3)];
  return numbers(m.rows, (out) => lib.vae(view(m), view(v), view(priorMu), view(priorLogvar),
    optionsFor(options, m.rows), out));
}

export function vaeGrad(mu, logvar, prior, options, { upstream, ...grads } = {}) {
  const [m, v] = [matrix(mu, 0), matrix(logvar, 1)];
  const [priorMu, priorLogvar] = [optional(prior?.mu, 2), optional(prior?.logvar, 3)];
  const names = ['gradMu', 'gradLogvar', 'gradPriorMu', 'gradPriorLogvar'];
  const outputs = names.map((name) => output(grads[name], m));
  const out = new Float64Array(m.rows);
  const status = lib.vaeGrad(view(m), view(v), view(priorMu), view(priorLogvar), optionsFor(options, m.rows),
    perRow(upstream, m.rows, 'upstream'), pointer(out), ...outputs.map(view));
  return answer(status, { out, ...Object.fromEntries(names.map((name, i) => [name, plain(outputs[i])])) });
}

export function family(pFamily, p, qFamily, q, options) {
  const [a, b] = [matrix(p, 0), optional(q, 1)];
  return numbers(a.rows, (out) => lib.family(familyNumber(pFamily), view(a), familyNumber(qFamily), view(b),
    optionsFor(options, a.rows), out));
}

export function familyGrad(pFamily, p, qFamily, q, options, { upstream, gradP, gradQ } = {}) {
  const [a, b] = [matrix(p, 0), matrix(q, 1)];
  const [toP, toQ] = [output(gradP, a), output(gradQ, b)];
  const out = new Float64Array(a.rows);
  const status = lib.familyGrad(familyNumber(pFamily), view(a), familyNumber(qFamily), view(b),
    optionsFor(options, a.rows), perRow(upstream, a.rows, 'upstream'), pointer(out), view(toP), view(toQ));
  return answer(status, { out, gradP: plain(toP), gradQ: plain(toQ) });
}

export function between(p, q, options) {
  const dim = p.dim ?? q?.dim;
  const all = dim === undefined ? options : { ...options, dim };
  return family(p.family, p.params, q?.family ?? p.family, q?.params, all)[0];
}

export function quadrature(p, q, lower, upper, { breaks, ...options } = {}) {
  // An exception may not go through C: it is kept, and what C sees in its place ends the integration.
  const thrown = [];
  const guarded = (density) => (x) => {
    if (thrown.length > 0) {
      return NaN;
    }
    try {
      return density(x);
    } catch (error) {
      thrown.push(error);
      return NaN;
    }
  };
  const at = doubles(breaks ?? []);
  const [value, bound] = [new Float64Array(1), new Float64Array(1)];
  const status = lib.quadrature(guarded(p), guarded(q), null, lower, upper, pointer(at), at.length,
    optionsFor(options, 0), value, bound);
  if (thrown.length > 0) {
    throw thrown[0];
  }
  return answer(status, { value: value[0], bound: bound[0] });
}

export function knn(x, y, k, options) {
  const [a, b] = [matrix(x, 0), matrix(y, 1)];
  if (!Number.isInteger(k) || k < 0) {
    throw new KldivError(15, { value: k, message: `k is ${k}` });
  }
  return number((out) => lib.knn(view(a), view(b), k, optionsFor(options, a.rows), out));
}

export function monteCarlo(logP, logQ, options) {
  const n = logP.length;
  const [x, y] = [perRow(logP, n, 'logP'), perRow(logQ, n, 'logQ')];
  const [mean, standardError] = [new Float64Array(1), new Float64Array(1)];
  const status = lib.monteCarlo(x, y, n, optionsFor(options, n), mean, standardError);
  return answer(status, { mean: mean[0], standardError: standardError[0] });
}

export class Partial {
  #state = new BigUint64Array(wordsOfPartial);

  constructor(options) {
    answer(lib.partialInit(this.#state, optionsFor(options, 0)));
  }

  static from(bytes) {
    const partial = new Partial();
    if (bytes.length !== partial.#state.byteLength) {
      throw new KldivError(60, { message: `a state has ${partial.#state.byteLength} bytes, not ${bytes.length}` });
    }
    new Uint8Array(partial.#state.buffer).set(bytes);
    return partial;
  }

  toBytes() {
    return new Uint8Array(this.#state.slice().buffer);
  }

  update(p, q) {
    const [a, b] = [matrix(p, 0), optional(q, 1)];
    answer(lib.partialUpdate(this.#state, view(a), view(b)));
    return this;
  }

  merge(from) {
    answer(lib.partialMerge(this.#state, from.#state));
    return this;
  }

  value(options) {
    return number((out) => lib.partialValue(this.#state, optionsFor(options, 0), out));
  }
}
