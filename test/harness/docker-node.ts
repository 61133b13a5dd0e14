import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cniNetwork } from '../../kubelet/network/cni-network.ts'
import { createPodWorkers } from '../../kubelet/pods/create-pod-workers.ts'
import { nodeStorage } from '../../kubelet/pods/node-storage.ts'
import { createProber } from '../../kubelet/probes/create-prober.ts'
import type { ContainerRuntime } from '../../kubelet/runtime/container-runtime.ts'
import { createDockerRuntime } from '../../kubelet/runtime/docker/docker-runtime.ts'
import { manifestFolder } from '../../kubelet/static-pods/manifest-folder.ts'
import { staticPods } from '../../kubelet/static-pods/static-pods.ts'
import type { Client } from '../../shared/client/client.ts'
import { createEventRecorder } from '../../shared/client/queued-event-recorder.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'

/** Another runtime than Docker: made anew at each start of the kubelet. */
export interface OtherRuntime {
  name: string
  open(node: { name: string; rootDir: string; clock: Clock; log: Logger }): ContainerRuntime
}

/**
 * The kubelet's pod machinery over this machine's Docker engine (or another runtime) and kernel, as a part of this process. `restart` is a kubelet that
 * dies and comes back; `dispose` removes everything.
 */
export async function dockerNode(
  client: Client,
  podRange: string,
  {
    log = silentLogger(),
    socketPath = '/var/run/docker.sock',
    manifests,
    podPidsLimit,
    other,
  }: { log?: Logger; socketPath?: string; manifests?: string; podPidsLimit?: number; other?: OtherRuntime } = {},
) {
  if (!other && !existsSync(socketPath)) throw new Error(`no Docker Engine at ${socketPath}: run deploy/engine.sh first`)
  const clock = realClock()
  const random = systemRandom()
  const rootDir = await mkdtemp(join(tmpdir(), 'coxswain-kubelet-'))
  const name = `docker-${random.nameSuffix(6)}`
  const clusterDomain = 'cluster.local'

  function boot() {
    const lifetime = new AbortController()
    const { signal } = lifetime
    const pluginDirs = ['/opt/cni/bin', '/usr/lib/cni']
    const stateDir = join(rootDir, 'network')
    const configDir = join(rootDir, 'none')
    const network = cniNetwork({ configDir, pluginDirs, stateDir, podRanges: () => [podRange], mtu: 1500, clock, log })
    const runtime =
      other?.open({ name, rootDir, clock, log }) ??
      createDockerRuntime({ socketPath, nodeName: name, network, pauseImage: 'registry.k8s.io/pause:3.10', clock, log })
    const informers = createInformers({ client, clock, random, log })
    const nodes = informers.of('v1', 'Node', { fieldSelector: `metadata.name=${name}` })
    const node = () => nodes.cache.get(name)
    const events = createEventRecorder({ client, clock, random, log }, { component: 'kubelet', host: name })
    const { mounter, objects, csi, volumes, files } = nodeStorage({
      rootDir,
      nodeName: name,
      clusterDomain,
      client,
      node,
      events,
      clock,
      log,
    })
    const statics = staticPods(manifests ? [manifestFolder(manifests, { nodeName: name, every: 20_000, clock, log })] : [], log)
    const workers = createPodWorkers({
      statics,
      ...{ nodeName: name, runtime, runtimeName: other?.name ?? 'docker', client, informers, events, node, objects, clock, log, signal },
      ...{ volumes, files },
      prober: createProber({ runtime, events, clock, log }),
      clusterDns: { servers: ['10.96.0.10'], domain: clusterDomain },
      podPidsLimit,
      nodeDns: () => ({ servers: ['192.0.2.53'], searches: [], options: [] }),
      hostIPs: () => ['127.0.0.1'],
      memoryBytes: 2 ** 33,
    })
    informers.start(signal)
    workers.start()
    void statics.run(signal)
    void csi.run(signal)
    const stop = async () => {
      lifetime.abort(new Error('the kubelet stops'))
      await workers.idle()
      await events.flush()
    }
    return { runtime, workers, volumes, mounter, stop }
  }

  let running = boot()
  return {
    ...{ name, rootDir, clock },
    get runtime() {
      return running.runtime
    },
    get volumes() {
      return running.volumes
    },
    async restart(whileAway: () => Promise<void> = async () => {}) {
      await running.stop()
      await whileAway()
      running = boot()
    },
    /** Its Node, and the account that pods of the namespace `default` have. */
    async register() {
      const amounts = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '10Gi' }
      await client.create('v1', 'Node', { metadata: { name }, status: { capacity: amounts, allocatable: amounts } })
      await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
    },
    async dispose() {
      await running.stop()
      const { signal } = new AbortController()
      for (const { id } of await running.runtime.listContainers({}, signal)) await running.runtime.removeContainer(id, signal)
      for (const { id } of await running.runtime.listSandboxes({}, signal)) await running.runtime.removeSandbox(id, signal)
      const { mounter } = running
      for (const path of await mounter.mountsUnder(rootDir)) await mounter.unmount(path, signal)
      await rm(rootDir, { recursive: true, force: true })
    },
  }
}
