import { existsSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { capabilities, constants, mmap, mmapAnonymous, type MappingOptions, mmapSync } from '../index.js'
import { tempFile } from './helpers/temp.js'

type Expected = readonly [Class: typeof TypeError | typeof RangeError, code: string, message: string | RegExp]

const type = (message: string | RegExp): Expected => [TypeError, 'ERR_INVALID_ARG_TYPE', message]
const value = (message: string | RegExp): Expected => [TypeError, 'ERR_INVALID_ARG_VALUE', message]
const range = (message: string | RegExp): Expected => [RangeError, 'ERR_OUT_OF_RANGE', message]

const refuses = test.macro(async (t: ExecutionContext, options: unknown, [instanceOf, code, message]: Expected) => {
  const file = tempFile(t, 100)
  const given = options as MappingOptions
  t.throws(() => mmapSync(file, given), { instanceOf, code, message })
  await t.throwsAsync(mmap(file, given), { instanceOf, code, message })
})

// Numbers of bytes: the messages are those of Node 20 to 26.

for (const name of ['offset', 'length', 'size'] as const) {
  const options = (number: unknown) => ({ mode: 'r+', [name]: number })
  const received = (what: string) =>
    type(`The "options.${name}" property must be one of type number or bigint. Received ${what}`)
  const outside = (rule: string, what: string) =>
    range(`The value of "options.${name}" is out of range. It must be ${rule}. Received ${what}`)
  const bounds = '>= 0 && <= 9007199254740991'

  test(`${name} '10' is refused`, refuses, options('10'), received("type string ('10')"))
  test(`${name} null is refused`, refuses, options(null), received('null'))
  test(`${name} true is refused`, refuses, options(true), received('type boolean (true)'))
  test(`${name} {} is refused`, refuses, options({}), received('an instance of Object'))
  test(`${name} [] is refused`, refuses, options([]), received('an instance of Array'))
  test(
    `${name} Object.create(null) is refused`,
    refuses,
    options(Object.create(null)),
    received('[Object: null prototype] {}'),
  )
  test(`${name} Symbol() is refused`, refuses, options(Symbol('x')), received('type symbol (Symbol(x))'))
  test(
    `${name} function is refused`,
    refuses,
    options(function named() {}),
    received('function named'),
  )
  test(
    `${name} with a long string is refused`,
    refuses,
    options('x'.repeat(40)),
    received(`type string ('${'x'.repeat(24)}...)`),
  )
  test(`${name} NaN is refused`, refuses, options(NaN), outside('an integer', 'NaN'))
  test(`${name} Infinity is refused`, refuses, options(Infinity), outside('an integer', 'Infinity'))
  test(`${name} 1.5 is refused`, refuses, options(1.5), outside('an integer', '1.5'))
  test(`${name} -1 is refused`, refuses, options(-1), outside(bounds, '-1'))
  test(`${name} -1n is refused`, refuses, options(-1n), outside(bounds, '-1n'))
  test(`${name} 2^53 is refused`, refuses, options(2 ** 53), outside(bounds, '9_007_199_254_740_992'))
  test(`${name} 2n ** 64n is refused`, refuses, options(2n ** 64n), outside(bounds, '18_446_744_073_709_551_616n'))
}

test('an offset of -0 is 0', (t) => {
  const mapping = mmapSync(tempFile(t, 100), { offset: -0 })
  t.is(mapping.offset, 0)
  mapping.closeSync()
})

// Enumerations, booleans, names.

test(
  'an unknown mode is refused',
  refuses,
  { mode: 'rw' },
  value(`The property 'options.mode' must be one of: 'r', 'r+', 'w+', 'wx+', 'c'. Received 'rw'`),
)
test(
  'a mode that is not a string is refused',
  refuses,
  { mode: 1 },
  type('The "options.mode" property must be of type string. Received type number (1)'),
)
test('unknown advice is refused', refuses, { advice: 'rand' }, value(/'random'/))
test('an unknown onFault is refused', refuses, { onFault: 'throw' }, value(/'zero', 'abort'/))
for (const name of ['populate', 'noReserve', 'hugePages', 'shared', 'strict']) {
  test(
    `${name} that is not a boolean is refused`,
    refuses,
    { [name]: 1 },
    type(`The "options.${name}" property must be of type boolean. Received type number (1)`),
  )
}
test(
  'a label that is not a string is refused',
  refuses,
  { label: Symbol('x') },
  type(/"options.label" property must be of type string/),
)
test(
  'options that are a string are refused',
  refuses,
  'r+',
  type(`The "options" argument must be an instance of Object. Received type string ('r+')`),
)
test(
  'options that are null are refused',
  refuses,
  null,
  type('The "options" argument must be an instance of Object. Received null'),
)
test(
  'options that are an array are refused',
  refuses,
  [],
  type('The "options" argument must be an instance of Object. Received an instance of Array'),
)

test(
  'a misspelt option is refused with a suggestion',
  refuses,
  { ofset: 1 },
  value("The property 'options.ofset' is unknown: did you mean 'offset'?"),
)
test(
  'an option in the wrong case is refused with a suggestion',
  refuses,
  { noreserve: true },
  value(/did you mean 'noReserve'/),
)
test(
  'an unknown option is refused with the known names',
  refuses,
  { encoding: 'utf8' },
  value(/the known ones are mode, offset, length/),
)
test('an unknown option that is undefined is refused', refuses, { flags: undefined }, value(/'options.flags'/))

test('undefined options and undefined values are ignored', (t) => {
  const file = tempFile(t, 100)
  mmapSync(file, undefined).closeSync()
  const none = {
    mode: undefined,
    offset: undefined,
    length: undefined,
    size: undefined,
    advice: undefined,
    label: undefined,
  }
  const mapping = mmapSync(file, {
    ...none,
    populate: undefined,
    strict: undefined,
    shared: undefined,
    onFault: undefined,
  })
  t.is(mapping.mode, 'r')
  t.is(mapping.length, 100)
  mapping.closeSync()
})

test('inherited options are used, and their names are not checked', (t) => {
  const mapping = mmapSync(tempFile(t, 100), Object.create({ offset: 10, helper() {} }))
  t.is(mapping.offset, 10)
  mapping.closeSync()
})

test('each option is read once', (t) => {
  const reads: string[] = []
  const options = new Proxy({ mode: 'r+', offset: 1, length: 2, size: 200, populate: false, label: 'x' } as const, {
    get(target, key) {
      reads.push(String(key))
      return Reflect.get(target, key)
    },
  })
  mmapSync(tempFile(t, 100), options).closeSync()
  t.deepEqual(reads, [...new Set(reads)])
})

// Combinations.

for (const mode of ['r', 'c'] as const) {
  test(
    `size with mode '${mode}' is refused`,
    refuses,
    { mode, size: 1 },
    value(/'options.size' cannot be used with mode/),
  )
}
test(
  "strict with mode 'r+' is refused",
  refuses,
  { mode: 'r+', strict: true },
  value(/'options.strict' cannot be used with mode 'r\+'/),
)

// Sources.

const refusesSource = test.macro(
  async (t: ExecutionContext, source: unknown, [instanceOf, code, message]: Expected) => {
    t.throws(() => mmapSync(source as string), { instanceOf, code, message })
    await t.throwsAsync(() => mmap(source as string), { instanceOf, code, message })
  },
)

const wanted =
  'The "source" argument must be one of type string or number or an instance of Buffer, URL, or FileHandle. Received '
test('a missing source is refused', refusesSource, undefined, type(`${wanted}undefined`))
test('a source of null is refused', refusesSource, null, type(`${wanted}null`))
test('a source that is an object is refused', refusesSource, {}, type(`${wanted}an instance of Object`))
test(
  'a source with an fd that is a string is refused',
  refusesSource,
  { fd: '1' },
  type(`${wanted}an instance of Object`),
)
test('a source that is a bigint is refused', refusesSource, 3n, type(`${wanted}type bigint (3n)`))
test(
  'a negative descriptor is refused',
  refusesSource,
  -1,
  range('The value of "source" is out of range. It must be >= 0 && <= 2147483647. Received -1'),
)
test('a descriptor that is not an integer is refused', refusesSource, 1.5, range(/It must be an integer/))
test('a descriptor of 2^31 is refused', refusesSource, 2 ** 31, range(/2147483648/))
test(
  'a path with a NUL is refused',
  refusesSource,
  'a\0b',
  value(`The argument 'source' must be a string, Uint8Array, or URL without null bytes. Received 'a\\x00b'`),
)
test('a URL with a NUL is refused', refusesSource, new URL('file:///a%00b'), value(/without null bytes/))
test('a path in bytes with a NUL is refused', refusesSource, Buffer.from('a\0b'), value(/without null bytes/))

// Anonymous memory.

const refusesMemory = test.macro((t: ExecutionContext, args: unknown[], [instanceOf, code, message]: Expected) => {
  t.throws(() => mmapAnonymous(...(args as [number])), { instanceOf, code, message })
})

test(
  'a missing length is refused',
  refusesMemory,
  [],
  type('The "length" argument must be one of type number or bigint. Received undefined'),
)
test('a negative length is refused', refusesMemory, [-1], range(/Received -1/))
test(
  'a page size that is not a power of two is refused',
  refusesMemory,
  [4096, { hugePages: 3000 }],
  value(/power of two/),
)
test('a page size of 0 is refused', refusesMemory, [4096, { hugePages: 0 }], value(/power of two/))
test('a page size of 1 is refused', refusesMemory, [4096, { hugePages: 1 }], value(/at least the size of a page/))
test('a hugePages that is a string is refused', refusesMemory, [4096, { hugePages: '2m' }], type(/boolean/))
test(
  'an option that only files have is refused',
  refusesMemory,
  [4096, { mode: 'r' }],
  value(/'options.mode' is unknown/),
)

// Constants and capabilities.

test('the constants are numbers of the system, and frozen', (t) => {
  const { PAGE_SIZE, ALLOCATION_GRANULARITY, MAX_VIEW_LENGTH } = constants
  t.true(PAGE_SIZE >= 4096 && Number.isInteger(Math.log2(PAGE_SIZE)))
  t.is(ALLOCATION_GRANULARITY % PAGE_SIZE, 0)
  t.is(MAX_VIEW_LENGTH, 2 ** 31 - 1)
  t.true(Object.isFrozen(constants))
})

test('capabilities() returns a new object of booleans', (t) => {
  const found = capabilities()
  t.true(Object.values(found).every((one) => typeof one === 'boolean'))
  t.is(typeof found['sharedArrayBuffer'], 'boolean')
  found['sharedArrayBuffer'] = !found['sharedArrayBuffer']
  t.not(capabilities()['sharedArrayBuffer'], found['sharedArrayBuffer'])
})

test('capabilities() report whether views are available', (t) => {
  const expected = process.env['MEMMAP_NO_EXTERNAL_BUFFERS'] !== '1'
  t.is(capabilities()['externalArrayBuffer'], expected)
})

test('capabilities() report how memory and files can grow and shrink', (t) => {
  const isUnix = process.platform !== 'win32'
  const { reserve, noReserve, resize, 'resize:shared': shared } = capabilities()
  t.deepEqual({ resize, noReserve, shared }, { resize: true, noReserve: isUnix, shared: isUnix })
  t.is(typeof reserve, 'boolean')
  if (reserve) mmapAnonymous(1, { reserve: 2 }).closeSync()
  else t.throws(() => mmapSync(tempFile(t, 'x'), { reserve: 2 }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
  if (noReserve) mmapAnonymous(1, { noReserve }).closeSync()
  else t.throws(() => mmapAnonymous(1, { noReserve: true }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
})

test('an invalid option throws before a file is created', (t) => {
  const file = `${tempFile(t, 'x')}.none`
  t.throws(() => mmapSync(file, { mode: 'w+', size: 1, label: 1 as unknown as string }), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
  t.false(existsSync(file))
})
