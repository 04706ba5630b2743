import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { canRig } from '../helpers/rig.js'
import { survives } from '../helpers/survive.js'

const bytes = 'torture/bytes.ts'

test.serial('every view of every mode shows what fs reads', survives, bytes, 'through', ['reads'])
test.serial('what any view stores and flush() writes is seen by another process', survives, bytes, 'through', [
  'written',
])
test.serial('stores in modes c and r reach neither the file nor another mapping', survives, bytes, 'through', ['kept'])
test.serial('a mapping keeps its file when another is renamed over it', survives, bytes, 'through', ['replaced'])

const overlay = 'mkdir low up work disk; head -c 9999 /dev/urandom > low/file'
const mount = 'mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none disk; cd disk'
test.serial('a file that a container copies when it is first written is mapped as it is', async (t) => {
  const through = ['unshare', '--mount', 'sh', '-ec', `${overlay}; ${mount}; exec "$@"`, 'sh']
  if (canRig(t)) await survives.exec(t, bytes, 'through', ['copiedUp'], { through, node: ['--no-warnings'] })
})
test.serial('a file with the number of a deleted one is mapped as itself', survives, bytes, 'through', ['reborn'])
test.serial('a grown file is mapped longer the next time, and old mappings stay', survives, bytes, 'through', ['grown'])

const node = ['--expose-gc', '--no-warnings']
test.serial('the collector unmaps what nothing refers to, and nothing else', survives, bytes, 'through', ['freed'], {
  node,
})

// Where scripts of packages are not run, which is the default of some package managers, there must be none to miss.
test('nothing has to be run or compiled when the package is installed', (t) => {
  const root = path.join(import.meta.dirname, '..', '..')
  const manifests = ['package.json', ...readdirSync(path.join(root, 'npm')).map((name) => `npm/${name}/package.json`)]
  for (const file of manifests) {
    const { scripts = {}, gypfile, dependencies = {} } = JSON.parse(readFileSync(path.join(root, file), 'utf8'))
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      t.false(name in scripts, `${name} of ${file}`)
    t.is(gypfile, undefined)
    t.deepEqual(dependencies, {})
  }
  t.false(existsSync(path.join(root, 'binding.gyp')))
})

const user = 'torture/user.ts'
test.serial("another user's files can be mapped as far as they can be opened", survives, user, 'through', ['files'])
test.serial('a descriptor that was opened with more rights keeps them', survives, user, 'through', ['descriptors'])
