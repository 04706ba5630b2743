import test from 'ava'
import { survives } from '../helpers/survive.js'

const cases = {
  'mode r': 'in mode r a store stays in the process and is no fault',
  'mode r and what other processes write': 'in mode r unmodified pages show later writes to the file',
  'mode r and system calls': 'in mode r system calls and builtins may write',
  strict: 'in a strict mapping a store stays in the process and is a fault',
  'strict, at any offset': 'the fault of a strict mapping has the offset of the page',
  'strict and system calls': 'a system call that would write into a strict mapping fails',
  'protected, mode r+': 'a store into protected pages of mode r+ stays in the process and is a fault',
  'protected, mode c': 'a store into protected pages of mode c is a fault',
  'protected, anonymous': 'a store into protected anonymous memory is a fault',
  'cut as well': 'a store into a read-only page beyond the end of a truncated file is a fault',
  'mapBuffer and mapArray': 'stores into the results of mapBuffer() and mapArray() stay in the process',
}

for (const [name, title] of Object.entries(cases)) {
  test.serial(title, survives, 'fault/readonly.ts', 'stored', [name])
}
