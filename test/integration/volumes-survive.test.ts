import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

const claim = (name: string, more = '') => `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: ${name} }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } ${more} }`

/** Says on its volume that it was there, is ready when it has, and waits. */
const pod = (name: string, volume: string, more = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  securityContext: { fsGroup: 3000 }
  volumes: [{ name: data, ${volume} }]
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'echo ${name} >>/data/log; touch /tmp/said; trap "exit 0" TERM; while :; do sleep 0.1; done']
      readinessProbe: { exec: { command: [test, -e, /tmp/said] }, periodSeconds: 1 }
      securityContext: { runAsUser: 1000, runAsGroup: 1000 }
      volumeMounts: [{ name: data, mountPath: /data ${more} }]`

const ofClaim = (name: string) => `persistentVolumeClaim: { claimName: ${name} }`
const isReady = ({ status }: Pod) => !!status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
const within = 60_000

describe('volumes of the standard class on a real node', () => {
  let node: RealNode
  const inDefault = { namespace: 'default', withinMilliseconds: within }
  const run = async (name: string, manifest: string) => {
    await node.kubectl.apply(manifest)
    await eventually(node.client, ['v1', 'Pod'], (list) => list.some((one) => one.metadata.name === name && isReady(one)), inDefault)
  }
  const remove = async (what: string) => node.kubectl.ok(`delete ${what} --timeout=60s`)
  const noPods = () => eventually(node.client, ['v1', 'Pod'], (list) => list.length === 0, inDefault)
  const volumeOf = async (name: string) => {
    const { spec } = await node.client.get('v1', 'PersistentVolumeClaim', { namespace: 'default', name })
    return node.client.get('v1', 'PersistentVolume', { name: spec.volumeName ?? '' })
  }
  const isGone = (volume: string) =>
    eventually(node.client, ['v1', 'PersistentVolume'], (list) => !list.some(({ metadata }) => metadata.name === volume), {
      withinMilliseconds: within,
    })

  before(async () => {
    node = await startRealNode('10.199.86.0/24')
    await node.joined()
  })
  after(async () => {
    await node?.dispose()
  })

  it('keep what is written through a killed kubelet and a deleted pod, and go with their claim alone', async () => {
    await node.kubectl.apply(claim('data'))
    await run('first', pod('first', ofClaim('data')))
    const volume = await volumeOf('data')
    const path = volume.spec.local?.path ?? ''
    assert.equal(path, join(node.rootDir, 'persistent-volumes', volume.metadata.name ?? ''))
    assert.equal(statSync(join(path, 'log')).gid, 3000)
    await node.stopKubelet('SIGKILL')
    writeFileSync(join(path, 'meanwhile'), 'kept')
    node.startKubelet()
    await remove('pod first')
    await run('second', pod('second', ofClaim('data'), ', subPath: deep/er'))
    assert.equal(readFileSync(join(path, 'log'), 'utf8'), 'first\n')
    assert.equal(readFileSync(join(path, 'deep/er/log'), 'utf8'), 'second\n')
    await node.kubectl.ok('delete pvc data --wait=false')
    assert.match(await node.kubectl.ok('get pvc data'), /Terminating/)
    assert.equal(readFileSync(join(path, 'meanwhile'), 'utf8'), 'kept')
    await remove('pod second')
    await isGone(volume.metadata.name ?? '')
    assert.ok(!existsSync(path))
  })

  it('are kept where the policy says Retain, though claim, pod and volume are deleted; and given back by hand', async () => {
    await node.kubectl.apply(claim('precious'))
    await run('first', pod('first', ofClaim('precious')))
    const { metadata, spec } = await volumeOf('precious')
    const name = metadata.name ?? ''
    const path = spec.local?.path ?? ''
    const body = { spec: { persistentVolumeReclaimPolicy: 'Retain' } }
    await node.client.patch('v1', 'PersistentVolume', { name }, { type: 'merge', body })
    await remove('pod/first pvc/precious')
    assert.match(await node.kubectl.ok(`get pv ${name}`), /Retain\s+Released\s+default\/precious\s+standard/)
    await remove(`pv ${name}`)
    assert.equal(readFileSync(join(path, 'log'), 'utf8'), 'first\n')
    const { claimRef: _, ...same } = spec
    await node.client.create('v1', 'PersistentVolume', {
      metadata: { name: 'again' },
      spec: { ...same, persistentVolumeReclaimPolicy: 'Retain' },
    })
    await node.kubectl.apply(claim('again', ', volumeName: again'))
    await run('second', pod('second', ofClaim('again')))
    assert.equal(readFileSync(join(path, 'log'), 'utf8'), 'first\nsecond\n')
    await remove('pod/second pvc/again pv/again')
    assert.equal(readFileSync(join(path, 'log'), 'utf8'), 'first\nsecond\n')
  })

  it("that are a pod's own come and go with it", async () => {
    const template =
      'ephemeral: { volumeClaimTemplate: { spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } } } }'
    await run('scratch', pod('scratch', template))
    const { metadata, spec } = await volumeOf('scratch-data')
    assert.equal(readFileSync(join(spec.local?.path ?? '', 'log'), 'utf8'), 'scratch\n')
    await remove('pod scratch')
    await isGone(metadata.name ?? '')
    assert.ok(!existsSync(spec.local?.path ?? ''))
    await noPods()
  })
})
