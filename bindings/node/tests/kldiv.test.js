import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

import * as kldiv from '../index.js';

const code = (wanted) => (error) => error instanceof kldiv.KldivError && error.code === wanted && error.message !== '';
const coin = [[0.5, 0.5], [0.7, 0.3]];

test('a coin', () => {
  assert.equal(kldiv.kl(...coin).toFixed(4), '0.0872');
  assert.equal(kldiv.kl(...coin, { base: 2 }).toFixed(4), '0.1258');
  const walk = kldiv.explain(...coin);
  assert.deepEqual(walk.map((t) => [t.ratio, t.logRatio, t.contribution].map((x) => x.toFixed(3))),
    [['0.714', '-0.336', '-0.168'], ['1.667', '0.511', '0.255']]);
  assert.equal(kldiv.kl([1, 0], [0, 1]), Infinity);
});

test('a bad entry is named, and a bad row costs no other', () => {
  const p = { data: [0.5, 0.5, -1, 2, 0.5, 0.5], rows: 3, cols: 2 };
  const q = { data: [0.7, 0.3], rows: 3, cols: 2, rowStride: 0 };
  assert.throws(() => kldiv.rows(p, q), (error) => {
    assert.deepEqual([error.code, error.status, error.operand, error.row, error.col, error.value],
      ['NEGATIVE', 30, 0, 1, 0, -1]);
    assert.match(error.message, /^p\[1, 0\] is -1/);
    assert.deepEqual([...error.result], [error.result[2], NaN, kldiv.kl(...coin)]);
    return true;
  });
  assert(Number.isNaN(kldiv.rows(p, q, { invalid: 'nan' })[1]));
});

test('an array that is too short is not read', () => {
  const good = { data: new Float64Array(6), rows: 2, cols: 3 };
  for (const bad of [{ ...good, data: new Float64Array(5) }, { ...good, offset: 1 }, { ...good, colStride: -1 },
    { ...good, rowStride: -3 }, { ...good, rows: 2 ** 52, rowStride: 2 ** 52 }, { ...good, rows: -1 }]) {
    assert.throws(() => kldiv.rows(good, bad), code('SHAPE_MISMATCH'));
  }
  assert.throws(() => kldiv.rows(good, good, { mask: [1] }), code('SHAPE_MISMATCH'));
  assert.throws(() => kldiv.rows(good, good, { weights: [1, 2, 3] }), code('SHAPE_MISMATCH'));
  assert.throws(() => kldiv.logitsGrad(good, good, {}, { upstream: [1] }), code('SHAPE_MISMATCH'));
  assert.throws(() => kldiv.logitsTopk(good, [0, 1], good), code('SHAPE_MISMATCH'));
  assert.throws(() => kldiv.monteCarlo([1, 2], [1]), code('SHAPE_MISMATCH'));
  for (const wrong of [null, 1, 'text', new Int8Array(6), new Uint16Array(6), { data: new Float64Array(6), rows: 2 }]) {
    assert.throws(() => kldiv.rows(wrong, good), TypeError);
  }
});

test('what makes no sense is refused', () => {
  const p = Float64Array.of(0.5, 0.5);
  assert.throws(() => kldiv.rows(p, null), code('NULL_POINTER'));
  assert.throws(() => kldiv.rows(p, [1]), code('SHAPE_MISMATCH'));
  assert.throws(() => kldiv.kl([], []), code('EMPTY'));
  assert.throws(() => kldiv.terms(p, p, {}, { data: p, rows: 1, cols: 2 }), code('OVERLAP'));
  assert.throws(() => kldiv.terms(p, p, {}, { data: new BigInt64Array(2), rows: 1, cols: 2 }), code('DTYPE'));
  assert.throws(() => kldiv.terms(p, p, {}, { data: [0, 0], rows: 1, cols: 2 }), TypeError);
  assert.throws(() => kldiv.kl(p, p, { measure: 'manhattan' }), code('OPTIONS'));
  assert.throws(() => kldiv.kl(p, p, { bases: 2 }), code('OPTIONS'));
  assert.throws(() => kldiv.kl(p, p, { threads: -1 }), code('OPTIONS'));
  assert.throws(() => kldiv.kl(p, p, { measure: 'renyi' }), code('OPTIONS'));
  assert.throws(() => kldiv.nearest(p, p, 2), code('OPTIONS'));
  assert.throws(() => kldiv.family('norma', p, 'normal', p), TypeError);
  const { normal, dirichlet } = kldiv.families;
  assert.throws(() => kldiv.between(normal(0, 1), dirichlet([1, 2])), code('UNSUPPORTED_PAIR'));
});

test('an output may be part of an array', () => {
  const data = new Float32Array(6).fill(9);
  const gradB = { data: data.subarray(1), rows: 2, cols: 2, rowStride: 3, offset: 0 };
  const square = (...data) => ({ data, rows: 2, cols: 2 });
  const result = kldiv.logitsGrad(square(1, 0, 0, 1), square(0, 0, 0, 0), {}, { gradA: null, gradB });
  assert.equal(result.gradA, null);
  assert.deepEqual([data[0], data[3]], [9, 9]);
  assert(data[1] < 0 && data[2] === -data[1] && data[4] > 0 && data[5] === -data[4]);
});

test('nothing needs no room', () => {
  const none = { data: new Float64Array(0), rows: 0, cols: 3 };
  assert.equal(kldiv.rows(none, none).length, 0);
  assert.equal(kldiv.kl(none, none), 0);
  assert.equal(kldiv.logitsGrad(none, none).gradA.data.length, 0);
});

test('a density may call the library, and what it throws goes on', () => {
  const normal = (loc, scale) => (x) => {
    assert.equal(kldiv.kl([1], [1]), 0);
    return -(((x - loc) / scale) ** 2) / 2 - Math.log(scale) - Math.log(2 * Math.PI) / 2;
  };
  const { value, bound } = kldiv.quadrature(normal(0, 1), normal(1, 2), -Infinity, Infinity, { logDensity: true });
  const wanted = kldiv.between(kldiv.families.normal(0, 1), kldiv.families.normal(1, 2));
  assert(Math.abs(value - wanted) <= bound && bound < 1e-9);
  const enough = new Error('enough');
  assert.throws(() => kldiv.quadrature(() => { throw enough; }, () => 1, 0, 1), (error) => error === enough);
  assert.throws(() => kldiv.quadrature(() => -1, () => 1, 0, 1), code('NEGATIVE'));
});

test('a worker has errors of its own', async () => {
  const run = (column) => new Promise((resolve, reject) => {
    const worker = new Worker(`
      import(${JSON.stringify(new URL('../index.js', import.meta.url).href)}).then((kldiv) => {
        const { parentPort } = require('node:worker_threads');
        const q = new Float64Array(8);
        q[${column}] = -1;
        let named = 0;
        for (let i = 0; i < 1000; i++) {
          try { kldiv.kl(new Float64Array(8), q); } catch (error) { named += error.col === ${column} ? 1 : 0; }
        }
        parentPort.postMessage(named);
      });`, { eval: true });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  assert.deepEqual(await Promise.all([run(3), run(5)]), [1000, 1000]);
});

test('parts have one sum however they are split', () => {
  const [p, q] = [[0.5, 0.2, 0.3], [0.7, 0.2, 0.1]];
  const part = (from, to) => new kldiv.Partial().update(p.slice(from, to), q.slice(from, to));
  const bytes = part(1, 3).toBytes();
  const sent = kldiv.Partial.from(bytes).merge(part(0, 1));
  assert.equal(sent.value(), part(0, 3).value());
  assert(Math.abs(sent.value() - kldiv.kl(p, q)) <= 1e-16);
  assert.deepEqual(sent.toBytes(), part(0, 3).toBytes());
  assert.throws(() => sent.update([-1], [1]), code('NEGATIVE'));
  assert.deepEqual(sent.toBytes(), part(0, 3).toBytes());
  bytes[100] ^= 1;
  assert.throws(() => kldiv.Partial.from(bytes).value(), code('STATE'));
  assert.throws(() => kldiv.Partial.from(bytes.subarray(1)), code('STATE'));
  assert.throws(() => sent.merge(sent), code('OVERLAP'));
  assert.throws(() => sent.merge(new kldiv.Partial({ measure: 'reverse' })), code('STATE'));
  assert.throws(() => new kldiv.Partial({ measure: 'renyi', alpha: 2 }), code('OPTIONS'));
});

test('the library knows its version', () => {
  assert(kldiv.version() > 0 && kldiv.activeIsa().length > 0);
});
