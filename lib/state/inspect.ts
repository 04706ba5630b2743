/**
 * The text that `console.log` and `util.inspect` show for a mapping.
 */
import { inspect, type InspectOptions } from 'node:util'
import { faultsOf } from './faults.js'
import type { MappingState } from './mapping-state.js'

/** Returns the text for a mapping. Leaves out the path, the label and the faults if the mapping has none. */
export function inspectState(state: MappingState, depth: number | null, options: InspectOptions): string {
  if (depth !== null && depth < 0) return '[Mapping]'
  const { path, label, mode, offset, length, closed } = state
  const faults = faultsOf(state)
  const shown = {
    ...(path !== undefined && { path }),
    ...(label !== undefined && { label }),
    mode,
    offset,
    length,
    closed,
    ...(faults.length > 0 && { faults }),
  }
  return `Mapping ${inspect(shown, { ...options, depth: depth ?? null })}`
}
