import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { settings } from '../../kubelet/config.ts'
import { createKubelet } from '../../kubelet/create-kubelet.ts'
import { createDockerRuntime } from '../../kubelet/runtime/docker/docker-runtime.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'

const manifest = (text: string) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'alone' } },
    spec: {
      ...{ hostNetwork: true, terminationGracePeriodSeconds: 2 },
      containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', `echo ${text}; sleep 1000`] }],
    },
  })

test('a kubelet that never gets to a cluster runs its static pods on Docker, and adopts them when it comes back', async (context) => {
  const [clock, random, log] = [realClock(), systemRandom(), silentLogger()]
  const rootDir = mkdtempSync(join(tmpdir(), 'coxswain-alone-'))
  const manifests = join(rootDir, 'manifests')
  mkdirSync(manifests)
  const put = (text: string) => {
    const file = join(manifests, 'alone.json')
    writeFileSync(file, manifest(text))
    utimesSync(file, 1, 1)
  }
  const nodeName = `alone-${random.nameSuffix(6)}`
  const args = [`--node-name=${nodeName}`, `--root-dir=${rootDir}`, `--kubeconfig=${join(rootDir, 'none.kubeconfig')}`]
  args.push(
    `--pod-manifest-path=${manifests}`,
    `--network-state-dir=${join(rootDir, 'network')}`,
    '--health-port=0',
    '--node-ip=127.0.0.1',
    '--eviction-hard=',
  )
  const config = readConfig({ name: 'kubelet', summary: '' }, settings, { args, env: {} })
  const { signal } = new AbortController()
  const network = {
    problem: async () => undefined,
    attach: async () => [],
    detach: async () => {},
    addresses: async () => [],
    reclaim: async () => {},
  }
  const runtime = createDockerRuntime({
    ...{ socketPath: config.dockerSocket, nodeName, network, pauseImage: config.pauseImage, clock, log },
  })
  let kubelet = createKubelet(config, { clock, random, log })
  let starting = kubelet.start()
  context.after(async () => {
    await kubelet.stop()
    await starting
    for (const { id } of await runtime.listContainers({}, signal)) await runtime.removeContainer(id, signal)
    for (const { id } of await runtime.listSandboxes({}, signal)) await runtime.removeSandbox(id, signal)
    rmSync(rootDir, { recursive: true })
  })
  const running = async (isRight: (ids: string[]) => boolean) => {
    for (;;) {
      const all = await runtime.listContainers({}, signal)
      const ids = all.filter(({ state }) => state === 'running').map(({ id }) => id)
      if (isRight(ids)) return ids
      await clock.sleep(100)
    }
  }

  put('one')
  const [first] = await running((ids) => ids.length === 1)
  await kubelet.stop()
  await starting
  assert.deepEqual(await running(() => true), [first], 'it runs on without a kubelet')
  kubelet = createKubelet(config, { clock, random, log })
  starting = kubelet.start()
  // Restarted under the next number: it is looked after as what it was.
  await runtime.stopContainer(first ?? '', 0, signal)
  const [again] = await running((ids) => ids.length === 1 && ids[0] !== first)
  const status = await runtime.containerStatus(again ?? '', signal)
  assert.equal(status?.attempt, 1)
  put('two')
  await running((ids) => ids.length === 1 && ids[0] !== again)
  rmSync(join(manifests, 'alone.json'))
  await running((ids) => ids.length === 0)
})
