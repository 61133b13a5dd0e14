import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Client } from '../../shared/client/client.ts'
import { notFound } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { podDirectory } from '../pods/pod-directory.ts'
import { configMap } from './config-map.ts'
import { downwardApi } from './downward-api.ts'
import { emptyDir } from './empty-dir.ts'
import { hostPath } from './host-path.ts'
import { linuxMounter, type Mounter } from './mounter.ts'
import { podVolumes } from './pod-volumes.ts'
import { projected } from './projected.ts'
import { referencedObjects } from './referenced-objects.ts'
import { secret } from './secret.ts'
import { serviceAccountTokens } from './service-account-token.ts'

const { signal } = new AbortController()

/** The API server's side: objects by name, and how often each was asked for. */
interface World {
  objects: Record<string, object>
  reads: number
  tokens: number
  now: number
  mounts: Set<string>
}

function bench(context: TestContext, mounter?: Mounter) {
  const rootDir = mkdtempSync(join(tmpdir(), 'volumes-'))
  const world: World = { objects: {}, reads: 0, tokens: 0, now: Date.parse('2026-01-01T00:00:00Z'), mounts: new Set() }
  const client = {
    async get(_version: string, kind: string, { namespace, name }: { namespace: string; name: string }) {
      world.reads++
      const object = world.objects[`${kind} ${namespace}/${name}`]
      if (!object) throw notFound({ group: '', resource: kind.toLowerCase() }, name)
      return object
    },
    async createSubresource(_version: string, _kind: string, { name }: { name: string }, _sub: string, body: unknown) {
      world.tokens++
      const { spec } = body as { spec: { audiences: string[]; expirationSeconds: number; boundObjectRef: { uid: string } } }
      const token = `${name}/${spec.audiences.join()}/${spec.boundObjectRef.uid}/${world.tokens}`
      return { spec, status: { token, expirationTimestamp: timestamp(world.now + spec.expirationSeconds * 1000) } }
    },
  } as unknown as Client
  const clock = { now: () => world.now, monotonic: () => world.now } as Clock
  const memory: Mounter = mounter ?? {
    memory: async (target) => void world.mounts.add(target),
    bind: async () => {},
    fileSystem: async (_type, _source, target) => void world.mounts.add(target),
    unmount: async (target) => void world.mounts.delete(target),
    condition: async () => 'answers',
    mountsUnder: async (path) => [...world.mounts].filter((point) => point === path || point.startsWith(`${path}/`)).reverse(),
  }
  context.after(() => rmSync(rootDir, { recursive: true, force: true }))
  const objects = referencedObjects(client, clock)
  const tokens = serviceAccountTokens(client, clock, silentLogger())
  const allocatable = () => ({ cpu: '2', memory: '1Gi' })
  const types = [
    ...[emptyDir(memory), hostPath(), configMap(objects, memory), secret(objects, memory)],
    ...[downwardApi(allocatable, memory), projected({ objects, tokens, allocatable, mounter: memory })],
  ]
  return { rootDir, world, volumes: podVolumes({ rootDir, types, mounter: memory, onTeardown: tokens.forget, log: silentLogger() }) }
}

function pod(volumes: Volume[], more: Partial<Pod['spec']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1', labels: { b: 'two "2"', a: '1' }, annotations: {} },
    spec: { containers: [{ name: 'main', resources: { limits: { cpu: '250m' } } }], volumes, ...more },
    status: {},
  } as unknown as Pod
}

const text = (path: string | undefined, ...names: string[]) => readFileSync(join(path ?? '', ...names), 'utf8')

test('a ConfigMap: all keys, listed keys, modes, optional and missing ones', async (context) => {
  const { volumes, world } = bench(context)
  world.objects['ConfigMap default/game'] = { data: { level: '7', mode: 'hard' }, binaryData: { blob: 'AAE=' } }
  const all = await volumes.prepare(pod([{ name: 'v', configMap: { name: 'game' } }]), signal)
  assert.deepEqual(
    readdirSync(all.get('v')?.hostPath ?? '')
      .filter((name) => !name.startsWith('..'))
      .sort(),
    ['blob', 'level', 'mode'],
  )
  assert.equal(all.get('v')?.readOnly, true)
  assert.deepEqual([...readFileSync(join(all.get('v')?.hostPath ?? '', 'blob'))], [0, 1])

  const items = [{ key: 'level', path: 'conf/level.txt', mode: 0o400 }]
  const some = await volumes.prepare(pod([{ name: 'w', configMap: { name: 'game', items } }]), signal)
  assert.equal(text(some.get('w')?.hostPath, 'conf/level.txt'), '7')
  assert.equal(statSync(join(some.get('w')?.hostPath ?? '', 'conf/level.txt')).mode & 0o777, 0o400)

  const missing = (source: object) => volumes.prepare(pod([{ name: 'x', configMap: source }]), signal)
  await assert.rejects(missing({ name: 'none' }), { name: 'VolumeError', message: /volume "x" : configmap "none" not found/ })
  await assert.rejects(missing({ name: 'game', items: [{ key: 'no', path: 'no' }] }), /references non-existent key: no/)
  await missing({ name: 'none', optional: true })
  await missing({ name: 'game', items: [{ key: 'no', path: 'no' }], optional: true })
})

test('changes of a ConfigMap reach running pods; one that starts never sees an old one', async (context) => {
  const { volumes, world } = bench(context)
  const one = pod([{ name: 'v', configMap: { name: 'game' } }])
  world.objects['ConfigMap default/game'] = { data: { level: '1' } }
  const path = (await volumes.prepare(one, signal)).get('v')?.hostPath
  world.objects['ConfigMap default/game'] = { data: { level: '2' } }
  await volumes.refresh(one, 'recent', signal)
  assert.equal(text(path, 'level'), '1')
  world.now += 31_000
  await volumes.refresh(one, 'recent', signal)
  assert.equal(text(path, 'level'), '2')
  world.objects['ConfigMap default/game'] = { data: { level: '3' }, immutable: true }
  await volumes.prepare(one, signal)
  assert.equal(text(path, 'level'), '3')
  const before = world.reads
  world.now += 3_600_000
  await volumes.refresh(one, 'recent', signal)
  assert.equal(world.reads, before, 'an immutable object is not read again')
})

test('what was deleted under a running pod leaves its files as they were', async (context) => {
  const { volumes, world } = bench(context)
  const one = pod([{ name: 'v', secret: { secretName: 's' } }])
  world.objects['Secret default/s'] = { data: { key: 'c2VjcmV0' } }
  const path = (await volumes.prepare(one, signal)).get('v')?.hostPath
  delete world.objects['Secret default/s']
  world.now += 60_000
  await volumes.refresh(one, 'recent', signal)
  assert.equal(text(path, 'key'), 'secret')
})

test('secrets lie in memory and are taken off when the pod has gone', async (context) => {
  const { volumes, world, rootDir } = bench(context)
  world.objects['Secret default/s'] = { data: { key: 'c2VjcmV0' } }
  await volumes.prepare(pod([{ name: 'v', secret: { secretName: 's' } }]), signal)
  assert.equal(world.mounts.size, 1)
  await volumes.prepare(pod([{ name: 'v', secret: { secretName: 's' } }]), signal)
  assert.equal(world.mounts.size, 1)
  await volumes.teardown('uid-1', signal)
  assert.equal(world.mounts.size, 0)
  assert.deepEqual(readdirSync(podDirectory(rootDir, 'uid-1')), [])
  await volumes.teardown('never-was', signal)
})

test('the service account folder: token, authority, namespace; the token is renewed in time and kept until then', async (context) => {
  const { volumes, world } = bench(context)
  world.objects['ConfigMap default/kube-root-ca.crt'] = { data: { 'ca.crt': 'PEM' } }
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ]
  const one = pod([{ name: 'api', projected: { sources } }], { serviceAccountName: 'robot' })
  const path = (await volumes.prepare(one, signal)).get('api')?.hostPath
  assert.deepEqual([text(path, 'token'), text(path, 'ca.crt'), text(path, 'namespace')], ['robot//uid-1/1', 'PEM', 'default'])
  world.now += 2_800_000
  await volumes.refresh(one, 'recent', signal)
  assert.equal(text(path, 'token'), 'robot//uid-1/1')
  world.now += 100_000
  await volumes.refresh(one, 'recent', signal)
  assert.equal(text(path, 'token'), 'robot//uid-1/2')
})

test('the downward API: maps sorted and quoted, one key, amounts rounded up, the node where there is no limit', async (context) => {
  const { volumes } = bench(context)
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'b', fieldRef: { fieldPath: "metadata.labels['b']" } },
    { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '0' } },
    { path: 'millis', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
    { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' } },
  ]
  const path = (await volumes.prepare(pod([{ name: 'v', downwardAPI: { items } }]), signal)).get('v')?.hostPath
  assert.equal(text(path, 'labels'), 'a="1"\nb="two \\"2\\""')
  assert.deepEqual(
    items.slice(1).map((item) => text(path, item.path)),
    ['two "2"', '1', '250', '1024'],
  )
  const bad = { path: 'x', resourceFieldRef: { containerName: 'other', resource: 'limits.cpu', divisor: '0' } }
  await assert.rejects(volumes.prepare(pod([{ name: 'v', downwardAPI: { items: [bad] } }]), signal), /container "other" not found/)
})

test('an fsGroup owns what is written', { skip: process.getuid?.() !== 0 && 'changing owners needs root' }, async (context) => {
  const { volumes, world } = bench(context)
  world.objects['ConfigMap default/game'] = { data: { level: '7' } }
  const list = [
    { name: 'v', configMap: { name: 'game', defaultMode: 0o400 } },
    { name: 'e', emptyDir: {} },
    { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
  ]
  const security = { securityContext: { fsGroup: 4321, runAsUser: 1234 } } as Partial<Pod['spec']>
  const made = await volumes.prepare(pod(list, security), signal)
  const of = (volume: string, ...names: string[]) => statSync(join(made.get(volume)?.hostPath ?? '', ...names))
  assert.deepEqual([of('v', 'level').gid, of('v', 'level').mode & 0o777], [4321, 0o440])
  assert.deepEqual([of('e').gid, of('e').mode & 0o7777], [4321, 0o2777])
  assert.deepEqual([of('t', 'token').uid, of('t', 'token').gid, of('t', 'token').mode & 0o777], [1234, 4321, 0o640])
})

test('host paths are checked against their type and never deleted', async (context) => {
  const { volumes, rootDir } = bench(context)
  const at = (name: string) => join(rootDir, 'host', name)
  mkdirSync(at('dir'), { recursive: true })
  writeFileSync(at('file'), 'x')
  const socket = createServer().listen(at('socket'))
  await new Promise((resolve) => socket.once('listening', resolve))
  context.after(() => socket.close())
  const use = async (path: string, type?: string) => {
    const made = await volumes.prepare(pod([{ name: 'h', hostPath: { path, ...(type === undefined ? {} : { type }) } }]), signal)
    return made.get('h')?.hostPath
  }
  assert.equal(await use(at('dir'), 'Directory'), at('dir'))
  assert.equal(await use(at('file'), 'File'), at('file'))
  assert.equal(await use(at('socket'), 'Socket'), at('socket'))
  assert.equal(await use('/dev/null', 'CharDevice'), '/dev/null')
  await use(at('made/deep'), 'DirectoryOrCreate')
  await use(at('made/file'), 'FileOrCreate')
  assert.ok(statSync(at('made/file')).isFile() && statSync(at('made/deep')).isDirectory())
  for (const [path, type] of [
    ['file', 'Directory'],
    ['dir', 'File'],
    ['none', 'Directory'],
    ['dir', 'BlockDevice'],
    ['file', 'DirectoryOrCreate'],
  ]) {
    await assert.rejects(use(at(path ?? ''), type), /hostPath type check failed|EEXIST/)
  }
  await assert.rejects(use(`${at('dir')}/../file`), /must not contain/)
  await volumes.teardown('uid-1', signal)
  assert.ok(statSync(at('file')).isFile())
})

test('what this node cannot mount is said by name', async (context) => {
  const { volumes } = bench(context)
  const disk = { name: 'n', cephfs: { monitors: ['s'] } }
  await assert.rejects(volumes.prepare(pod([disk]), signal), /volumes of type cephfs are not supported/)
})

const canMount = process.getuid?.() === 0 || 'mounting needs root'

test('memory volumes on the real mount table: sized, kept by a second call, gone after', {
  skip: canMount !== true && canMount,
}, async (context) => {
  const { volumes } = bench(context, linuxMounter(realClock()))
  const one = pod([{ name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }])
  const path = (await volumes.prepare(one, signal)).get('m')?.hostPath ?? ''
  writeFileSync(join(path, 'kept'), 'x')
  assert.throws(() => writeFileSync(join(path, 'big'), Buffer.alloc(2 ** 21)), { code: 'ENOSPC' })
  await volumes.prepare(one, signal)
  assert.equal(text(path, 'kept'), 'x')
  await volumes.teardown('uid-1', signal)
  assert.deepEqual(await linuxMounter(realClock()).mountsUnder(path), [])
})

test('a teardown takes mounts off before it deletes, and never deletes through one', {
  skip: canMount !== true && canMount,
}, async (context) => {
  const mounter = linuxMounter(realClock())
  const { volumes, rootDir } = bench(context, mounter)
  const path = (await volumes.prepare(pod([{ name: 'e', emptyDir: {} }]), signal)).get('e')?.hostPath ?? ''
  const precious = join(rootDir, 'precious')
  for (const folder of [precious, join(path, 'inner')]) mkdirSync(folder)
  writeFileSync(join(precious, 'data'), 'x')
  await mounter.bind(precious, join(path, 'inner'), signal)
  await volumes.teardown('uid-1', signal)
  assert.equal(text(precious, 'data'), 'x')
})
