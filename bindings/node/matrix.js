// Vectors, matrices and options as C takes them.
import { KldivError, shapeMismatch, sizeOfOptions } from './library.js';

const dtypes = new Map([[Float64Array, 1], [Float32Array, 2], [BigInt64Array, 5], [BigUint64Array, 6]]);
const halves = { f16: 3, bf16: 4 };

function dtypeOf(data, dtype) {
  const known = data instanceof Uint16Array ? halves[dtype] : dtypes.get(data?.constructor);
  if (known === undefined) {
    throw new TypeError(data instanceof Uint16Array
      ? "a Uint16Array needs a dtype, 'f16' or 'bf16'"
      : 'numbers come as Float64Array, Float32Array, BigInt64Array, BigUint64Array or Uint16Array');
  }
  return known;
}

/** A plain array as doubles; anything else as it is. */
export const doubles = (x) => (Array.isArray(x) ? Float64Array.from(x) : x);

/** A pointer for C: that of an empty array may be anything. */
export const pointer = (array) => (array === undefined || array === null || array.length === 0 ? null : array);

const isVector = (x) => Array.isArray(x) || ArrayBuffer.isView(x);

/** A matrix with nothing left out; a vector is one row. */
export function matrix(m, operand = 0) {
  if (m === null || typeof m !== 'object') {
    throw new TypeError(`operand ${operand} is ${m === null ? 'null' : typeof m}; it has to be a vector or a matrix`);
  }
  const { data: given, rows, cols, rowStride = cols, colStride = 1, offset = 0, dtype } =
    isVector(m) ? { data: m, rows: 1, cols: m.length } : m;
  const data = doubles(given);
  const shape = { data, rows, cols, rowStride, colStride, offset, dtype: dtypeOf(data, dtype) };
  for (const field of ['rows', 'cols', 'rowStride', 'colStride', 'offset']) {
    if (!Number.isSafeInteger(shape[field])) {
      throw new TypeError(`${field} of operand ${operand} is ${shape[field]}; it has to be an integer`);
    }
  }
  if (rows < 0 || cols < 0) {
    throw shapeMismatch(`a matrix of ${rows} x ${cols} elements`, operand);
  }
  // All elements have to lie within data, which C cannot see.
  if (rows > 0 && cols > 0) {
    const reaches = [(rows - 1) * rowStride, (cols - 1) * colStride];
    const first = offset + Math.min(reaches[0], 0) + Math.min(reaches[1], 0);
    const last = offset + Math.max(reaches[0], 0) + Math.max(reaches[1], 0);
    if (first < 0 || last >= data.length) {
      throw shapeMismatch(`an array of ${data.length} elements does not hold ${rows} x ${cols} with strides ` +
        `${rowStride}, ${colStride} from ${offset} on`, operand);
    }
  }
  return shape;
}

/** A full matrix, or null, as a view. */
export function view(m) {
  if (m === null) {
    return null;
  }
  const data = m.rows === 0 || m.cols === 0 ? null : m.data.subarray(m.offset);
  return { data, rows: m.rows, cols: m.cols, row_stride: m.rowStride, col_stride: m.colStride, dtype: m.dtype };
}

/** A matrix to write to, of the shape of another: as given, or new and of its type; null is not wanted. */
export function output(given, like) {
  if (given === null) {
    return null;
  }
  if (given !== undefined) {
    if (Array.isArray(given) || Array.isArray(given.data)) {
      throw new TypeError('an output has to be a typed array');
    }
    return matrix(given);
  }
  const array = like.data instanceof Float32Array ? Float32Array : Float64Array;
  return matrix({ data: new array(like.rows * like.cols), rows: like.rows, cols: like.cols });
}

/** An output as it is handed back. */
export const plain = (m) => m && { data: m.data, rows: m.rows, cols: m.cols, rowStride: m.rowStride,
  colStride: m.colStride, offset: m.offset };

/** Numbers of which there has to be one a row, as doubles. */
export function perRow(numbers, rows, what) {
  if (numbers === undefined || numbers === null) {
    return null;
  }
  const array = doubles(numbers);
  if (!(array instanceof Float64Array)) {
    throw new TypeError(`${what} has to be a Float64Array or an array`);
  }
  if (array.length !== rows) {
    throw shapeMismatch(`${what} has ${array.length} elements; it needs ${rows}`);
  }
  return pointer(array);
}

const enumerations = {
  measure: ['kl', 'generalized', 'reverse', 'jeffreys', 'jensenShannon', 'jensenShannonDistance', 'renyi', 'entropy',
    'crossEntropy'],
  normalization: ['asGiven', 'normalize', 'require'],
  reduction: ['sum', 'mean', 'batchmean'],
  invalid: ['error', 'nan'],
  estimator: ['k1', 'k2', 'k3'],
  topk: ['logitsRenormalized', 'logprobsTail', 'logprobsRenormalized'],
};
const flags = { logTarget: 'log_target', logDensity: 'log_density' };
const integers = { threads: 'threads', dim: 'dim' };
const reals = { base: 'base', alpha: 'alpha', temperature: 'temperature', jsWeight: 'js_weight',
  smoothing: 'smoothing', massTolerance: 'mass_tolerance', relTolerance: 'rel_tolerance' };

const wrongOption = (message) => new KldivError(15, { message });

/** Options as C takes them; the mask and the weights are of `rows` rows. A name that is none is an error. */
export function optionsFor(options, rows) {
  if (options === undefined || options === null) {
    return null;
  }
  const o = { struct_size: sizeOfOptions, mask: null, weights: null };
  for (const name of [...Object.keys(enumerations), ...Object.values({ ...flags, ...integers, ...reals })]) {
    o[name] = 0;
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) {
      continue;
    }
    if (name in enumerations) {
      o[name] = enumerations[name].indexOf(value);
      if (o[name] < 0) {
        throw wrongOption(`option ${name} is '${value}'; it has to be one of ${enumerations[name].join(', ')}`);
      }
    } else if (name in flags) {
      o[flags[name]] = value ? 1 : 0;
    } else if (name in integers) {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
        throw wrongOption(`option ${name} is ${value}; it has to be an integer, at least 0`);
      }
      o[integers[name]] = value;
    } else if (name in reals) {
      if (typeof value !== 'number') {
        throw wrongOption(`option ${name} is not a number`);
      }
      o[reals[name]] = value;
    } else if (name === 'mask') {
      const mask = Array.isArray(value) ? Uint8Array.from(value, Boolean) : value;
      if (mask !== null && !(mask instanceof Uint8Array)) {
        throw new TypeError('mask has to be a Uint8Array or an array');
      }
      if (mask !== null && mask.length !== rows) {
        throw shapeMismatch(`mask has ${mask.length} elements; it needs ${rows}`);
      }
      o.mask = pointer(mask);
    } else if (name === 'weights') {
      o.weights = perRow(value, rows, 'weights');
    } else {
      throw wrongOption(`there is no option ${name}`);
    }
  }
  return o;
}
