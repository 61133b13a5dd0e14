import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FolderChange } from './folder-change.ts'

/** No time passes: only a change, or the signal, ends the wait. */
const still = { after: () => ({ cancel: () => undefined }) }

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'change-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}

test('what happens after the watch began ends the wait, also if it happened before anybody waited', async (context) => {
  const path = folder(context)
  const change = new FolderChange(path)
  context.after(() => change.end())
  writeFileSync(join(path, 'a'), '')
  await change.within(1000, still, new AbortController().signal)
})

test('nobody waits whose signal has aborted before', async (context) => {
  const change = new FolderChange(folder(context))
  context.after(() => change.end())
  await change.within(1000, still, AbortSignal.abort())
})
