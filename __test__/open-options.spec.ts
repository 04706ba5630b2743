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

// Numbers of bytes: the texts are those of Node 20 to 26.

for (const name of ['offset', 'length', 'size'] as const) {
  const options = (number: unknown) => ({ mode: 'r+', [name]: number })
  const received = (what: string) =>
    type(`The "options.${name}" property must be one of type number or bigint. Received ${what}`)
  const outside = (rule: string, what: string) =>
    range(`The value of "options.${name}" is out of range. It must be ${rule}. Received ${what}`)
  const bounds = '>= 0 && <= 9007199254740991'

  test(`${name} '10'`, refuses, options('10'), received("type string ('10')"))
  test(`${name} null`, refuses, options(null), received('null'))
  test(`${name} true`, refuses, options(true), received('type boolean (true)'))
  test(`${name} {}`, refuses, options({}), received('an instance of Object'))
  test(`${name} []`, refuses, options([]), received('an instance of Array'))
  test(`${name} Object.create(null)`, refuses, options(Object.create(null)), received('[Object: null prototype] {}'))
  test(`${name} Symbol()`, refuses, options(Symbol('x')), received('type symbol (Symbol(x))'))
  test(
    `${name} function`,
    refuses,
    options(function named() {}),
    received('function named'),
  )
  test(`${name} a long string`, refuses, options('x'.repeat(40)), received(`type string ('${'x'.repeat(24)}...)`))
  test(`${name} NaN`, refuses, options(NaN), outside('an integer', 'NaN'))
  test(`${name} Infinity`, refuses, options(Infinity), outside('an integer', 'Infinity'))
  test(`${name} 1.5`, refuses, options(1.5), outside('an integer', '1.5'))
  test(`${name} -1`, refuses, options(-1), outside(bounds, '-1'))
  test(`${name} -1n`, refuses, options(-1n), outside(bounds, '-1n'))
  test(`${name} 2^53`, refuses, options(2 ** 53), outside(bounds, '9_007_199_254_740_992'))
  test(`${name} 2n^64n`, refuses, options(2n ** 64n), outside(bounds, '18_446_744_073_709_551_616n'))
}

test('-0 is 0', (t) => {
  const mapping = mmapSync(tempFile(t, 100), { offset: -0 })
  t.is(mapping.offset, 0)
  mapping.closeSync()
})

// Words, truth values, names.

test(
  'an unknown mode',
  refuses,
  { mode: 'rw' },
  value(`The property 'options.mode' must be one of: 'r', 'r+', 'w+', 'wx+', 'c'. Received 'rw'`),
)
test(
  'a mode that is no string',
  refuses,
  { mode: 1 },
  type('The "options.mode" property must be of type string. Received type number (1)'),
)
test('an unknown advice', refuses, { advice: 'rand' }, value(/'random'/))
test('an unknown onFault', refuses, { onFault: 'throw' }, value(/'zero', 'abort'/))
for (const name of ['populate', 'noReserve', 'hugePages', 'shared', 'strict']) {
  test(
    `${name} that is no boolean`,
    refuses,
    { [name]: 1 },
    type(`The "options.${name}" property must be of type boolean. Received type number (1)`),
  )
}
test(
  'a label that is no string',
  refuses,
  { label: Symbol('x') },
  type(/"options.label" property must be of type string/),
)
test(
  'options that are a string',
  refuses,
  'r+',
  type(`The "options" argument must be an instance of Object. Received type string ('r+')`),
)
test(
  'options that are null',
  refuses,
  null,
  type('The "options" argument must be an instance of Object. Received null'),
)
test(
  'options that are an array',
  refuses,
  [],
  type('The "options" argument must be an instance of Object. Received an instance of Array'),
)

test(
  'a misspelt option',
  refuses,
  { ofset: 1 },
  value("The property 'options.ofset' is no option here: did you mean 'offset'?"),
)
test('a miscased option', refuses, { noreserve: true }, value(/did you mean 'noReserve'/))
test('an option of something else', refuses, { encoding: 'utf8' }, value(/known are mode, offset, length/))
test('an unknown option that is undefined', refuses, { flags: undefined }, value(/'options.flags'/))

test('undefined options and undefined values are as if they were not there', (t) => {
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

test('inherited options count, and their names are not checked', (t) => {
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

// Together.

for (const mode of ['r', 'c'] as const) {
  test(`size with mode '${mode}'`, refuses, { mode, size: 1 }, value(/'options.size' cannot be used with mode/))
}
test(
  "strict with mode 'r+'",
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
test('no source', refusesSource, undefined, type(`${wanted}undefined`))
test('null', refusesSource, null, type(`${wanted}null`))
test('an object', refusesSource, {}, type(`${wanted}an instance of Object`))
test('an object with another fd', refusesSource, { fd: '1' }, type(`${wanted}an instance of Object`))
test('a bigint', refusesSource, 3n, type(`${wanted}type bigint (3n)`))
test(
  'a negative descriptor',
  refusesSource,
  -1,
  range('The value of "source" is out of range. It must be >= 0 && <= 2147483647. Received -1'),
)
test('a descriptor that is no integer', refusesSource, 1.5, range(/It must be an integer/))
test('a descriptor that is too large', refusesSource, 2 ** 31, range(/2147483648/))
test(
  'a path with a NUL',
  refusesSource,
  'a\0b',
  value(`The argument 'source' must be a string, Uint8Array, or URL without null bytes. Received 'a\\x00b'`),
)
test('a URL with a NUL', refusesSource, new URL('file:///a%00b'), value(/without null bytes/))
test('bytes with a NUL', refusesSource, Buffer.from('a\0b'), value(/without null bytes/))

// Anonymous memory.

const refusesMemory = test.macro((t: ExecutionContext, args: unknown[], [instanceOf, code, message]: Expected) => {
  t.throws(() => mmapAnonymous(...(args as [number])), { instanceOf, code, message })
})

test(
  'no length',
  refusesMemory,
  [],
  type('The "length" argument must be one of type number or bigint. Received undefined'),
)
test('a negative length', refusesMemory, [-1], range(/Received -1/))
test('a page size that is no power of two', refusesMemory, [4096, { hugePages: 3000 }], value(/power of two/))
test('a page size of 0', refusesMemory, [4096, { hugePages: 0 }], value(/power of two/))
test('a page size of 1', refusesMemory, [4096, { hugePages: 1 }], value(/no less than a page/))
test('hugePages that are a string', refusesMemory, [4096, { hugePages: '2m' }], type(/boolean/))
test('an option that files have', refusesMemory, [4096, { mode: 'r' }], value(/'options.mode' is no option here/))

// What there is.

test('constants are numbers that hold', (t) => {
  const { PAGE_SIZE, ALLOCATION_GRANULARITY, MAX_VIEW_LENGTH } = constants
  t.true(PAGE_SIZE >= 4096 && Number.isInteger(Math.log2(PAGE_SIZE)))
  t.is(ALLOCATION_GRANULARITY % PAGE_SIZE, 0)
  t.is(MAX_VIEW_LENGTH, 2 ** 31 - 1)
  t.true(Object.isFrozen(constants))
})

test('capabilities are truth values, in an object of one’s own', (t) => {
  const found = capabilities()
  t.true(Object.values(found).every((one) => typeof one === 'boolean'))
  t.is(typeof found['sharedArrayBuffer'], 'boolean')
  found['sharedArrayBuffer'] = !found['sharedArrayBuffer']
  t.not(capabilities()['sharedArrayBuffer'], found['sharedArrayBuffer'])
})

test('capabilities tell whether there are views', (t) => {
  const expected = process.env['MEMMAP_NO_EXTERNAL_BUFFERS'] !== '1'
  t.is(capabilities()['externalArrayBuffer'], expected)
})

test('capabilities tell how memory and files can grow and shrink', (t) => {
  const isUnix = process.platform !== 'win32'
  const { reserve, noReserve, resize, 'resize:shared': shared } = capabilities()
  t.deepEqual({ resize, noReserve, shared }, { resize: true, noReserve: isUnix, shared: isUnix })
  t.is(typeof reserve, 'boolean')
  if (reserve) mmapAnonymous(1, { reserve: 2 }).closeSync()
  else t.throws(() => mmapSync(tempFile(t, 'x'), { reserve: 2 }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
  if (noReserve) mmapAnonymous(1, { noReserve }).closeSync()
  else t.throws(() => mmapAnonymous(1, { noReserve: true }), { code: 'ERR_MEMMAP_UNSUPPORTED' })
})

test('a bad option is told before anything is made', (t) => {
  const file = `${tempFile(t, 'x')}.none`
  t.throws(() => mmapSync(file, { mode: 'w+', size: 1, label: 1 as unknown as string }), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
  t.false(existsSync(file))
})
