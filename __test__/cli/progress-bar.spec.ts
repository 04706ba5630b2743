import test from 'ava'
import { ProgressBar } from '../../lib/cli/progress-bar.js'

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

/** Runs work with a clock under the control of the test, so that a busy machine makes no difference. */
function withClock(work: (setTime: (milliseconds: number) => void) => void): void {
  let time = 0
  const { now } = performance
  Object.assign(performance, { now: () => time })
  try {
    work((milliseconds) => (time = milliseconds))
  } finally {
    Object.assign(performance, { now })
  }
}

test('the bar is drawn after one second and removed', (t) => {
  withClock((setTime) => {
    const screen = new Screen(true)
    const bar = new ProgressBar(4e9, screen as never)
    setTime(990)
    bar.show(1e9)
    t.is(screen.text, '')
    setTime(1000)
    bar.show(1e9)
    t.is(screen.text, '\r\x1b[K[#######......................] 25 %  1.0 GB/s  0:03 left')
    t.is(process.listenerCount('SIGINT'), 1)
    setTime(1090)
    bar.show(2e9)
    t.notRegex(screen.text, /50 %/)
    setTime(1110)
    screen.columns = 10
    bar.show(2e9)
    t.regex(screen.text, /\r\x1b\[K50 % {2}\d[^\r]{0,5}$/)
    bar.hide()
    t.true(screen.text.endsWith('\r\x1b[K'))
    t.is(process.listenerCount('SIGINT'), 0)
  })
})

test('without a terminal no bar is drawn', (t) => {
  withClock((setTime) => {
    const screen = new Screen(false)
    const bar = new ProgressBar(4e9, screen as never)
    setTime(2000)
    bar.show(1e9)
    bar.hide()
    t.is(screen.text, '')
  })
})
