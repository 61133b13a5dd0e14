import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { Keeping } from './file-backups.ts'
import { RotatingFile } from './rotating-file.ts'

const DAY = 24 * 60 * 60 * 1000
const line = (letter: string) => Buffer.from(`${letter.repeat(39)}\n`)

async function scene(context: TestContext, keeping: Partial<Keeping> = {}, maxBytes = 100, name = 'audit.log') {
  const folder = mkdtempSync(join(tmpdir(), 'rotating-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const clock = manualClock(Date.UTC(2026, 10, 29, 12, 49, 8, 123))
  const path = join(folder, 'logs', name)
  const make = () =>
    new RotatingFile({ path, maxBytes, keeping: { maxAge: 0, maxBackups: 0, compress: false, ...keeping }, clock, log: silentLogger() })
  const file = make()
  await file.open()
  context.after(() => file.close())
  return {
    file,
    path,
    clock,
    make,
    names: () => readdirSync(join(folder, 'logs')).sort(),
    text: (name = 'audit.log') => readFileSync(join(folder, 'logs', name), 'utf8'),
  }
}

test('a file that would grow too large is put aside under the time', async (context) => {
  const { file, names, text, path } = await scene(context)
  for (const letter of 'abcde') await file.append(line(letter))
  assert.deepEqual(names(), ['audit-2026-11-29T12-49-08.123.log', 'audit-2026-11-29T12-49-08.124.log', 'audit.log'])
  assert.equal(text('audit-2026-11-29T12-49-08.123.log'), `${line('a')}${line('b')}`)
  assert.equal(text(), String(line('e')))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await file.append(Buffer.alloc(300, 'f'))
  assert.equal(text().length, 300, 'what is larger than a file has one of its own')
})

test('what was put aside is kept by number and by age, and compressed; other files are left alone', async (context) => {
  const { file, names, text, clock, path } = await scene(context, { maxBackups: 2, maxAge: 3 * DAY, compress: true }, 50)
  const others = ['audit-notes.log', 'other.log', 'audit-2026-99-99T12-49-08.123.log']
  for (const name of others) writeFileSync(join(path, '..', name), name)
  for (const letter of 'abcd') {
    await file.append(line(letter))
    await clock.advance(1000)
  }
  await file.close()
  const kept = names().filter((name) => !others.includes(name))
  assert.deepEqual(kept, ['audit-2026-11-29T12-49-10.123.log.gz', 'audit-2026-11-29T12-49-11.123.log.gz', 'audit.log'])
  assert.equal(String(gunzipSync(readFileSync(join(path, '..', kept[0]!)))), String(line('b')))
  assert.equal(text(), String(line('d')))
  await clock.advance(3 * DAY)
  await file.open()
  await file.close()
  assert.deepEqual(
    names().filter((name) => !others.includes(name)),
    ['audit.log'],
  )
  assert.equal(names().length, 4)
})

test('a file that others moved or removed is begun again; one that they cut is gone on with', async (context) => {
  const { file, text, clock, path } = await scene(context)
  await file.append(line('a'))
  renameSync(path, `${path}.1`)
  await clock.advance(1000)
  await file.append(line('b'))
  assert.deepEqual([text(), text('audit.log.1')], [String(line('b')), String(line('a'))])
  rmSync(path)
  await clock.advance(1000)
  await file.append(line('c'))
  assert.equal(text(), String(line('c')))
  writeFileSync(path, '')
  await clock.advance(1000)
  await file.append(line('d'))
  await file.append(line('e'))
  assert.equal(text(), `${line('d')}${line('e')}`)
})

test('a server that starts again goes on with its file', async (context) => {
  const { file, text, make, names } = await scene(context)
  await file.append(line('a'))
  await file.close()
  const next = make()
  await next.append(line('b'))
  await next.append(line('c'))
  await next.close()
  assert.equal(names().length, 2)
  assert.equal(text(), String(line('c')))
})

test('a file that was removed is begun again when it would be put aside', async (context) => {
  const { file, text, path } = await scene(context)
  await file.append(line('a'))
  await file.append(line('b'))
  rmSync(path)
  await file.append(line('c'))
  assert.equal(text(), String(line('c')))
})

test('a file that cannot be put aside grows on', async (context) => {
  // With the time in it, the name is longer than names can be.
  const { file, text, names } = await scene(context, {}, 100, `${'a'.repeat(240)}.log`)
  for (const letter of 'abc') await file.append(line(letter))
  assert.equal(names().length, 1)
  assert.equal(text(names()[0]), `${line('a')}${line('b')}${line('c')}`)
})
