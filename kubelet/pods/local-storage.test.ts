import assert from 'node:assert/strict'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { diskUsage } from '../volumes/disk-usage.ts'
import { hasStorageLimits, storageVerdict } from './local-storage.ts'

const limited = (name: string, limit?: string) => ({ name, resources: limit ? { limits: { 'ephemeral-storage': limit } } : {} })
const podOf = (containers: object[], volumes: object[] = []): Pod =>
  ({ metadata: { name: 'p' }, spec: { containers, volumes }, status: {} }) as unknown as Pod
const use = (containers: Record<string, number>, volumes: Record<string, number> = {}) => ({
  containers: new Map(Object.entries(containers)),
  volumes: new Map(Object.entries(volumes)),
})
const MI = 2 ** 20

test('storage: volumes first, then the pod with all it has, then each container', () => {
  const volumes = [
    { name: 'v', emptyDir: { sizeLimit: '1Mi' } },
    { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
  ]
  const pod = podOf([limited('a', '2Mi'), limited('b', '4Mi'), limited('c')], volumes)
  const said = (...[containers, inVolumes]: Parameters<typeof use>) => storageVerdict(pod, use(containers, inVolumes))?.message
  assert.equal(said({ a: MI, b: MI }, { v: MI }), undefined)
  assert.equal(said({ a: 9 * MI }, { v: MI + 1 }), 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ')
  assert.equal(said({ a: MI, c: 5 * MI }, { v: MI }), 'Pod ephemeral local storage usage exceeds the total limit of containers 6Mi. ')
  assert.equal(said({ a: 3 * MI }), 'Container a exceeded its local ephemeral storage limit "2Mi". ')
  assert.deepEqual([podOf([limited('a')], [volumes[1] ?? {}]), pod].map(hasStorageLimits), [false, true])
})

test('storage is counted in blocks, a file of two names once, a link not at all beyond itself', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const empty = await diskUsage(folder)
  mkdirSync(join(folder, 'deep'))
  writeFileSync(join(folder, 'deep', 'file'), Buffer.alloc(MI, 1))
  const once = await diskUsage(folder)
  assert.ok(once >= MI + empty && once < MI + empty + 64 * 1024, `${once}`)
  linkSync(join(folder, 'deep', 'file'), join(folder, 'again'))
  symlinkSync('/usr', join(folder, 'away'))
  assert.ok((await diskUsage(folder)) < once + 64 * 1024)
})
