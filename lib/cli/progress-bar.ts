/**
 * A progress bar on the standard error, if that is a terminal. Work of less than a second draws nothing.
 */
import type { WriteStream } from 'node:tty'
import { formatRate, formatTime } from './format.js'

// The delay before the bar appears, and the time between two updates, in milliseconds.
const DELAY = 1000
const INTERVAL = 100

const ERASE = '\r\x1b[K'
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** A progress bar. */
export class ProgressBar {
  readonly #stream: WriteStream
  readonly #total: number
  readonly #start = performance.now()
  #next = this.#start + DELAY
  #isDrawn = false

  constructor(total: number, stream: WriteStream = process.stderr) {
    this.#stream = stream
    this.#total = total
    if (!stream.isTTY) this.#next = Infinity
  }

  /** Shows how much of the total is done. */
  show(done: number): void {
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + INTERVAL
    if (!this.#isDrawn) this.#watchSignals('once')
    this.#isDrawn = true
    this.#stream.write(ERASE + draw(done, this.#total, (now - this.#start) / 1000, this.#stream.columns || 80))
  }

  /** Removes the bar until it is shown again. */
  hide(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    this.#watchSignals('off')
    this.#stream.write(ERASE)
  }

  // A signal ends the program as usual, but the bar is removed first so that it does not disturb the prompt of the shell.
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
