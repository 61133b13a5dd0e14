import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { after, before, describe, it, type TestContext } from 'node:test'
import { dockerClient } from '../../kubelet/runtime/docker/docker-client.ts'
import type { Client, Draft } from '../../shared/client/client.ts'
import type { Pod, Volume, VolumeDevice, VolumeMount } from '../../shared/openapi/generated/core-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { dockerNode } from '../harness/docker-node.ts'
import { eventually } from '../harness/eventually.ts'
import { loopDevice } from '../harness/loop-device.ts'

const namespace = 'default'
/** A file of the volume's top, one a folder down and one two folders down. */
const PLACES = ['top', 'one/file', 'one/two/file']

/** A way to have a volume, and how what it shows changes. */
interface Row {
  type: string
  volume(who: string, host: string): Omit<Volume, 'name'>
  /** Of the API: containers read it. Otherwise they write it. */
  shows?: 'config' | 'secret' | 'label'
}

const items = PLACES.map((path) => ({ key: 'text', path }))
const labels = PLACES.map((path) => ({ path, fieldRef: { fieldPath: "metadata.labels['text']" } }))
const rows: readonly Row[] = [
  { type: 'emptyDir', volume: () => ({ emptyDir: {} }) },
  { type: 'memory', volume: () => ({ emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } }) },
  { type: 'hostPath', volume: (_who, host) => ({ hostPath: { path: host, type: 'Directory' } }) },
  { type: 'configMap', shows: 'config', volume: (name) => ({ configMap: { name, items } }) },
  { type: 'secret', shows: 'secret', volume: (secretName) => ({ secret: { secretName, items } }) },
  { type: 'downwardAPI', shows: 'label', volume: () => ({ downwardAPI: { items: labels } }) },
  { type: 'projected', shows: 'config', volume: (name) => ({ projected: { sources: [{ configMap: { name, items } }] } }) },
]

/** Whole, one folder down, two folders down, and a single file. */
const parts = [
  { part: 'whole', subPath: '', file: 'top' },
  { part: 'one', subPath: 'one', file: 'file' },
  { part: 'two', subPath: 'one/two', file: 'file' },
  { part: 'file', subPath: 'one/two/file', file: '' },
] as const

const users = [
  { who: 'root', security: {} },
  { who: 'user', security: { runAsUser: 1000, runAsGroup: 1000 } },
  { who: 'root-group', security: { fsGroup: 3000 } },
  { who: 'user-group', security: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 3000 } },
]

/** One pod for each sort of user mounts every type in every part, lives through a change of all of them, and starts again. */
describe('volumes on a Docker engine', { concurrency: true }, () => {
  const { signal } = new AbortController()
  let api: TestApi
  let client: Client
  let node: Awaited<ReturnType<typeof dockerNode>>
  let host: string

  before(async () => {
    api = await startApi()
    client = api.client()
    node = await dockerNode(client, '10.199.75.0/24')
    host = mkdtempSync(join(tmpdir(), 'volumes-host-'))
    await node.register()
    for (const { who } of users) {
      await client.create('v1', 'ConfigMap', { metadata: { name: who }, data: { text: 'v1' } }, { namespace })
      await client.create('v1', 'Secret', { metadata: { name: who }, stringData: { text: 'v1' } }, { namespace })
    }
  })
  after(async () => {
    await node?.dispose()
    await api?.stop()
    if (host) rmSync(host, { recursive: true })
  })

  async function start(
    name: string,
    volumes: Volume[],
    volumeMounts: VolumeMount[],
    spec: Partial<Pod['spec']> = {},
    volumeDevices: VolumeDevice[] = [],
  ): Promise<Pod> {
    const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']
    const draft: Draft<Pod> = {
      metadata: { name, labels: { text: 'v1' } },
      spec: {
        ...{ nodeName: node.name, terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, volumes, ...spec },
        containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command, volumeMounts, volumeDevices }],
      },
    }
    await client.create('v1', 'Pod', draft, { namespace })
    return running(name, 0)
  }

  async function running(name: string, restarts: number): Promise<Pod> {
    const isThere = ({ status }: Pod) => {
      const [main] = status.containerStatuses ?? []
      return main?.restartCount === restarts && main.state.running !== undefined
    }
    const [pod] = await eventually(client, ['v1', 'Pod'], (pods) => pods.some(isThere), {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    })
    assert.ok(pod)
    return pod
  }

  const idOf = (pod: Pod) => (pod.status.containerStatuses?.[0]?.containerID ?? '').replace('docker://', '')

  async function run(pod: Pod, script: string): Promise<string> {
    let text = ''
    const output = () =>
      new Writable({
        write(chunk, _encoding, done) {
          text += chunk
          done()
        },
      })
    await node.runtime.exec(idOf(pod), ['sh', '-c', script], { stdout: output(), stderr: output(), tty: false, signal })
    return text
  }

  async function restart(pod: Pod, restarts: number): Promise<Pod> {
    await dockerClient('/var/run/docker.sock').call('POST', `/containers/${idOf(pod)}/kill`, { query: { signal: 'KILL' } })
    return running(pod.metadata.name ?? '', restarts)
  }

  async function change(name: string, text: string): Promise<void> {
    const merge = (body: object) => ({ type: 'merge', body }) as const
    await client.patch('v1', 'ConfigMap', { namespace, name }, merge({ data: { text } }))
    await client.patch('v1', 'Secret', { namespace, name }, merge({ stringData: { text } }))
    await client.patch('v1', 'Pod', { namespace, name }, merge({ metadata: { labels: { text } } }))
  }

  for (const { who, security } of users) {
    it(`serves ${who} all types, whole and in parts, before and after a change and a restart`, async () => {
      const ownHost = join(host, who)
      mkdirSync(ownHost, { mode: 0o755 })
      writeFileSync(join(ownHost, 'top'), '')
      const volumes = rows.map((row) => ({ name: row.type.toLowerCase(), ...row.volume(who, ownHost) }))
      const mounts = rows.flatMap((row) =>
        parts
          // A single file must be there before it can be mounted: containers write theirs later.
          .filter(({ part }) => row.shows !== undefined || part !== 'file')
          .map(({ part, subPath }) => ({
            name: row.type.toLowerCase(),
            mountPath: `/table/${row.type}/${part}`,
            ...(subPath === '' ? {} : { subPath }),
          })),
      )
      let pod = await start(who, volumes, mounts, { securityContext: security })
      const showing = rows.filter(({ shows }) => shows)
      const read = showing
        .flatMap(({ type }) =>
          parts.map(({ part, file }) => `echo ${type} ${part} $(cat /table/${type}/${file === '' ? part : `${part}/${file}`} 2>&1)`),
        )
        .join('; ')
      const shown = (text: string) => showing.flatMap(({ type }) => parts.map(({ part }) => `${type} ${part} ${text}\n`)).join('')

      // The node's folder belongs to the node: no fsGroup changes that.
      const writes = rows.filter(({ shows, type }) => shows === undefined && (type !== 'hostPath' || who.startsWith('root')))
      const write = writes.map(({ type }) => {
        return `cd /table/${type} && touch whole/top one/file two/file && mkdir whole/mine && stat -c '${type} %g %A' whole/mine one two`
      })
      const written = writes.map(({ type }) => {
        const isGiven = security.fsGroup !== undefined && type !== 'hostPath'
        const whose = (group: number, mode: string) => `${type} ${group} ${mode}\n`
        const mine = whose(isGiven ? 3000 : (security.runAsGroup ?? 0), isGiven ? 'drwxr-sr-x' : 'drwxr-xr-x')
        const made = type === 'hostPath' ? whose(0, 'drwxr-xr-x') : whose(isGiven ? 3000 : 0, isGiven ? 'drwxrwsrwx' : 'drwxrwxrwx')
        return mine + made + made
      })
      assert.equal(await run(pod, write.join('; ')), written.join(''))
      assert.equal(await run(pod, read), shown('v1'))

      await change(who, 'v2')
      pod = await restart(pod, 1)
      assert.equal(await run(pod, read), shown('v2'))
      const reread = writes.map(
        ({ type }) => `cd /table/${type} && ls whole/top one/file two/file && echo more >> two/file && cat whole/one/two/file`,
      )
      assert.equal(await run(pod, reread.join('; ')), 'one/file\ntwo/file\nwhole/top\nmore\n'.repeat(writes.length))
      await client.delete('v1', 'Pod', { namespace, name: who }, { gracePeriodSeconds: 0 })
    })
  }

  it('mounts the root of the node, as kubectl debug does, and passes mounts on as asked', async () => {
    const mounts = [
      { name: 'root', mountPath: '/host' },
      { name: 'shared', mountPath: '/shared', mountPropagation: 'None' },
    ]
    const volumes = [
      { name: 'root', hostPath: { path: '/' } },
      { name: 'shared', hostPath: { path: host } },
    ]
    const pod = await start('debugger', volumes, mounts)
    writeFileSync(join(host, 'sign'), 'of the node')
    assert.equal(await run(pod, `cat /host${host}/sign /shared/sign`), 'of the nodeof the node')
  })

  it('gives a claim that is a block device as one, and refuses to mix devices and files up', async (context) => {
    const disk = loopDevice(context as TestContext, 1 << 20)
    if (!disk) return
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeMode: 'Block' }
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: 'device' }
    const ofHost = { hostPath: { path: disk.path, type: 'BlockDevice' }, capacity: { storage: '1Mi' } }
    const draft = { metadata: { name: 'device' }, spec: { ...spec, resources: { requests: { storage: '1Mi' } }, volumeName: 'device' } }
    const claim = await client.create('v1', 'PersistentVolumeClaim', draft, { namespace })
    await client.create('v1', 'PersistentVolume', { metadata: { name: 'device' }, spec: { ...spec, ...ofHost, claimRef } })
    await client.updateStatus('v1', 'PersistentVolumeClaim', { ...claim, status: { phase: 'Bound' } })
    const volumes = [{ name: 'device', persistentVolumeClaim: { claimName: 'device' } }]
    const devices = [{ name: 'device', devicePath: '/dev/of-pod' }]
    const pod = await start('with-device', volumes, [], {}, devices)
    assert.equal(
      await run(pod, 'echo kept | dd of=/dev/of-pod conv=sync 2>/dev/null; test -b /dev/of-pod && head -c 4 /dev/of-pod'),
      'kept',
    )
    const again = await restart(pod, 1)
    assert.equal(await run(again, 'head -c 4 /dev/of-pod'), 'kept')
    const wrong = {
      name: 'main',
      image: 'busybox',
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ name: 'device', mountPath: '/files' }],
    }
    const mixed = {
      metadata: { name: 'mixed' },
      spec: { nodeName: node.name, automountServiceAccountToken: false, volumes, containers: [wrong] },
    }
    await client.create('v1', 'Pod', mixed, { namespace })
    const why = /volume device has volumeMode Block, but is specified in volumeMounts/
    const isTold = ({ status }: Pod) => why.test(status.containerStatuses?.[0]?.state?.waiting?.message ?? '')
    await eventually(client, ['v1', 'Pod'], (pods) => pods.some(isTold), { namespace, fieldSelector: 'metadata.name=mixed' })
    for (const name of ['with-device', 'mixed']) await client.delete('v1', 'Pod', { namespace, name }, { gracePeriodSeconds: 0 })
  })
})
