import { createPodWorkers } from '../../kubelet/pods/create-pod-workers.ts'
import type { PodWorkers } from '../../kubelet/pods/pod-workers.ts'
import { createProber } from '../../kubelet/probes/create-prober.ts'
import { createSimulatedRuntime, type SimulatedRuntime, type SimulatedRuntimeOptions } from '../../kubelet/runtime/simulated-runtime.ts'
import type { SimulatedState } from '../../kubelet/runtime/simulated-state.ts'
import type { StaticPods } from '../../kubelet/static-pods/static-pods.ts'
import { referencedObjects } from '../../kubelet/volumes/referenced-objects.ts'
import type { PodVolumes } from '../../kubelet/volumes/volume.ts'
import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import type { ProcessTools, Service } from '../../shared/process/run.ts'

export interface SimulatedNodeOptions {
  name: string
  client: Client
  tools: Pick<ProcessTools, 'clock' | 'random' | 'log'>
  events: EventRecorder
  runtime?: Partial<SimulatedRuntimeOptions> | undefined
  volumes?: PodVolumes
  statics?: StaticPods | undefined
  pressure?: () => ReadonlySet<'memory' | 'disk' | 'pid'>
  isShuttingDown?: () => boolean
  address?: string
}

export interface SimulatedNode extends Service {
  readonly runtime: SimulatedRuntime
  readonly workers: PodWorkers
  /** What the engine remembers; give it to the next node of the name to play a restart of the kubelet. */
  readonly state: SimulatedState
}

/** The kubelet's pod machinery over a runtime that runs nothing. Node object and lease are the caller's. */
export function simulatedNode(options: SimulatedNodeOptions): SimulatedNode {
  const { name, client, events } = options
  const { clock, random, log } = options.tools
  const lifetime = new AbortController()
  const { signal } = lifetime
  const runtime = createSimulatedRuntime({ clock, ...options.runtime })
  const informers = createInformers({ client, clock, random, log })
  const nodes = informers.of('v1', 'Node', { fieldSelector: `metadata.name=${name}` })
  const workers = createPodWorkers({
    nodeName: name,
    runtime,
    runtimeName: 'simulated',
    volumes: options.volumes ?? {
      prepare: async () => new Map(),
      refresh: async () => {},
      usage: async () => new Map(),
      teardown: async () => {},
    },
    files: { mounts: async () => ({ mounts: [], messageFile: '' }), remove: async () => {}, podsOnDisk: async () => [] },
    prober: createProber({ runtime, events, clock, log }),
    objects: referencedObjects(client, clock),
    client,
    informers,
    statics: options.statics,
    ...(options.pressure ? { pressure: options.pressure } : {}),
    isShuttingDown: options.isShuttingDown,
    events,
    node: () => nodes.cache.get(name),
    clusterDns: { servers: [], domain: 'cluster.local' },
    nodeDns: () => ({ servers: [], searches: [], options: [] }),
    hostIPs: () => [options.address ?? '192.0.2.7'],
    memoryBytes: 8 * 2 ** 30,
    clock,
    log,
    signal,
  })
  return {
    runtime,
    workers,
    state: runtime.state,
    async start() {
      workers.start()
      void options.statics?.run(signal)
      informers.start(signal)
      await informers.whenSynced(signal)
    },
    async stop() {
      lifetime.abort(new Error('the node stops'))
      await workers.idle()
    },
  }
}
