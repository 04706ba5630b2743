import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { canMountDisks } from '../helpers/failing-disks.js'
import { survives } from '../helpers/survive.js'

const bytes = 'torture/bytes.ts'

test.serial('every view of every mode shows the bytes that fs reads', survives, bytes, 'through', ['reads'])
test.serial('another process sees the flushed stores of every view', survives, bytes, 'through', ['written'])
test.serial('stores in modes c and r reach neither the file nor another mapping', survives, bytes, 'through', ['kept'])
test.serial('a mapping keeps its file when another is renamed over it', survives, bytes, 'through', ['replaced'])

const overlay = 'mkdir low up work disk; head -c 9999 /dev/urandom > low/file'
const mount = 'mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none disk; cd disk'
test.serial('a file of an overlay that is copied at its first write is mapped correctly', async (t) => {
  const through = ['unshare', '--mount', 'sh', '-ec', `${overlay}; ${mount}; exec "$@"`, 'sh']
  if (canMountDisks(t)) await survives.exec(t, bytes, 'through', ['copiedUp'], { through, node: ['--no-warnings'] })
})
test.serial('a file with the inode number of a deleted one is mapped correctly', survives, bytes, 'through', ['reborn'])
test.serial('a grown file is mapped with its new length, and old mappings keep theirs', survives, bytes, 'through', [
  'grown',
])

const node = ['--expose-gc', '--no-warnings']
test.serial('the collector unmaps unreferenced mappings only', survives, bytes, 'through', ['freed'], {
  node,
})

// Some package managers do not run the scripts of packages, so the package must not need any.
test('the package has no install script and no dependency', (t) => {
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
test.serial('a descriptor keeps the rights with which it was opened', survives, user, 'through', ['descriptors'])
