/**
 * The check in constructors that only this library may call, such as the constructor of Mapping.
 */
import { withCode } from './errors.js'

/** The first argument that every such constructor requires. Code outside of this library cannot obtain it. */
export const CONSTRUCT = Symbol('construct')

/**
 * Throws `ERR_ILLEGAL_CONSTRUCTOR`, as Node does, when a constructor was called without `CONSTRUCT`: by `new`, by
 * `Reflect.construct`, or by the constructor of a subclass.
 */
export function checkConstruct(token: unknown): void {
  if (token !== CONSTRUCT) throw withCode(new TypeError('Illegal constructor'), 'ERR_ILLEGAL_CONSTRUCTOR')
}
