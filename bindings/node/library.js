// libkldiv as koffi sees it: its structs, its functions, and errors made of its statuses.
import koffi from 'koffi';

const names = { darwin: 'libkldiv.dylib', win32: 'kldiv.dll' };
const library = koffi.load(process.env.KLDIV_LIBRARY ?? names[process.platform] ?? 'libkldiv.so.0');

// Typed arrays go to "void *" as they are: no element is copied.
koffi.struct('kldiv_view', {
  data: 'void *',
  rows: 'size_t',
  cols: 'size_t',
  row_stride: 'intptr_t',
  col_stride: 'intptr_t',
  dtype: 'uint32_t',
});

const kldiv_options = koffi.struct('kldiv_options', {
  struct_size: 'size_t',
  measure: 'uint32_t',
  normalization: 'uint32_t',
  reduction: 'uint32_t',
  invalid: 'uint32_t',
  log_target: 'uint32_t',
  threads: 'uint32_t',
  estimator: 'uint32_t',
  topk: 'uint32_t',
  log_density: 'uint32_t',
  dim: 'uint32_t',
  base: 'double',
  alpha: 'double',
  temperature: 'double',
  js_weight: 'double',
  smoothing: 'double',
  mass_tolerance: 'double',
  rel_tolerance: 'double',
  mask: 'void *',
  weights: 'void *',
});

const kldiv_error = koffi.struct('kldiv_error', {
  struct_size: 'size_t',
  status: 'int32_t',
  operand: 'uint32_t',
  row: 'size_t',
  col: 'size_t',
  value: 'double',
  message: koffi.array('char', 256, 'String'),
});

koffi.proto('double kldiv_density(double x, void *user)');

/** How many words a kldiv_partial has. */
export const wordsOfPartial = 178;

export const sizeOfOptions = koffi.sizeof(kldiv_options);
const sizeOfError = koffi.sizeof(kldiv_error);

// V is a view, O the options, D an array.
const declare = (name, parameters) => {
  const types = { V: 'kldiv_view *', O: 'kldiv_options *', D: 'void *', N: 'size_t', F: 'uint32_t', X: 'double',
    C: 'kldiv_density *', S: 'void *' };
  return library.func(`kldiv_${name}`, 'int32_t', [...parameters].map((p) => types[p]));
};

export const functions = {
  klF64: declare('kl_f64', 'DDND'),
  klF32: declare('kl_f32', 'DDND'),
  kl: declare('kl', 'VVOD'),
  rows: declare('rows', 'VVOD'),
  terms: declare('terms', 'VVOV'),
  explain: declare('explain', 'VVOD'),
  pairwise: declare('pairwise', 'VVOD'),
  nearest: declare('nearest', 'VVONDD'),
  loss: declare('loss', 'VVOD'),
  lossPointwise: declare('loss_pointwise', 'VVOV'),
  lossGrad: declare('loss_grad', 'VVOVVV'),
  logits: declare('logits', 'VVOD'),
  logitsGrad: declare('logits_grad', 'VVODDVV'),
  logitsTopk: declare('logits_topk', 'VDVODDV'),
  vae: declare('vae', 'VVVVOD'),
  vaeGrad: declare('vae_grad', 'VVVVODDVVVV'),
  family: declare('family', 'FVFVOD'),
  familyGrad: declare('family_grad', 'FVFVODDVV'),
  quadrature: declare('quadrature', 'CCDXXDNODD'),
  knn: declare('estimate_knn', 'VVNOD'),
  monteCarlo: declare('estimate_mc', 'DDNODD'),
  partialInit: declare('partial_init', 'SO'),
  partialUpdate: declare('partial_update', 'SVV'),
  partialMerge: declare('partial_merge', 'SS'),
  partialValue: declare('partial_value', 'SOD'),
};

const lastError = library.func('void kldiv_last_error(_Inout_ kldiv_error *error)');
const statusMessage = library.func('const char *kldiv_status_message(int32_t status)');

/** The version of the library that runs: major * 10000 + minor * 100 + patch. */
export const version = library.func('uint32_t kldiv_version()');

/** The instruction set whose kernels run on this machine. Results do not depend on it. */
export const activeIsa = library.func('const char *kldiv_active_isa()');

const codes = {
  10: 'NULL_POINTER', 11: 'MISALIGNED', 12: 'SIZE_OVERFLOW', 13: 'OVERLAP', 14: 'DTYPE', 15: 'OPTIONS',
  20: 'SHAPE_MISMATCH', 21: 'EMPTY', 30: 'NEGATIVE', 31: 'NAN', 32: 'INFINITE', 33: 'ZERO_MASS',
  34: 'NOT_NORMALIZED', 35: 'INDEX', 40: 'PARAMETER', 41: 'NOT_POSITIVE_DEFINITE', 42: 'UNSUPPORTED_PAIR',
  50: 'NOT_CONVERGED', 51: 'DEGENERATE', 60: 'STATE', 90: 'OUT_OF_MEMORY', 99: 'INTERNAL',
};

/** What went wrong in a call: a code, and the first bad entry. */
export class KldivError extends Error {
  constructor(status, { operand = 0, row = 0, col = 0, value = 0, message = statusMessage(status) } = {}) {
    super(message);
    this.name = 'KldivError';
    this.status = status;
    this.code = codes[status] ?? 'INTERNAL';
    this.operand = operand;
    this.row = Number(row);
    this.col = Number(col);
    this.value = value;
    this.result = undefined;
  }
}

export const shapeMismatch = (message, operand = 0) => new KldivError(20, { operand, message });

// These say that the call made no sense, and that nothing was written.
const nothingWritten = (status) => status < 30 || status === 42 || status >= 60;

/** Returns the result of a call, or throws its error, which has the result too if there is one. */
export function answer(status, result) {
  if (status === 0) {
    return result;
  }
  const details = { struct_size: sizeOfError };
  lastError(details);
  const error = new KldivError(status, details);
  if (!nothingWritten(status)) {
    error.result = result;
  }
  throw error;
}
