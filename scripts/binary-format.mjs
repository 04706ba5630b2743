// Reads as much of an ELF, Mach-O or PE file as tells what it is, what it exports and what it asks of the system.
// No tool has to be installed for it: the release is checked wherever Node runs.

/**
 * @typedef {object} Binary
 * @property {'elf' | 'mach-o' | 'pe'} format
 * @property {string} arch 'x64' or 'arm64', else the number in the file
 * @property {boolean} isLibrary
 * @property {string[]} needs the libraries that it asks the loader for
 * @property {string[]} exports
 * @property {string[]} undefined what it wants from the libraries or from the process, where the format says so
 * @property {Record<string, string[]>} versions of the symbols it wants, a list for each library (ELF)
 * @property {string[]} flaws what makes a library unfit to be shipped
 */

/**
 * @param {Buffer} file
 * @returns {Binary}
 */
export function readBinary(file) {
  if (file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46) return readElf(file)
  if (file.length >= 32 && file.readUInt32LE(0) === 0xfeedfacf) return readMachO(file)
  if (file.length >= 64 && file.toString('latin1', 0, 2) === 'MZ') return readPe(file)
  throw new Error('neither a 64-bit ELF, Mach-O nor PE file')
}

// ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, symbol versions:
// https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html

const ELF_DYNAMIC = { needed: 1, rpath: 15, textRelocations: 22, runpath: 29 }

function readElf(file) {
  if (file[4] !== 2 || file[5] !== 1) throw new Error('an ELF file, but not a 64-bit little-endian one')
  const machine = file.readUInt16LE(18)
  const sections = elfSections(file)
  const dynamic = sections.find(({ type }) => type === 6)
  const entries = dynamic ? table(file, dynamic, (at) => [number(file, at), number(file, at + 8)]) : []
  const strings = dynamic ? sections[dynamic.link] : undefined
  const text = (offset) => cString(file, strings.offset + offset)
  const named = (tag) => entries.filter(([each]) => each === tag).map(([, value]) => text(value))

  const symbols = elfSymbols(file, sections)
  const flaws = []
  const paths = [...named(ELF_DYNAMIC.rpath), ...named(ELF_DYNAMIC.runpath)]
  if (paths.length > 0) flaws.push(`looks for libraries in ${paths.join(', ')}`)
  if (entries.some(([tag]) => tag === ELF_DYNAMIC.textRelocations)) flaws.push('its code is changed at load time')
  if (hasExecutableStack(file)) flaws.push('asks for an executable stack')
  return {
    format: 'elf',
    arch: { 62: 'x64', 183: 'arm64' }[machine] ?? String(machine),
    isLibrary: file.readUInt16LE(16) === 3,
    needs: named(ELF_DYNAMIC.needed),
    exports: symbols.filter(({ section }) => section !== 0).map(({ name }) => name),
    undefined: symbols.filter(({ section }) => section === 0).map(({ name }) => name),
    versions: elfVersions(file, sections),
    flaws,
  }
}

function elfSections(file) {
  const start = number(file, 40)
  const size = file.readUInt16LE(58)
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size
    return {
      type: file.readUInt32LE(at + 4),
      offset: number(file, at + 24),
      size: number(file, at + 32),
      link: file.readUInt32LE(at + 40),
      info: file.readUInt32LE(at + 44),
      entrySize: number(file, at + 56),
    }
  })
}

/** The dynamic symbols that others can see, or that others have to bring. */
function elfSymbols(file, sections) {
  const section = sections.find(({ type }) => type === 11)
  if (!section) return []
  const strings = sections[section.link].offset
  return table(file, section, (at) => ({
    name: cString(file, strings + file.readUInt32LE(at)),
    isLocal: file[at + 4] >> 4 === 0,
    section: file.readUInt16LE(at + 6),
  })).filter(({ name, isLocal }) => name !== '' && !isLocal)
}

function elfVersions(file, sections) {
  const section = sections.find(({ type }) => type === 0x6ffffffe)
  const versions = {}
  if (!section) return versions
  const text = (offset) => cString(file, sections[section.link].offset + offset)
  for (let at = section.offset, left = section.info; left > 0; left--) {
    const names = (versions[text(file.readUInt32LE(at + 4))] ??= [])
    let each = at + file.readUInt32LE(at + 8)
    for (let count = file.readUInt16LE(at + 2); count > 0; count--) {
      names.push(text(file.readUInt32LE(each + 8)))
      each += file.readUInt32LE(each + 12)
    }
    at += file.readUInt32LE(at + 12)
  }
  return versions
}

function hasExecutableStack(file) {
  const start = number(file, 32)
  const size = file.readUInt16LE(54)
  const headers = Array.from({ length: file.readUInt16LE(56) }, (_, index) => start + index * size)
  const stack = headers.find((at) => file.readUInt32LE(at) === 0x6474e551)
  // Without the header the kernel takes the stack for executable.
  return stack === undefined || (file.readUInt32LE(stack + 4) & 1) === 1
}

// Mach-O: <mach-o/loader.h> and <mach-o/nlist.h> of Apple's SDK.

const MACH = {
  symbols: 0x2,
  loadLibrary: 0xc,
  loadWeakLibrary: 0x8000_0018,
  reexportLibrary: 0x8000_001f,
  rpath: 0x8000_001c,
}
const MACH_SIGNATURE = 0x1d

function readMachO(file) {
  const commands = machCommands(file)
  const libraries = [MACH.loadLibrary, MACH.loadWeakLibrary, MACH.reexportLibrary]
  const text = (at) => cString(file, at + file.readUInt32LE(at + 8))
  const symbols = commands.filter(({ type }) => type === MACH.symbols).flatMap(({ at }) => machSymbols(file, at))
  const arch = { 0x0100_0007: 'x64', 0x0100_000c: 'arm64' }[file.readUInt32LE(4)] ?? String(file.readUInt32LE(4))
  const type = file.readUInt32LE(12)
  const flaws = []
  if (commands.some((command) => command.type === MACH.rpath)) flaws.push('has a path to look for libraries in')
  if (arch === 'arm64' && !commands.some((command) => command.type === MACH_SIGNATURE)) {
    flaws.push('is not signed, not even ad hoc: an Apple Silicon Mac kills the process that loads it')
  }
  return {
    format: 'mach-o',
    arch,
    // A bundle is a library that is made to be loaded by a program.
    isLibrary: type === 6 || type === 8,
    needs: commands.filter((command) => libraries.includes(command.type)).map(({ at }) => text(at)),
    exports: symbols.filter(({ isDefined }) => isDefined).map(({ name }) => name),
    undefined: symbols.filter(({ isDefined }) => !isDefined).map(({ name }) => name),
    versions: {},
    flaws,
  }
}

function machCommands(file) {
  const commands = []
  for (let at = 32, left = file.readUInt32LE(16); left > 0; left--) {
    commands.push({ type: file.readUInt32LE(at), at })
    at += file.readUInt32LE(at + 4)
  }
  return commands
}

/** External symbols, with the underscore that C names have on this platform taken off. */
function machSymbols(file, at) {
  const start = file.readUInt32LE(at + 8)
  const strings = file.readUInt32LE(at + 16)
  return Array.from({ length: file.readUInt32LE(at + 12) }, (_, index) => start + index * 16)
    .filter((each) => (file[each + 4] & 0xe0) === 0 && (file[each + 4] & 1) === 1)
    .map((each) => ({
      name: cString(file, strings + file.readUInt32LE(each)).replace(/^_/, ''),
      isDefined: (file[each + 4] & 0x0e) !== 0,
    }))
}

// PE: https://learn.microsoft.com/en-us/windows/win32/debug/pe-format

function readPe(file) {
  const header = file.readUInt32LE(60)
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error('starts as a PE file, but is none')
  const machine = file.readUInt16LE(header + 4)
  const optional = header + 24
  if (file.readUInt16LE(optional) !== 0x20b) throw new Error('a PE file, but not a 64-bit one')
  const sections = peSections(file, header)
  const directory = (index) => {
    if (index >= file.readUInt32LE(optional + 108)) return undefined
    const address = file.readUInt32LE(optional + 112 + index * 8)
    return address === 0 ? undefined : toOffset(sections, address)
  }
  return {
    format: 'pe',
    arch: { 0x8664: 'x64', 0xaa64: 'arm64' }[machine] ?? String(machine),
    isLibrary: (file.readUInt16LE(header + 22) & 0x2000) !== 0,
    // Delayed imports count too: a library that is missing is missing, only later.
    needs: [
      ...peImports(file, sections, directory(1), { size: 20, name: 12 }),
      ...peImports(file, sections, directory(13), { size: 32, name: 4 }),
    ],
    exports: peExports(file, sections, directory(0)),
    undefined: [],
    versions: {},
    flaws: [],
  }
}

function peSections(file, header) {
  const start = header + 24 + file.readUInt16LE(header + 20)
  return Array.from({ length: file.readUInt16LE(header + 6) }, (_, index) => {
    const at = start + index * 40
    return {
      address: file.readUInt32LE(at + 12),
      size: Math.max(file.readUInt32LE(at + 8), file.readUInt32LE(at + 16)),
      offset: file.readUInt32LE(at + 20),
    }
  })
}

function toOffset(sections, address) {
  const section = sections.find((each) => address >= each.address && address < each.address + each.size)
  if (!section) throw new Error(`no section holds the address ${address}`)
  return address - section.address + section.offset
}

function peImports(file, sections, start, entry) {
  const names = []
  if (start === undefined) return names
  for (let at = start; file.readUInt32LE(at + entry.name) !== 0; at += entry.size) {
    names.push(cString(file, toOffset(sections, file.readUInt32LE(at + entry.name))))
  }
  return names
}

function peExports(file, sections, start) {
  if (start === undefined) return []
  const names = toOffset(sections, file.readUInt32LE(start + 32))
  return Array.from({ length: file.readUInt32LE(start + 24) }, (_, index) =>
    cString(file, toOffset(sections, file.readUInt32LE(names + index * 4))),
  )
}

/** Every entry of a table that a section holds. */
function table(file, { offset, size, entrySize }, read) {
  return Array.from({ length: Math.floor(size / entrySize) }, (_, index) => read(offset + index * entrySize))
}

function number(file, at) {
  return Number(file.readBigUInt64LE(at))
}

function cString(file, at) {
  const end = file.indexOf(0, at)
  if (at < 0 || end < 0) throw new Error('a name that does not end')
  return file.toString('utf8', at, end)
}
