import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { podLimits } from '../containers/container-resources.ts'
import { sandboxConfig } from '../containers/sandbox-config.ts'
import { ImageError } from '../images/image-puller.ts'
import { type ContainerStatus, RuntimeError, type SandboxStatus } from '../runtime/container-runtime.ts'
import type { WaitingReason } from '../status/container-statuses.ts'
import { type PreparedVolume, VolumeError } from '../volumes/volume.ts'
import { instancesOf, liveSandbox, newestOf, type ObservedPod } from './observed-pod.ts'
import type { HoldStep, StartStep } from './plan-step.ts'
import { allContainers, graceSecondsOf } from './pod-containers.ts'
import type { PodPlan } from './pod-plan.ts'
import type { PodWorkerTools } from './pod-worker-tools.ts'

/** How soon a container that could not be made (a missing config map, a refused setting) is tried again. */
const CONFIG_RETRY_MILLISECONDS = 5000
/** Containers that start together share one reading of what their volumes show. */
const FRESH_MILLISECONDS = 1000
/** A restart waits no longer than this for an API server that does not answer. */
const REFRESH_PATIENCE_MILLISECONDS = 5000
/** Ended instances kept of each container, beside the newest: one, for `kubectl logs --previous`. */
const KEPT_INSTANCES = 2

interface Waiting extends WaitingReason {
  /** Milliseconds since the epoch; undefined: the plan decides. */
  retryAt?: number | undefined
}

/** Carries out the plans of one pod and remembers what stood in the way. */
export class PodActions {
  readonly #tools: PodWorkerTools
  readonly #pod: () => Pod
  readonly #waiting = new Map<string, Waiting>()
  readonly #announced = new Map<string, number>()
  #volumes: ReadonlyMap<string, PreparedVolume> | undefined
  /** When what is in the volumes was last known to be right, on the monotonic clock. */
  #volumesFreshAt = 0
  #sandboxRetryAt: number | undefined

  constructor(tools: PodWorkerTools, pod: () => Pod) {
    this.#tools = tools
    this.#pod = pod
  }

  /** Why containers are not running, for the status. */
  get waiting(): ReadonlyMap<string, WaitingReason> {
    return this.#waiting
  }

  /** When something that failed is due again. */
  retryTimes(): number[] {
    const times = [...this.#waiting.values()].map(({ retryAt }) => retryAt)
    return [...times, this.#sandboxRetryAt].filter((time) => time !== undefined)
  }

  /** Crashes count against the image that is wanted now: a new one may start at once, whatever the one that ended did. */
  restartAllowedAt({ name, image, finishedAt, createdAt }: ContainerStatus): number {
    const ended = finishedAt ?? createdAt
    const wanted = allContainers(this.#pod()).find(({ container }) => container.name === name)?.container.image ?? image
    return ended + this.#tools.crashes.delay(this.#crashKey(name, wanted), ended)
  }

  /** Containers whose back-off is running say so, in status and events. */
  noteHolds(holds: readonly HoldStep[]): void {
    const { events } = this.#tools
    const pod = this.#pod()
    const { name, namespace, uid } = pod.metadata
    for (const hold of holds) {
      const about = `${name}_${namespace}(${uid})`
      const message = `back-off ${goDuration(hold.delay)} restarting failed container=${hold.name} pod=${about}`
      this.#waiting.set(hold.name, { reason: 'CrashLoopBackOff', message })
      if (this.#announced.get(hold.name) === hold.until) continue
      this.#announced.set(hold.name, hold.until)
      events.record(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${hold.name} in pod ${about}`)
    }
  }

  /** A container that was stopped to start again has not ended, whatever its exit code and the pod's policy would mean otherwise. */
  noteRestart(container: string): void {
    if (!this.#waiting.has(container)) this.#waiting.set(container, { reason: 'ContainerCreating' })
  }

  /** What runs waits for nothing. */
  noteRunning(observed: ObservedPod): void {
    for (const name of this.#waiting.keys()) if (newestOf(observed, name)?.state === 'running') this.#waiting.delete(name)
  }

  /** False when there was nothing to do now; true when it is worth looking again. */
  async carryOut(plan: PodPlan, observed: ObservedPod, signal: AbortSignal): Promise<boolean> {
    const stopped = await this.#stop(plan, observed, signal)
    if (plan.sandbox !== 'keep') return (await this.#renewSandbox(plan, observed, signal)) || stopped
    const sandbox = liveSandbox(observed)
    const due = plan.start.filter((step) => {
      return (this.#waiting.get(step.container.name)?.retryAt ?? 0) <= this.#tools.clock.now() && this.#hasTarget(step, observed)
    })
    if (!sandbox || due.length === 0) return stopped
    const volumes = await this.#prepareVolumes(signal)
    if (!volumes) return stopped
    // One after another, as specified: an init container's or a hook's successor waits.
    for (const step of due) await this.#start(step, sandbox, volumes, observed, signal)
    await this.#prune(observed, signal)
    return true
  }

  /** An ephemeral container joins the processes of its target, so that must run; its start wakes the pod. */
  #hasTarget({ container }: StartStep, observed: ObservedPod): boolean {
    const target = container.targetContainerName
    if (!target || newestOf(observed, target)?.state === 'running') return true
    this.#waiting.set(container.name, {
      reason: 'ContainerCreating',
      message: `waiting for its target container ${JSON.stringify(target)} to run`,
    })
    return false
  }

  async #stop(plan: PodPlan, observed: ObservedPod, signal: AbortSignal): Promise<boolean> {
    const pod = this.#pod()
    const podIP = this.#podIPs(liveSandbox(observed))[0]
    const requests = plan.stop.map(({ status, message, graceSeconds }) => ({
      pod,
      container: status,
      message,
      podIP,
      graceSeconds: graceSeconds ?? graceSecondsOf(pod),
    }))
    await this.#tools.termination.stopAll(requests, signal)
    return requests.length > 0
  }

  /** A new sandbox, its volumes prepared meanwhile. False: it failed, and is due again later. */
  async #renewSandbox(plan: PodPlan, observed: ObservedPod, signal: AbortSignal): Promise<boolean> {
    const { runtime, clock, clusterDns, nodeDns, podPidsLimit, events, setbacks } = this.#tools
    const pod = this.#pod()
    const uid = pod.metadata.uid ?? ''
    if ((this.#sandboxRetryAt ?? 0) > clock.now()) return false
    if (plan.sandbox === 'replace') events.record(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    for (const { id } of observed.sandboxes) {
      // What ended in it is still to be counted and shown, and a sandbox may take that with it.
      if (observed.containers.some(({ sandboxId }) => sandboxId === id)) await runtime.stopSandbox(id, signal)
      else await runtime.removeSandbox(id, signal)
    }
    const make = async () => {
      const runtimeHandler = await this.#tools.runtimeHandler(pod, signal)
      const config = sandboxConfig(pod, plan.sandboxAttempt, clusterDns, nodeDns())
      return runtime.runSandbox({ ...config, limits: podLimits(pod, podPidsLimit), runtimeHandler }, signal)
    }
    const [sandbox, volumes] = await Promise.allSettled([make(), this.#prepareVolumes(signal)])
    signal.throwIfAborted()
    if (volumes.status === 'rejected') throw volumes.reason
    if (sandbox.status === 'fulfilled') {
      if (volumes.value) this.#succeeded(uid)
      return true
    }
    const why = sandbox.reason instanceof Error ? sandbox.reason.message : String(sandbox.reason)
    events.record(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${why}`)
    setbacks.raise(uid, clock.now())
    this.#sandboxRetryAt = clock.now() + setbacks.delay(uid, clock.now())
    return false
  }

  #succeeded(uid: string): void {
    this.#tools.setbacks.forget(uid)
    this.#sandboxRetryAt = undefined
  }

  /** Undefined when a volume cannot be had now; it is tried again later. */
  async #prepareVolumes(signal: AbortSignal): Promise<ReadonlyMap<string, PreparedVolume> | undefined> {
    const { volumes, events, setbacks, clock } = this.#tools
    const pod = this.#pod()
    if (this.#volumes) {
      await this.#refreshVolumes(pod, signal)
      return this.#volumes
    }
    const uid = pod.metadata.uid ?? ''
    if ((this.#sandboxRetryAt ?? 0) > clock.now()) return undefined
    try {
      this.#volumes = await volumes.prepare(pod, signal)
      this.#volumesFreshAt = clock.monotonic()
      this.#succeeded(uid)
      return this.#volumes
    } catch (error) {
      signal.throwIfAborted()
      const reason = error instanceof VolumeError ? error.reason : 'FailedMount'
      events.record(pod, 'Warning', reason, error instanceof Error ? error.message : String(error))
      setbacks.raise(uid, clock.now())
      this.#sandboxRetryAt = clock.now() + setbacks.delay(uid, clock.now())
      return undefined
    }
  }

  /** A container that starts sees its ConfigMaps and Secrets as they are; where they cannot be read in time, as they were. */
  async #refreshVolumes(pod: Pod, signal: AbortSignal): Promise<void> {
    const { volumes, clock } = this.#tools
    if (clock.monotonic() - this.#volumesFreshAt < FRESH_MILLISECONDS) return
    const patience = new AbortController()
    const late = Promise.withResolvers<void>()
    const timer = clock.after(REFRESH_PATIENCE_MILLISECONDS, () => {
      patience.abort(new Error('the volumes were not refreshed in time'))
      // Also when it only waits for its turn behind another refresh.
      late.resolve()
    })
    try {
      await Promise.race([volumes.refresh(pod, 'now', AbortSignal.any([signal, patience.signal])), late.promise])
      this.#volumesFreshAt = clock.monotonic()
    } finally {
      timer.cancel()
    }
    signal.throwIfAborted()
  }

  async #start(
    step: StartStep,
    sandbox: SandboxStatus,
    volumes: ReadonlyMap<string, PreparedVolume>,
    observed: ObservedPod,
    signal: AbortSignal,
  ): Promise<void> {
    const { start, crashes, clock, hostIPs } = this.#tools
    const { container, previousEnd } = step
    if (previousEnd !== undefined) crashes.raise(this.#crashKey(container.name, container.image ?? ''), previousEnd)
    const target = container.targetContainerName ? newestOf(observed, container.targetContainerName)?.id : undefined
    const input = { pod: this.#pod(), sandbox, step, podIPs: this.#podIPs(sandbox), hostIPs: hostIPs(), volumes, targetContainerId: target }
    try {
      await start(input, signal)
      this.#waiting.delete(container.name)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RuntimeError)) throw error
      const { reason, message } = error
      // A container that was made and failed to start has ended: its crash loop decides. Others are tried again from the beginning.
      const ended = reason === 'RunContainerError' || reason === 'PostStartHookError'
      const retryAt = error instanceof ImageError ? error.retryAt : ended ? undefined : clock.now() + CONFIG_RETRY_MILLISECONDS
      this.#waiting.set(container.name, { reason, message, retryAt })
    }
  }

  /** Removes ended instances nobody can ask for any more, and former sandboxes that held nothing else. */
  async #prune(observed: ObservedPod, signal: AbortSignal): Promise<void> {
    for (const name of new Set(observed.containers.map((container) => container.name))) {
      // `observed` is from before the newest instance was made.
      const ended = instancesOf(observed, name).filter(({ state }) => state === 'exited')
      for (const { id } of ended.slice(KEPT_INSTANCES - 1)) await this.#tools.runtime.removeContainer(id, signal)
    }
    const used = new Set(observed.containers.map(({ sandboxId }) => sandboxId))
    for (const { id } of observed.sandboxes.slice(1)) if (!used.has(id)) await this.#tools.runtime.removeSandbox(id, signal)
  }

  #podIPs(sandbox: SandboxStatus | undefined): readonly string[] {
    return this.#pod().spec.hostNetwork ? this.#tools.hostIPs() : (sandbox?.ips ?? [])
  }

  #crashKey(name: string, image: string): string {
    return `${this.#pod().metadata.uid}/${name}/${image}`
  }
}

/** `10s`, `1m20s`, `5m0s`, as Go writes durations. */
function goDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
