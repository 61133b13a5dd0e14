import type { Client } from '../../shared/client/client.ts'
import { silentRecorder } from '../../shared/client/event-recorder.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { createControllerRunner } from '../../shared/controller/runner.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ProcessTools } from '../../shared/process/run.ts'
import { pause } from '../../shared/time/pause.ts'
import { microTimestamp, timestamp } from '../../shared/time/timestamp.ts'
import { hasEnded, isReady } from '../pod-state.ts'
import { endedPodStatus, nodeStatus, podStatus } from './simulated-machine-status.ts'

/** What becomes of one pod on a simulated machine. */
export interface PodScript {
  /** From when the node sees the pod until it runs (and is ready, if ever). */
  startMilliseconds: number
  /** From when the node sees the deletion until the containers have ended. */
  stopMilliseconds: number
  /** False: runs and never becomes ready. */
  becomesReady: boolean
  /** When its containers end by themselves, from when they run, and how; default: never. What is restarted ends again. */
  ends?: { afterMilliseconds: number; exitCode: number } | undefined
}

export interface SimulatedMachineOptions {
  name: string
  labels?: Record<string, string>
  allocatable?: Record<string, string>
  /** A machine whose Node is there, with pods that run on it: it goes on from them, and its Node's status stays what it is. */
  adopts?: { readonly running: ReadonlyMap<string, string>; readonly usedAddresses: ReadonlySet<string> }
  /** Default: everything runs after 100 ms, ends after 50 ms. */
  script?: (pod: Pod) => Partial<PodScript>
  leaseMilliseconds?: number
  statusMilliseconds?: number
}

/** A machine with a kubelet, at the edge of what a test of controllers needs: pods are entries in a table, time is the clock's. */
export interface SimulatedMachine {
  readonly name: string
  /** Pods whose containers run here, by uid, whatever the API server believes. */
  readonly running: ReadonlyMap<string, string>
  /** Joins the cluster; resolves when the Node is registered. */
  start(): Promise<void>
  /** The kubelet falls silent and sees nothing more; the containers run on (`crash`: they do not). */
  kill(how?: 'silence' | 'crash'): Promise<void>
  /** The kubelet is there again and goes on from what runs. */
  revive(): Promise<void>
}

/** Makes one; nothing happens before `start`. `client` is the kubelet's. */
export function simulatedMachine(client: Client, tools: ProcessTools, options: SimulatedMachineOptions): SimulatedMachine {
  const running = new Map(options.adopts?.running)
  let kubelet: Kubelet | undefined
  return {
    name: options.name,
    running,
    async start() {
      kubelet = new Kubelet(client, tools, options, running)
      await kubelet.start()
    },
    async kill(how = 'silence') {
      await kubelet?.stop()
      kubelet = undefined
      if (how === 'crash') running.clear()
    },
    async revive() {
      if (!kubelet) await this.start()
    },
  }
}

/** Exit codes of what was asked to end, and of what was lost with its machine. */
const TERMINATED = 143
const KILLED = 137

/** One life of a kubelet. */
class Kubelet {
  readonly #client: Client
  readonly #tools: ProcessTools
  readonly #options: SimulatedMachineOptions
  readonly #running: Map<string, string>
  readonly #life = new AbortController()
  readonly #seen = new Map<string, number>()
  #work: Promise<unknown> = Promise.resolve()
  #podRange: string | undefined
  #hostIP: string | undefined
  #lastAddress = 1
  #hasLease = false

  constructor(client: Client, tools: ProcessTools, options: SimulatedMachineOptions, running: Map<string, string>) {
    this.#client = client
    this.#tools = tools
    this.#options = options
    this.#running = running
  }

  async start(): Promise<void> {
    const { leaseMilliseconds = 10_000, statusMilliseconds = 10_000 } = this.#options
    await this.#untilDone(() => this.#register())
    this.#work = Promise.all([
      this.#runPods(),
      this.#repeat(leaseMilliseconds, () => this.#renewLease()),
      this.#repeat(statusMilliseconds, () => this.#postStatus()),
    ])
  }

  async stop(): Promise<void> {
    this.#life.abort(new Error(`${this.#options.name} was killed`))
    await this.#work
  }

  async #register(): Promise<void> {
    const { name, labels, adopts } = this.#options
    if (adopts) return this.#postStatus()
    const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } }
    try {
      await this.#client.create('v1', 'Node', { metadata, status: this.#status(undefined) }, { signal: this.#life.signal })
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
      await this.#postStatus()
    }
  }

  #status(known: Node | undefined): Node['status'] {
    const { name, allocatable, adopts } = this.#options
    const room = adopts ? undefined : { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }
    return nodeStatus(name, room, known, this.#tools.clock.now())
  }

  /** As a kubelet does: the status is written when the server has another one, not at every look. */
  async #postStatus(): Promise<void> {
    const { signal } = this.#life
    const node = await this.#client.get('v1', 'Node', { name: this.#options.name }, { signal })
    this.#podRange = node.spec.podCIDR
    this.#hostIP = node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address
    if (isReady(node)) return
    await this.#client.updateStatus('v1', 'Node', { ...node, status: this.#status(node) }, { signal })
  }

  async #renewLease(): Promise<void> {
    const { signal } = this.#life
    const { name } = this.#options
    const namespace = 'kube-node-lease'
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestamp(this.#tools.clock.now()) }
    const renew = () => {
      const patch = { type: 'merge' as const, body: { spec } }
      return this.#client.patch('coordination.k8s.io/v1', 'Lease', { namespace, name }, patch, { signal })
    }
    // One that was deleted is made anew; at first there mostly is none.
    try {
      if (this.#hasLease) return void (await renew())
      await this.#client.create('coordination.k8s.io/v1', 'Lease', { metadata: { namespace, name }, spec }, { signal })
      this.#hasLease = true
    } catch (error) {
      this.#hasLease = hasReason(error, 'AlreadyExists')
      if (!this.#hasLease && !hasReason(error, 'NotFound')) throw error
      await this.#renewLease()
    }
  }

  async #runPods(): Promise<void> {
    const { signal } = this.#life
    const base = { ...this.#tools, client: this.#client, events: silentRecorder(), signal, metrics: new Metrics() }
    const informers = createInformers(base)
    const runner = createControllerRunner(this.#kubeletLoop(), { ...base, informers }, null)
    informers.start(signal)
    await runner.run()
  }

  #kubeletLoop() {
    return defineController<null>({
      name: 'simulated-kubelet',
      create: ({ informers, clock }) => {
        const pods = informers.of('v1', 'Pod', { fieldSelector: `spec.nodeName=${this.#options.name}` })
        return {
          watch: (enqueue) => {
            pods.onChange((key, current, previous) => {
              // Containers of a pod that is gone, or was replaced by another of its name, end.
              if (previous && previous.metadata.uid !== current?.metadata.uid) this.#running.delete(previous.metadata.uid ?? '')
              enqueue(key)
            })
            // What ran before this kubelet's life and is not known to the server any more ends too.
            void pods.whenSynced(this.#life.signal).then(
              () => {
                const known = new Set(pods.cache.list().map(({ metadata }) => metadata.uid))
                for (const uid of this.#running.keys()) if (!known.has(uid)) this.#running.delete(uid)
              },
              () => undefined, // killed before it saw anything
            )
          },
          reconcile: async (key) => {
            const pod = pods.cache.get(key)
            if (!pod) return
            if (hasEnded(pod) && (pod.metadata.deletionTimestamp === undefined || pod.metadata.deletionGracePeriodSeconds === 0)) return
            const wait = await this.#attend(pod, clock.monotonic())
            return wait === undefined ? undefined : { requeueAfterMilliseconds: wait }
          },
        }
      },
    })
  }

  /** One look at one pod; answers when to look again. */
  async #attend(pod: Pod, now: number): Promise<number | undefined> {
    const script = { startMilliseconds: 100, stopMilliseconds: 50, becomesReady: true, ...this.#options.script?.(pod) }
    const uid = pod.metadata.uid ?? ''
    const ending = pod.metadata.deletionTimestamp !== undefined
    const phase = `${uid} ${ending ? 'ends' : 'starts'}`
    const since = this.#seen.get(phase) ?? now
    this.#seen.set(phase, since)
    const due = since + (ending ? script.stopMilliseconds : script.startMilliseconds) - now
    if (ending) {
      if (this.#running.has(uid) && due > 0) return due
      this.#running.delete(uid)
      // What would not be restarted has ended, and says how before it goes.
      if (pod.spec.restartPolicy !== 'Always' && !hasEnded(pod)) await this.#reportEnd(pod, TERMINATED)
      return this.#confirmEnd(pod)
    }
    if (!this.#running.has(uid)) {
      if (pod.spec.restartPolicy === 'Never' && pod.status.phase === 'Running') return this.#reportEnd(pod, KILLED)
      if (due > 0) return due
      this.#running.set(uid, `${pod.metadata.namespace}/${pod.metadata.name}`)
    }
    await this.#report(pod, script.becomesReady)
    return script.ends && this.#end(pod, script.ends, now)
  }

  /** Containers that end by themselves: the pod has ended, too, unless they are restarted in it. Answers when to look again. */
  async #end(pod: Pod, { afterMilliseconds, exitCode }: NonNullable<PodScript['ends']>, now: number): Promise<number | undefined> {
    const uid = pod.metadata.uid ?? ''
    const since = this.#seen.get(`${uid} runs`) ?? now
    this.#seen.set(`${uid} runs`, since)
    if (since + afterMilliseconds > now) return since + afterMilliseconds - now
    const { restartPolicy } = pod.spec
    if (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0)) {
      this.#seen.set(`${uid} runs`, now)
      await this.#patchStatus(
        pod,
        podStatus(pod, {
          ready: true,
          podIP: pod.status.podIP ?? '',
          hostIP: this.#hostIP,
          at: timestamp(this.#tools.clock.now()),
          restarts: 1,
        }),
      )
      return afterMilliseconds
    }
    this.#running.delete(uid)
    await this.#reportEnd(pod, exitCode)
    return undefined
  }

  async #reportEnd(pod: Pod, exitCode: number): Promise<undefined> {
    await this.#patchStatus(pod, endedPodStatus(pod, exitCode, timestamp(this.#tools.clock.now())))
  }

  async #report(pod: Pod, ready: boolean): Promise<void> {
    const says = pod.status.conditions?.find(({ type }) => type === 'Ready')?.status
    if (pod.status.phase === 'Running' && says === (ready ? 'True' : 'False')) return
    const hostIP = this.#hostIP
    const podIP = pod.status.podIP ?? ((pod.spec.hostNetwork && hostIP) || (await this.#address()))
    await this.#patchStatus(pod, podStatus(pod, { ready, podIP, hostIP, at: timestamp(this.#tools.clock.now()) }))
  }

  async #patchStatus(pod: Pod, status: object): Promise<void> {
    const { signal } = this.#life
    const { namespace, name = '', uid } = pod.metadata
    const patch = { type: 'strategic' as const, subresource: 'status', body: { metadata: { uid }, status } }
    try {
      await this.#client.patch('v1', 'Pod', { namespace, name }, patch, { signal })
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    }
  }

  async #confirmEnd(pod: Pod): Promise<undefined> {
    const { namespace, name = '', uid } = pod.metadata
    const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal: this.#life.signal }
    try {
      await this.#client.delete('v1', 'Pod', { namespace, name }, options)
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    }
  }

  /** Addresses are counted up, as a host-local allocator does; without a pod range they are of a range that nobody has. */
  async #address(): Promise<string> {
    const { signal } = this.#life
    this.#podRange ??= (await this.#client.get('v1', 'Node', { name: this.#options.name }, { signal })).spec.podCIDR
    const base = this.#podRange?.replace(/\.\d+\/\d+$/, '') ?? '192.0.2'
    const used = this.#options.adopts?.usedAddresses
    let address: string
    let left = 253
    do {
      this.#lastAddress = (this.#lastAddress % 253) + 1
      address = `${base}.${this.#lastAddress + 1}`
    } while (used?.has(address) && --left > 0)
    return address
  }

  async #repeat(milliseconds: number, action: () => Promise<void>): Promise<void> {
    const { signal } = this.#life
    while (!signal.aborted) {
      await this.#untilDone(action)
      await pause(this.#tools.clock, milliseconds, signal) // killed: the loop ends
    }
  }

  async #untilDone(action: () => Promise<void>): Promise<void> {
    const { signal } = this.#life
    while (!signal.aborted) {
      try {
        return await action()
      } catch (error) {
        if (signal.aborted) return
        this.#tools.log.debug('the simulated kubelet tries again', { node: this.#options.name, error })
        await pause(this.#tools.clock, 200, signal) // killed: the loop ends
      }
    }
  }
}
