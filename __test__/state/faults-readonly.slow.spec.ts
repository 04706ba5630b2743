import test from 'ava'
import { survives } from '../helpers/survive.js'

const cases = {
  'mode r': 'a store into mode r stays in the process and is no fault',
  'mode r and what other processes write': 'pages of mode r that were not stored into follow the file',
  'mode r and system calls': 'system calls and builtins may write into mode r',
  strict: 'a store into a strict mapping stays in the process and is a fault',
  'strict, at any offset': 'the fault of a strict mapping says which page',
  'strict and system calls': 'a system call that would write into a strict mapping fails',
  'protected, mode r+': 'a store into protected pages of mode r+ stays in the process and is a fault',
  'protected, mode c': 'a store into protected pages of mode c is a fault',
  'protected, anonymous': 'a store into protected anonymous memory is a fault',
  'cut as well': 'a store into a read-only page of which the file was cut is a fault',
  'mapBuffer and mapArray': 'stores into drop-ins stay in the process',
}

for (const [name, title] of Object.entries(cases)) {
  test.serial(title, survives, 'fault/readonly.ts', 'stored', [name])
}
