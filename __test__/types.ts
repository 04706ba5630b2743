// Code that the compiler must accept, and code that it must refuse. Checked by `tsc`, never run.
import {
  type ByteRange,
  type ByteRanges,
  type Fault,
  type FlushResult,
  mapArray,
  mapBuffer,
  type Mapping,
  type MappingInfo,
  mappings,
  mmap,
  mmapAnonymous,
  mmapSync,
  type Pin,
  unmap,
  type Window,
} from '../index.js'
import { open } from 'node:fs/promises'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function same<A>() {
  return <B>(value: Equal<A, B> extends true ? B : never): B => value
}

export async function accepted(): Promise<void> {
  const mapping: Mapping = await mmap(new URL('file:///x'), { mode: 'r+', offset: 1n, size: 4096 })
  mmapSync(await open('x'), {}).closeSync()
  mmapSync(3)
  mmapSync(Buffer.from('x'), undefined)
  mmapAnonymous(2n ** 40n, { hugePages: 2 ** 21, shared: true })

  same<Buffer>()(mapping.buffer(1, 2n))
  same<Float64Array<ArrayBufferLike>>()(mapping.array(Float64Array) as Float64Array)
  const floats: Float64Array = mapping.array(Float64Array, 0, 10)
  const longs: BigInt64Array = mapping.array(BigInt64Array)
  const doubles: Float32Array = mapArray(Float32Array, 'x', { populate: true })
  same<DataView>()(mapping.dataView())
  same<Mapping>()(mapping.fill('x').copyWithin(0, 1, 2))
  same<Fault[]>()(mapping.faults)
  same<Promise<FlushResult>>()(mapping.flush({ level: 'data', offset: 0 }))
  same<MappingInfo[]>()(mappings())
  for (const window of mapping.windows({ size: 10, overlap: 1 })) same<Window>()(window)
  for (const chunk of mapping.chunks()) same<Buffer>()(chunk)
  for await (const batch of mapping.windows().batches()) same<Window[]>()(batch)
  for await (const line of mapping.lines({ follow: true, signal: AbortSignal.timeout(1) })) same<string>()(line)
  for (const line of mapping.lines({ encoding: 'buffer' })) same<Buffer>()(line)
  for (const line of mapping.lines({ offsets: true })) same<ByteRange>()(line)
  for (const batch of mapping.split(',', { offsets: true }).batches()) same<ByteRanges>()(batch)
  for await (const batch of mapping.split(Buffer.of(0), { encoding: 'latin1' }).batches()) same<string[]>()(batch)
  for (const record of mapping.records(8n, { partial: true })) same<Buffer>()(record)
  const freed: boolean = unmap(mapBuffer('x')) || unmap(floats) || unmap(longs.buffer) || unmap(doubles)
  mapping.assertHealthy()

  using pin: Pin = mapping.pin()
  await using scoped = await mmap('x')
  using another = mmapSync('x')
  await Promise.all([mapping.close(), freed, pin, scoped, another])
}

export function refused(mapping: Mapping): void {
  // @ts-expect-error -- no such mode
  mmapSync('x', { mode: 'w' })
  // @ts-expect-error -- misspelt
  mmapSync('x', { ofset: 1 })
  // @ts-expect-error -- drop-ins have one mode
  mapBuffer('x', { mode: 'r' })
  // @ts-expect-error -- no typed array
  mapping.array(DataView)
  // @ts-expect-error -- another kind
  const floats: Float32Array = mapping.array(Float64Array)
  // @ts-expect-error -- destructive, so not an advice
  mapping.advise('dontneed')
  // @ts-expect-error -- a range is an object
  mapping.read(1, 2)
  // @ts-expect-error -- no such encoding
  mapping.lines({ encoding: 'utf16le' })
  // @ts-expect-error -- a separator is needed
  mapping.split()
  // @ts-expect-error -- read-only
  mapping.length = floats.length
}
