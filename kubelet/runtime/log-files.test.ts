import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import type { LogOptions } from './container-runtime.ts'
import type { DockerClient } from './docker/docker-client.ts'
import { dockerLogs } from './docker/docker-logs.ts'
import { LogFiles } from './log-files.ts'

const line = (text: string, number = 0) =>
  `${JSON.stringify({ log: text, stream: 'stdout', time: `2030-01-01T00:00:00.${String(number).padStart(9, '0').replace(/0+$/, '') || '0'}Z` })}\n`

/** Writes and rotates as the engine does. */
class EngineLog {
  readonly path: string
  readonly #keep: number
  constructor(path: string, keep = 5) {
    this.path = path
    this.#keep = keep
  }

  write(text: string): Promise<void> {
    return appendFile(this.path, text)
  }

  async rotate(): Promise<void> {
    await rm(`${this.path}.${this.#keep - 1}`, { force: true })
    for (let number = this.#keep - 2; number >= 1; number--) {
      await rename(`${this.path}.${number}`, `${this.path}.${number + 1}`).catch(() => {})
    }
    await rename(this.path, `${this.path}.1`)
    await writeFile(this.path, '')
  }
}

async function engineLog(context: TestContext): Promise<EngineLog> {
  const folder = await mkdtemp(join(tmpdir(), 'coxswain-log-'))
  context.after(() => rm(folder, { recursive: true }))
  const log = new EngineLog(join(folder, 'c-json.log'))
  await writeFile(log.path, '')
  return log
}

/** Reads a log through the driver; only the engine's answers are made up. */
function reading(path: string, options: Partial<LogOptions>, output: Writable) {
  const ended = Promise.withResolvers<void>()
  const docker = { call: () => ended.promise } as unknown as DockerClient
  const details = { LogPath: path, State: { Running: true } }
  const inspect = { fresh: async () => details } as never
  const logs = dockerLogs({ docker, inspect, clock: realClock() })
  const { signal } = new AbortController()
  return { end: () => ended.resolve(), done: logs('c', { follow: false, timestamps: false, ...options }, output, signal) }
}

/** A reader; a blocked one takes nothing before it is released. */
function collector({ isBlocked } = { isBlocked: false }) {
  let text = ''
  const asked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  if (!isBlocked) released.resolve()
  const output = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      asked.resolve()
      released.promise.then(() => {
        text += chunk
        done()
      })
    },
  })
  return { output, text: () => text, asked: asked.promise, release: () => released.resolve() }
}

/** Resolves when this process holds the file open that has the path now. */
async function untilOpen(path: string): Promise<void> {
  const clock = realClock()
  for (const deadline = clock.monotonic() + 20_000; clock.monotonic() < deadline; await clock.sleep(5)) {
    const open = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    if (open.includes(path)) return
  }
  throw new Error(`nobody opened ${path}`)
}

async function read(path: string, options: Partial<LogOptions>): Promise<string> {
  const { output, text } = collector()
  await reading(path, options, output).done
  return text()
}

for (const isBlocked of [false, true]) {
  test(`a log that is rotated again and again gives ${isBlocked ? 'a slow' : 'a quick'} follower every line once, in order`, async (context) => {
    const log = await engineLog(context)
    const { output, text, release } = collector({ isBlocked })
    const { end, done } = reading(log.path, { follow: true }, output)
    const expected: string[] = []
    for (let round = 0; round < 12; round++) {
      // The engine keeps five files and cannot fill them between two looks.
      await untilOpen(log.path)
      for (let number = 0; number < 20; number++) {
        expected.push(`${round}-${number}\n`)
        await log.write(line(expected.at(-1)!))
      }
      await log.rotate()
    }
    expected.push('the last\n')
    await log.write(line('the last\n'))
    end()
    release()
    await done
    assert.equal(text(), expected.join(''))
  })
}

test('a log over several files: all, the last lines across files, since a time, half-written lines', async (context) => {
  const log = await engineLog(context)
  for (const number of [1, 2, 3]) {
    await log.write(line(`${number}a\n`, number * 10) + line(`${number}b\n`, number * 10 + 1))
    if (number < 3) await log.rotate()
  }
  assert.equal(await read(log.path, {}), '1a\n1b\n2a\n2b\n3a\n3b\n')
  assert.equal(await read(log.path, { tailLines: 3 }), '2b\n3a\n3b\n')
  assert.equal(await read(log.path, { tailLines: 0 }), '')
  assert.equal(await read(log.path, { tailLines: 100 }), '1a\n1b\n2a\n2b\n3a\n3b\n')
  assert.equal(await read(log.path, { limitBytes: 4 }), '1a\n1')
  await log.rotate()
  assert.equal(await read(log.path, { tailLines: 1 }), '3b\n', 'the newest file is empty just after a rotation')
  await log.write('{"log":"cut of')
  assert.equal(await read(log.path, { tailLines: 1 }), '3b\n')
})

for (const tailLines of [undefined, 3]) {
  test(`what is written after a question is no part of the answer: ${tailLines ?? 'all'} lines`, async (context) => {
    const log = await engineLog(context)
    const lines = Array.from({ length: 3 }, () => `${'x'.repeat(200_000)}\n`)
    await log.write(lines.map((text) => line(text)).join(''))
    const { output, text, asked, release } = collector({ isBlocked: true })
    const { done } = reading(log.path, { tailLines }, output)
    await asked // and goes on only when that is taken: most of the file is still before it
    await log.write(line('later\n'))
    release()
    await done
    assert.equal(text(), lines.join(''))
  })
}

test('times stand in front of lines, once for a long line that is kept in pieces', async (context) => {
  const log = await engineLog(context)
  await log.write(line('long ', 1) + line('line\n', 1) + line('next\n', 500_000_000))
  const wanted = '2030-01-01T00:00:00.000000001Z long line\n2030-01-01T00:00:00.500000000Z next\n'
  assert.equal(await read(log.path, { timestamps: true }), wanted)
})

test('what was rotated away unread is an error, not a gap', async (context) => {
  const log = await engineLog(context)
  const files = await LogFiles.open(log.path)
  context.after(() => files.close())
  for (let round = 0; round < 6; round++) {
    await log.write(line(`${round}\n`))
    await log.rotate()
  }
  await assert.rejects(files.refresh(), /rotated away faster than it could be read/)
})

test('a reader that goes away leaves no file open', async (context) => {
  const log = await engineLog(context)
  const open = async () => (await readdir('/proc/self/fd')).length
  const before = await open()
  const { output } = collector()
  const { done } = reading(log.path, { follow: true }, output)
  await log.write(line('x\n'))
  output.destroy()
  await done
  assert.ok((await open()) <= before)
})
