import { PassThrough } from 'node:stream'
import type { Clock } from '../../shared/time/clock.ts'
import { parseImageReference } from '../images/image-reference.ts'
import {
  type ContainerRuntime,
  type ContainerStatus,
  type PodFilter,
  RuntimeError,
  type RuntimeEvent,
  type SandboxConfig,
  type SandboxStatus,
} from './container-runtime.ts'
import type { Script } from './simulated-behaviour.ts'
import { simulatedSessions } from './simulated-sessions.ts'
import { emptySimulatedState, type SimulatedContainer, type SimulatedState } from './simulated-state.ts'

export interface SimulatedRuntimeOptions {
  clock: Clock
  /** First two parts of pod addresses, e.g. `10.244`. */
  addressPrefix?: string | undefined
  script?: Script | undefined
  /** Handed to the next runtime, this is what an engine remembers while its kubelet restarts. */
  state?: SimulatedState | undefined
  /** Milliseconds a sandbox takes. */
  sandboxMilliseconds?: number | undefined
  /** Milliseconds a pull takes, or why it fails. */
  pull?: ((reference: string) => number | RuntimeError) | undefined
}

export interface SimulatedRuntime extends ContainerRuntime {
  readonly state: SimulatedState
  /** The container ends now, as if its process had. */
  crash(containerId: string, exitCode: number): void
  /** Everything ends at once, as on a machine that loses power. */
  powerCut(): void
}

/** What a process ended by KILL reports. */
const KILLED = 137

/** A runtime that runs nothing: containers live and die on the clock, by a script. Made for tests and for thousands of nodes. */
export function createSimulatedRuntime(options: SimulatedRuntimeOptions): SimulatedRuntime {
  const { clock, script = () => ({}), state = emptySimulatedState() } = options
  const listeners = new Set<(event: RuntimeEvent) => void>()

  const tell = (what: RuntimeEvent['what'], sandboxId: string, containerId?: string, podUid?: string) => {
    for (const listener of listeners) listener({ what, sandboxId, containerId, podUid })
  }
  const nextId = (kind: string) => `${kind}-${String(state.next++).padStart(8, '0')}`
  const nextAddress = () => {
    const number = state.next++ % 65_000
    return `${options.addressPrefix ?? '10.244'}.${Math.floor(number / 250)}.${(number % 250) + 2}`
  }

  function finish(container: SimulatedContainer, exitCode: number, oomKilled = false): void {
    if (container.status.state !== 'running') return
    container.end?.cancel()
    const reason = oomKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error'
    container.status = { ...container.status, state: 'exited', exitCode, reason, finishedAt: clock.now() }
    wake(container)
    if (oomKilled) tell('oom', container.status.sandboxId, container.status.id, container.podUid)
    tell('died', container.status.sandboxId, container.status.id, container.podUid)
  }

  async function runSandbox(config: SandboxConfig, signal: AbortSignal): Promise<SandboxStatus> {
    if (options.sandboxMilliseconds) await clock.sleep(options.sandboxMilliseconds, signal)
    signal.throwIfAborted()
    const { pod, attempt, labels, runtimeHandler = 'runc' } = config
    if (runtimeHandler !== 'runc') throw new RuntimeError('CreatePodSandboxError', `unknown or invalid runtime name: ${runtimeHandler}`)
    const ips = config.hostNetwork ? [] : [nextAddress()]
    const status: SandboxStatus = { id: nextId('sandbox'), state: 'ready', attempt, pod, createdAt: clock.now(), ips, labels }
    state.sandboxes.set(status.id, status)
    tell('started', status.id, undefined, pod.uid)
    return status
  }

  async function startContainer(id: string, signal: AbortSignal): Promise<void> {
    const container = state.containers.get(id)
    if (!container) throw new RuntimeError('RunContainerError', `container ${id} is gone`)
    if (container.status.state !== 'created') return
    const { behaviour } = container
    if (behaviour.startMilliseconds) await clock.sleep(behaviour.startMilliseconds, signal)
    if (behaviour.startError !== undefined) {
      const message = behaviour.startError
      container.status = { ...container.status, state: 'exited', exitCode: 128, reason: 'StartError', message, finishedAt: clock.now() }
      throw new RuntimeError('RunContainerError', message)
    }
    container.status = { ...container.status, state: 'running', startedAt: clock.now() }
    for (const line of behaviour.output?.match(/[^\n]*\n|[^\n]+$/g) ?? []) container.log.push({ at: clock.now(), text: line })
    tell('started', container.status.sandboxId, id, container.podUid)
    const { runsFor, exitCode = 0, oomKilled = false } = behaviour
    if (runsFor !== undefined) container.end = clock.after(runsFor, () => finish(container, exitCode, oomKilled))
  }

  async function stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const container = state.containers.get(id)
    if (container?.status.state !== 'running') return
    if (!container.behaviour.ignoresTerm && graceSeconds > 0) return finish(container, 0)
    if (graceSeconds > 0) await clock.sleep(graceSeconds * 1000, signal)
    finish(container, KILLED)
  }

  function stopSandbox(id: string): void {
    const sandbox = state.sandboxes.get(id)
    if (!sandbox || sandbox.state === 'notReady') return
    state.sandboxes.set(id, { ...sandbox, state: 'notReady', ips: [] })
    tell('died', id, undefined, sandbox.pod.uid)
  }

  return {
    state,
    crash: (id, exitCode) => {
      const container = state.containers.get(id)
      if (container) finish(container, exitCode)
    },
    powerCut() {
      for (const container of state.containers.values()) finish(container, KILLED)
      for (const id of state.sandboxes.keys()) stopSandbox(id)
    },
    version: async () => ({ name: 'simulated', version: '1.0.0', apiVersion: '1.0.0' }),
    runSandbox,
    stopSandbox: async (id) => stopSandbox(id),
    async removeSandbox(id) {
      stopSandbox(id)
      state.sandboxes.delete(id)
      // As CRI has it; what a pod must remember is not to be left to others.
      for (const [containerId, { status }] of state.containers) if (status.sandboxId === id) state.containers.delete(containerId)
    },
    async listSandboxes({ podUid }) {
      const found = [...state.sandboxes.values()].filter(({ pod }) => podUid === undefined || pod.uid === podUid)
      return found.sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt)
    },
    async createContainer(sandboxId, config) {
      const sandbox = state.sandboxes.get(sandboxId)
      if (!sandbox) throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is gone`)
      const { name, attempt, image, labels } = config
      const imageId = state.images.get(image)?.id ?? `sha256:${image}`
      const id = nextId('container')
      const podUid = sandbox.pod.uid
      const status: ContainerStatus = {
        id,
        sandboxId,
        podUid,
        name,
        attempt,
        state: 'created',
        image,
        imageId,
        createdAt: clock.now(),
        resources: config.resources,
        labels,
      }
      const behaviour = script(config, sandbox.pod)
      state.containers.set(id, { status, config, podUid, behaviour, log: [], watchers: new Set() })
      return id
    },
    startContainer,
    async updateContainer(id, limits) {
      const container = state.containers.get(id)
      if (!container) return
      const known = Object.entries(limits).filter(([, value]) => value !== undefined)
      container.status = { ...container.status, resources: { ...container.status.resources, ...Object.fromEntries(known) } }
    },
    stopContainer,
    async removeContainer(id) {
      const container = state.containers.get(id)
      if (!container) return
      finish(container, KILLED)
      state.containers.delete(id)
      wake(container)
      tell('removed', container.status.sandboxId, id, container.podUid)
    },
    async listContainers({ podUid }: PodFilter) {
      const found = [...state.containers.values()].filter((one) => podUid === undefined || one.podUid === podUid)
      const newestFirst = (a: ContainerStatus, b: ContainerStatus) => a.name.localeCompare(b.name) || b.attempt - a.attempt
      return found.map(({ status }) => status).sort(newestFirst)
    },
    containerStatus: async (id) => state.containers.get(id)?.status,
    ...simulatedSessions((id) => state.containers.get(id), finish, clock),
    async connectPort() {
      return new PassThrough()
    },
    writtenBytes: async () => 0,
    async stats(id) {
      const container = state.containers.get(id)
      if (container?.status.state !== 'running') return undefined
      const cpuNanoseconds = BigInt(clock.now() - (container.status.startedAt ?? 0)) * 1_000_000n + 1n
      return { containerId: id, cpuNanoseconds, memoryBytes: 1 << 20, workingSetBytes: 1 << 20, measuredAt: clock.now() }
    },
    async listImages() {
      return [...state.images].map(([tag, { id, sizeBytes }]) => ({ id, tags: [tag], digests: [], sizeBytes }))
    },
    async imageStatus(reference) {
      const image = state.images.get(reference)
      return image && { ...image, tags: [reference], digests: [] }
    },
    async pullImage(reference, _credentials, signal) {
      if (!parseImageReference(reference)) throw new RuntimeError('InvalidImageName', `${reference} is no image name`)
      const outcome = options.pull?.(reference) ?? 0
      if (outcome instanceof RuntimeError) throw outcome
      if (outcome > 0) await clock.sleep(outcome, signal)
      const image = { id: `sha256:${reference}`, sizeBytes: 1 << 20 }
      state.images.set(reference, image)
      return { ...image, tags: [reference], digests: [] }
    },
    async removeImage(id) {
      for (const [tag, image] of state.images) if (tag === id || image.id === id) state.images.delete(tag)
    },
    events(listener, signal) {
      if (signal.aborted) return
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
      listener({ what: 'reconnected', sandboxId: undefined, containerId: undefined, podUid: undefined })
    },
  }
}

function wake(container: SimulatedContainer): void {
  for (const watcher of [...container.watchers]) watcher()
}
