import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Payload, writePayload } from './atomic-files.ts'

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'atomic-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}
const files = (texts: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(texts).map(([path, text]) => [path, { content: Buffer.from(text), mode }]))
const nobody = async () => {}
const visible = (path: string) =>
  readdirSync(path)
    .filter((name) => !name.startsWith('..'))
    .sort()

test('all files change with one link, and what is gone goes', async (context) => {
  const path = folder(context)
  assert.equal(await writePayload(path, files({ a: '1', 'sub/deep/b': '2' }), nobody), true)
  assert.deepEqual(visible(path), ['a', 'sub'])
  assert.equal(readFileSync(join(path, 'sub/deep/b'), 'utf8'), '2')
  const first = readlinkSync(join(path, '..data'))
  assert.equal(readlinkSync(join(path, 'a')), '..data/a')

  assert.equal(await writePayload(path, files({ a: '1', 'sub/deep/b': '2' }), nobody), false)
  assert.equal(readlinkSync(join(path, '..data')), first)

  assert.equal(await writePayload(path, files({ a: 'new', c: '3' }), nobody), true)
  assert.deepEqual(visible(path), ['a', 'c'])
  assert.equal(readFileSync(join(path, 'a'), 'utf8'), 'new')
  assert.deepEqual(readdirSync(path).filter((name) => name.startsWith('..') && name !== '..data').length, 1)
})

test('modes are exact whatever the umask; the owner is set before anything can be seen', async (context) => {
  const path = folder(context)
  let seen: string[] = []
  const previous = process.umask(0o077)
  try {
    await writePayload(path, files({ key: 'x' }, 0o664), async (made) => {
      seen = readdirSync(path).filter((name) => name === '..data' || name === 'key')
      assert.deepEqual(readdirSync(made), ['key'])
    })
  } finally {
    process.umask(previous)
  }
  assert.deepEqual(seen, [])
  assert.equal(statSync(join(path, 'key')).mode & 0o777, 0o664)
})

test('a run that died half-way is finished by the next', async (context) => {
  const path = folder(context)
  await writePayload(path, files({ a: '1', b: '2' }), nobody)
  rmSync(join(path, 'b'))
  symlinkSync('nowhere', join(path, '..data_tmp'))
  assert.equal(await writePayload(path, files({ a: '1', b: '2' }), nobody), false)
  assert.equal(readFileSync(join(path, 'b'), 'utf8'), '2')
  assert.equal(await writePayload(path, files({ a: '9' }), nobody), true)
  assert.deepEqual(
    readdirSync(path).filter((name) => name === '..data_tmp'),
    [],
  )
})

test('an empty payload is a folder without files', async (context) => {
  const path = folder(context)
  assert.equal(await writePayload(path, files({}), nobody), true)
  assert.deepEqual(visible(path), [])
})

for (const bad of ['../x', '/x', 'a/../../x', '..data', '..x/y', '', 'a//b', 'a\0b']) {
  test(`a path that leaves the folder or hides in it is refused: ${JSON.stringify(bad)}`, async (context) => {
    const path = folder(context)
    await assert.rejects(writePayload(path, files({ [bad]: 'x' }), nobody), /invalid path/)
    assert.deepEqual(readdirSync(path), [])
  })
}
