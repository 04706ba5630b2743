/** Random numbers that repeat for the same seed: mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Returns a number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Returns an integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)] as T
  }

  /** Returns an element of a list; its weight determines its probability. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    let left = this.next() * list.reduce((sum, { weight }) => sum + weight, 0)
    return list.find(({ weight }) => (left -= weight) < 0) ?? this.pick(list)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let index = 0; index < length; index++) bytes[index] = this.between(0, 255)
    return bytes
  }

  /** Returns an offset from `min` to `max`, often at an end or beside a multiple of `step`. */
  position(min: number, max: number, step: number): number {
    const kind = this.next()
    if (kind < 0.1) return min
    if (kind < 0.2) return max
    const any = this.between(min, max)
    if (kind < 0.5) return any
    const near = Math.round(any / step) * step + this.pick([-1, 0, 0, 0, 1])
    return Math.min(Math.max(near, min), max)
  }

  /** Returns a range of `total` bytes. */
  range(total: number, step: number): { offset: number; length: number } {
    const from = this.position(0, total, step)
    const to = this.chance(0.4) ? Math.min(total, from + this.between(0, 64)) : this.position(0, total, step)
    return { offset: Math.min(from, to), length: Math.abs(to - from) }
  }
}
