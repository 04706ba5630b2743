import type { TypedArrayConstructor } from '../../index.js'

/** Every kind of typed array that this engine has. */
export const arrayTypes: readonly TypedArrayConstructor[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...('Float16Array' in globalThis ? [Reflect.get(globalThis, 'Float16Array') as TypedArrayConstructor] : []),
]
