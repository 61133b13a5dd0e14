import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFileServers, findingOf } from './check-file-servers.ts'

test('a kernel mounts file servers if it has the client, or a module of it; else the finding says what will wait', async () => {
  const without = 'nodev\ttmpfs\n\text4\nnodev\tnfsd\n'
  assert.equal(findingOf(`${without}nodev\tnfs4\n`, false).state, 'good')
  assert.equal(findingOf(without, true).state, 'good')
  const { state, text, cure } = findingOf(without, false)
  assert.equal(state, 'warning')
  assert.match(`${text} ${cure}`, /pods with volumes of file servers will wait.*CONFIG_NFS_FS/)
  assert.equal((await checkFileServers()).length, 1)
})
