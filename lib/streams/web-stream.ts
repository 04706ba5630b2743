/**
 * A web stream that reads a mapping.
 *
 * A web stream transfers the buffer of an enqueued view to the reader, so mapped memory is never enqueued. A reader that brings its
 * own buffer gets the bytes copied into it; any other reader gets a copy in new memory.
 */
import { type ReadableByteStreamController, ReadableStream } from 'node:stream/web'
import { parseBounds, RangeCursor } from './range-cursor.js'
import type { MappingState } from '../state/mapping-state.js'
import { onAbort } from '../base/abort.js'
import { type Bytes, parseBoolean, parseOptions, parseSignal } from '../base/validate.js'

/** Options of `readableStream`. */
export interface WebStreamOptions {
  /** The offset of the first byte. At or after the end of the mapping, the stream is empty. @default 0 */
  readonly start?: Bytes | undefined
  /** The offset of the last byte, **inclusive** as in `fs`. @default Infinity */
  readonly end?: Bytes | undefined
  /** Makes the stream fail with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
  /** Drop pages after they were read, so that little of the file stays in memory. @default false */
  readonly dropBehind?: boolean | undefined
}

const OPTIONS = ['start', 'end', 'signal', 'dropBehind']

// The size of a chunk if the reader brings no buffer, and the maximum of one copy into the buffer of a reader.
const CHUNK_SIZE = 2 ** 20

export function readableStream(state: MappingState, options: WebStreamOptions | undefined): ReadableStream<Uint8Array> {
  // Validate arguments
  const given = parseOptions(options, 'options', OPTIONS)

  // Interpret options
  const bounds = parseBounds(given.start, given.end)
  const signal = parseSignal(given.signal, 'options.signal')
  const dropBehind = parseBoolean(given.dropBehind, 'options.dropBehind')

  let controller: ReadableByteStreamController
  let ended = false
  let ignoreAbort: (() => void) | undefined

  const end = (): void => {
    ended = true
    ignoreAbort?.()
    cursor.end()
  }
  const fail = (reason: unknown): void => {
    end()
    controller.error(reason)
  }
  const finish = (): void => {
    end()
    controller.close()
    // A pending request for bytes after the end.
    controller.byobRequest?.respond(0)
  }
  const deliver = (length: number): void => {
    if (ended) return
    // Read the request again after a wait: the reader may be gone, and its buffer with it.
    const request = controller.byobRequest
    if (request?.view == null) controller.enqueue(cursor.copy(length))
    else {
      const { buffer, byteOffset, byteLength } = request.view
      const count = Math.min(byteLength, length)
      cursor.copyTo(new Uint8Array(buffer, byteOffset, count))
      request.respond(count)
    }
    if (cursor.left === 0) finish()
  }

  const cursor = new RangeCursor(state, bounds, { dropBehind, stop: fail })
  return new ReadableStream({
    type: 'bytes',
    start(byteController) {
      controller = byteController
      if (cursor.left === 0) finish()
      else if (signal?.aborted) fail(signal.reason)
      else ignoreAbort = onAbort(signal, fail)
    },
    async pull() {
      const wanted = controller.byobRequest?.view?.byteLength ?? CHUNK_SIZE
      const length = Math.min(wanted, CHUNK_SIZE, cursor.left)
      try {
        await cursor.ready(length)
        deliver(length)
      } catch (error) {
        fail(error)
      }
    },
    cancel: end,
  })
}
