import test, { type ExecutionContext } from 'ava'
import { FileLock, fileLockSync, LineIndex, Mapping, mmapAnonymous } from '../../index.js'
import { tempFile } from '../helpers/temp.js'

type Constructor = new (...given: unknown[]) => object

const illegal = { instanceOf: TypeError, code: 'ERR_ILLEGAL_CONSTRUCTOR', message: 'Illegal constructor' }

/** Makes an instance by a function of the library, which closes it after the test. */
type Make = (t: ExecutionContext) => object | Promise<object>

function makeMapping(t: ExecutionContext): Mapping {
  const memory = mmapAnonymous(4096)
  t.teardown(() => memory.closeSync())
  return memory
}

function makeLock(t: ExecutionContext): FileLock {
  const lock = fileLockSync(tempFile(t, 'x'))
  t.teardown(() => lock.unlock())
  return lock
}

const makeIndex = (t: ExecutionContext): Promise<LineIndex> => makeMapping(t).lineIndex()

const onlyByFunctions = test.macro({
  title: (_, name: string) => `a ${name} is made by functions alone: its constructor and subclasses are refused`,
  async exec(t, name: string, Class: unknown, make: Make) {
    const Type = Class as Constructor
    t.is(Type.name, name)
    const instance = await make(t)
    t.true(instance instanceof Type)

    t.throws(() => new Type(), illegal)
    t.throws(() => new (instance.constructor as Constructor)(), illegal)
    t.throws(() => new Type(instance, 1, {}), illegal)
    t.throws(() => new Type(Symbol('construct')), illegal)
    t.throws(() => Reflect.construct(Type, []), illegal)
    t.throws(() => Reflect.construct(Type, [], Object), illegal)
    t.throws(() => new (class extends Type {})(), illegal)
  },
})

test(onlyByFunctions, 'Mapping', Mapping, makeMapping)
test(onlyByFunctions, 'FileLock', FileLock, makeLock)
test(onlyByFunctions, 'LineIndex', LineIndex, makeIndex)
