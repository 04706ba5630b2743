/**
 * How far the work is: a line that is drawn again and again, on the standard error, where that is a terminal. What takes less
 * than a second draws nothing.
 */
import type { WriteStream } from 'node:tty'
import { formatRate, formatTime } from './format.js'

// In milliseconds: what is waited for anyway, and what an eye can follow.
const PATIENCE = 1000
const INTERVAL = 100

const ERASE = '\r\x1b[K'
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

export class Bar {
  readonly #stream: WriteStream
  readonly #total: number
  readonly #start = performance.now()
  #next = this.#start + PATIENCE
  #isDrawn = false

  constructor(total: number, stream: WriteStream = process.stderr) {
    this.#stream = stream
    this.#total = total
    if (!stream.isTTY) this.#next = Infinity
  }

  /** Tells that so much of the total is done. */
  show(done: number): void {
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + INTERVAL
    if (!this.#isDrawn) this.#watchSignals('once')
    this.#isDrawn = true
    this.#stream.write(ERASE + draw(done, this.#total, (now - this.#start) / 1000, this.#stream.columns || 80))
  }

  /** Takes it away, until it is shown again. */
  hide(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    this.#watchSignals('off')
    this.#stream.write(ERASE)
  }

  // Signals end the program as they end any other, only not with half a line in the way of the shell's.
  #watchSignals(how: 'once' | 'off'): void {
    for (const signal of SIGNALS) process[how](signal, this.#leave)
  }

  readonly #leave = (signal: NodeJS.Signals): void => {
    this.hide()
    process.kill(process.pid, signal)
  }
}

function draw(done: number, total: number, seconds: number, columns: number): string {
  const part = total === 0 ? 1 : done / total
  const left = part > 0 ? formatTime(seconds / part - seconds) : '-'
  const text = `${Math.floor(part * 100)} %  ${formatRate(done, seconds)}  ${left} left`
  const width = Math.min(40, columns - text.length - 6)
  if (width < 4) return text.slice(0, Math.max(0, columns - 1))
  return `[${'#'.repeat(Math.floor(part * width)).padEnd(width, '.')}] ${text}`
}
