/**
 * A web stream that reads a mapping.
 *
 * What such a stream enqueues it gives away: the buffer of an enqueued view is moved to the reader. So nothing mapped is ever
 * enqueued. A reader that brings its own buffer has the bytes copied into that; any other gets a copy in memory of its own.
 */
import { type ReadableByteStreamController, ReadableStream } from 'node:stream/web'
import { parseSpan, Passage } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { onAbort } from '../base/abort.js'
import { type Bytes, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `readableStream`. */
export interface WebStreamOptions {
  /** The first byte. From the end of the mapping on there is nothing to read. @default 0 */
  readonly start?: Bytes | undefined
  /** The last byte: **inclusive**, as in `fs`. @default Infinity */
  readonly end?: Bytes | undefined
  /** Ends it with an error, the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
  /** Let go of pages that were read, so that little of the file stays in memory. @default false */
  readonly dropBehind?: boolean | undefined
}

const OPTIONS = ['start', 'end', 'signal', 'dropBehind']

// Where the reader brings no buffer. Also the most that is copied in one go into one that it brings.
const CHUNK = 2 ** 20

export function readableStream(state: MappingState, options: WebStreamOptions | undefined): ReadableStream<Uint8Array> {
  // Validate arguments
  const given = parseOptions(options, 'options', OPTIONS)

  // Interpret options
  const span = parseSpan(given.start, given.end)
  const signal = parseSignal(given.signal, 'options.signal')
  const dropBehind = parseBoolean(given.dropBehind, 'options.dropBehind')

  let controller: ReadableByteStreamController
  let ended = false
  let ignoreAbort: (() => void) | undefined

  const end = (): void => {
    ended = true
    ignoreAbort?.()
    passage.end()
  }
  const fail = (reason: unknown): void => {
    end()
    controller.error(reason)
  }
  const finish = (): void => {
    end()
    controller.close()
    // One that wanted more than there was.
    controller.byobRequest?.respond(0)
  }
  const give = (length: number): void => {
    if (ended) return
    // Asked for again after a wait: a reader may have gone, and its buffer with it.
    const request = controller.byobRequest
    if (request?.view == null) controller.enqueue(passage.copy(length))
    else {
      const { buffer, byteOffset, byteLength } = request.view
      const count = Math.min(byteLength, length)
      passage.copyTo(new Uint8Array(buffer, byteOffset, count))
      request.respond(count)
    }
    if (passage.left === 0) finish()
  }

  const passage = new Passage(state, span, { dropBehind, stop: fail })
  return new ReadableStream({
    type: 'bytes',
    start(byteController) {
      controller = byteController
      if (passage.left === 0) finish()
      else if (signal?.aborted) fail(signal.reason)
      else ignoreAbort = onAbort(signal, fail)
    },
    async pull() {
      const wanted = controller.byobRequest?.view?.byteLength ?? CHUNK
      const length = Math.min(wanted, CHUNK, passage.left)
      try {
        await passage.ready(length)
        give(length)
      } catch (error) {
        fail(error)
      }
    },
    cancel: end,
  })
}
