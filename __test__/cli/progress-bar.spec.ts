import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Bar } from '../../lib/cli/progress-bar.js'

// A bar.

class Screen {
  readonly isTTY: boolean
  columns = 60
  text = ''

  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }

  write(text: string): void {
    this.text += text
  }
}

test('the bar is drawn after one second and removed', (t) => {
  // A clock under the control of the test, so that a busy machine makes no difference.
  let time = 0
  const { now } = performance
  Object.assign(performance, { now: () => time })
  try {
    const screen = new Screen(true)
    const bar = new Bar(4e9, screen as never)
    time = 990
    bar.show(1e9)
    t.is(screen.text, '')
    time = 1000
    bar.show(1e9)
    t.is(screen.text, '\r\x1b[K[#######......................] 25 %  1.0 GB/s  0:03 left')
    t.is(process.listenerCount('SIGINT'), 1)
    time = 1090
    bar.show(2e9)
    t.notRegex(screen.text, /50 %/)
    time = 1110
    screen.columns = 10
    bar.show(2e9)
    t.regex(screen.text, /\r\x1b\[K50 % {2}\d[^\r]{0,5}$/)
    bar.hide()
    t.true(screen.text.endsWith('\r\x1b[K'))
    t.is(process.listenerCount('SIGINT'), 0)
  } finally {
    Object.assign(performance, { now })
  }
})

test('without a terminal no bar is drawn', async (t) => {
  const screen = new Screen(false)
  const bar = new Bar(4e9, screen as never)
  await sleep(1010)
  bar.show(1e9)
  bar.hide()
  t.is(screen.text, '')
})
