import { becauseOf } from '../../shared/client/cause.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Pod, PodStatus } from '../../shared/openapi/generated/core-v1.ts'
import type { Timer } from '../../shared/time/clock.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { ContainerEnds } from '../status/container-ends.ts'
import { podStatus } from '../status/pod-status.ts'
import { liveSandbox, newestOf, type ObservedPod, runningOf } from './observed-pod.ts'
import { PodActions } from './pod-actions.ts'
import type { Verdict } from './pod-admission.ts'
import { graceSecondsOf, isSidecar } from './pod-containers.ts'
import { isStaticPod } from './pod-kinds.ts'
import { planPod } from './pod-plan.ts'
import { PodResize } from './pod-resize.ts'
import type { PodWorkerTools } from './pod-worker-tools.ts'
import { planResize } from './resize-plan.ts'

/** Config maps and tokens of a running pod are brought up to date this often. */
const REFRESH_MILLISECONDS = 60_000
/** A step that failed unexpectedly (the engine is away) is tried again after this; doubles up to `most`. */
const RETRY = { first: 500, most: 15_000 }

/**
 * Looks after one pod, one step at a time: observe → plan → act → report, until there is nothing to do; then it sleeps until something wakes
 * it (the spec, the runtime, a probe, a timer). All it needs to know is in the spec and in what it observes, so it may die anywhere.
 */
export class PodWorker {
  readonly uid: string
  readonly #tools: PodWorkerTools
  readonly #log: Logger
  readonly #actions: PodActions
  readonly #resize: PodResize
  readonly #ends: ContainerEnds
  readonly #onGone: () => void
  #pod: Pod
  #admitted = false
  /** The API server has no such pod any more. */
  #gone = false
  #verdict: Verdict | undefined
  /** Nothing of it will run again. */
  #finished = false
  /** Everything is down and released. */
  #settled = false
  /** Containers that were stopped to be started anew; one that then ends well has not done its work. */
  readonly #restarting = new Set<string>()
  #dirty = false
  #loop: Promise<void> | undefined
  #timer: Timer | undefined
  #interrupt = new AbortController()
  #retry = RETRY.first
  #refreshedAt: number
  #reported: PodStatus | undefined

  constructor(pod: Pod, tools: PodWorkerTools, onGone: () => void) {
    this.#pod = pod
    this.uid = pod.metadata.uid ?? ''
    this.#tools = tools
    this.#onGone = onGone
    this.#log = tools.log.child({ pod: `${pod.metadata.namespace}/${pod.metadata.name}`, uid: this.uid })
    this.#resize = new PodResize(tools)
    this.#actions = new PodActions(tools, () => this.#resize.granted(this.#pod))
    this.#ends = new ContainerEnds(tools.runtime, tools.imageNames, this.#log)
    this.#refreshedAt = tools.clock.monotonic()
  }

  get pod(): Pod {
    return this.#pod
  }

  /** The pod as the API server has it now. A new deletion, or a shorter grace period, cuts short whatever is going on. */
  update(pod: Pod): void {
    const before = this.#pod.metadata
    // Files of the downward API show labels and annotations: they follow at once. (ConfigMaps may be as old as `RECENT` of their reader.)
    if (aboutPod(before) !== aboutPod(pod.metadata)) this.#refreshedAt = Number.NEGATIVE_INFINITY
    this.#pod = pod
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    const grace = deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY
    const sooner = before.deletionTimestamp !== undefined && grace < (before.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY)
    if (sooner || (deletionTimestamp !== undefined && before.deletionTimestamp === undefined))
      this.#interrupt.abort(new Error('the pod is to end'))
    this.wake()
  }

  /** The API server has let go of the pod: it ends, and everything of it is removed. */
  removed(): void {
    if (this.#gone) return
    this.#gone = true
    this.#tools.statuses.forget(this.uid)
    this.#interrupt.abort(new Error('the pod is gone'))
    this.wake()
  }

  /** Ends the pod for a reason of the node's (eviction). The first reason stands. */
  fail(verdict: Verdict): void {
    this.#verdict ??= verdict
    this.#interrupt.abort(new Error(verdict.reason))
    this.wake()
  }

  /** Resolves when the newest status is where others read it. */
  reported(): Promise<void> {
    return this.#tools.statuses.flushed(this.uid)
  }

  /** Waits for room to be resized. */
  get isResizePending(): boolean {
    return this.#resize.isPending
  }

  /** Something may have changed. Cheap: many calls make one step. */
  wake(): void {
    this.#dirty = true
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined
      // Woken between the last look and this moment.
      if (this.#dirty && !this.#tools.signal.aborted) this.wake()
    })
  }

  /** The kubelet stops: no timer and no probe goes on. What runs, runs on. */
  stop(): void {
    this.#timer?.cancel()
    this.#tools.prober.forget(this.uid)
  }

  /** Resolves when no step is under way. */
  async idle(): Promise<void> {
    while (this.#loop) await this.#loop
  }

  async #run(): Promise<void> {
    // Leaves the caller's stack first: listeners must not run a pod's step.
    await undefined
    while (this.#dirty && !this.#tools.signal.aborted) {
      this.#dirty = false
      this.#timer?.cancel()
      this.#interrupt = new AbortController()
      const signal = AbortSignal.any([this.#tools.signal, this.#interrupt.signal])
      try {
        await becauseOf({ by: 'kubelet', revision: this.#pod.metadata.resourceVersion }, () => this.#step(signal))
        this.#retry = RETRY.first
      } catch (error) {
        if (this.#tools.signal.aborted) break
        if (this.#interrupt.signal.aborted) this.#dirty = true
        else this.#tryAgain(error)
      }
    }
    if (this.#tools.signal.aborted) this.stop()
  }

  #tryAgain(error: unknown): void {
    this.#log.warn('a step of a pod failed; trying again', { error: String(error), waitMilliseconds: this.#retry })
    this.#timer = this.#tools.clock.after(this.#retry, () => this.wake())
    this.#retry = Math.min(this.#retry * 2, RETRY.most)
  }

  async #step(signal: AbortSignal): Promise<void> {
    let observed = await this.#observe(signal)
    this.#admit(observed)
    while (!this.#mustEnd()) {
      const { clock, prober } = this.#tools
      this.#resize.decide(this.#pod)
      const granted = this.#resize.granted(this.#pod)
      const plan = planPod({
        pod: granted,
        observed,
        probe: (container) => prober.result(this.#pod, container.name, container.id),
        restartAllowedAt: (container) => this.#actions.restartAllowedAt(container),
        mustRestart: ({ id }) => this.#mustRestart(id),
        now: clock.now(),
      })
      this.#track(observed)
      const resize = planResize(granted, observed)
      this.#resize.note(this.#pod, resize, plan.start.length === 0 && plan.stop.length === 0 && plan.sandbox === 'keep')
      plan.stop.push(...resize.stop.filter(({ status }) => !plan.stop.some((step) => step.status.id === status.id)))
      for (const { container } of plan.start)
        if (this.#mustRestart(newestOf(observed, container.name)?.id)) this.#actions.noteRestart(container.name)
      for (const { status, restarts } of plan.stop) if (restarts) this.#restarting.add(status.id)
      this.#actions.noteHolds(plan.hold)
      this.#actions.noteRunning(observed)
      this.#finished = plan.finished
      this.#report(observed)
      if (plan.finished) break
      const acted =
        (await this.#actions.carryOut(plan, observed, signal)) ||
        (await this.#resize.carryOut(granted, resize, liveSandbox(observed), signal))
      if (!acted)
        return this.#rest(
          plan.hold.map(({ until }) => until),
          signal,
        )
      observed = await this.#observe(signal)
    }
    await this.#end(observed, signal)
  }

  #mustRestart(containerId: string | undefined): boolean {
    return this.#resize.mustRestart(containerId) || (containerId !== undefined && this.#restarting.has(containerId))
  }

  #mustEnd(): boolean {
    const { phase } = this.#pod.status
    if (phase === 'Succeeded' || phase === 'Failed') this.#finished = true
    const deadline = this.#deadline()
    if (deadline !== undefined && this.#tools.clock.now() >= deadline && !this.#finished) {
      const message = 'Pod was active on the node longer than the specified deadline'
      this.#verdict ??= { phase: 'Failed', reason: 'DeadlineExceeded', message }
    }
    return this.#gone || this.#finished || this.#verdict !== undefined || this.#pod.metadata.deletionTimestamp !== undefined
  }

  /** When `activeDeadlineSeconds` runs out, in milliseconds since the epoch. */
  #deadline(): number | undefined {
    const { activeDeadlineSeconds } = this.#pod.spec
    const started = parseTimestamp(this.#pod.status.startTime)
    return activeDeadlineSeconds === undefined || started === undefined ? undefined : started + activeDeadlineSeconds * 1000
  }

  async #observe(signal: AbortSignal): Promise<ObservedPod> {
    const { runtime } = this.#tools
    const filter = { podUid: this.uid }
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(filter, signal), runtime.listContainers(filter, signal)])
    await this.#ends.learn(containers, signal)
    for (const id of this.#restarting) if (!containers.some((one) => one.id === id)) this.#restarting.delete(id)
    return { sandboxes, containers }
  }

  /** Asked once in a pod's life; what runs already (after a restart of the kubelet) was admitted then. */
  #admit(observed: ObservedPod): void {
    if (this.#admitted) return
    this.#admitted = true
    const { admission, events } = this.#tools
    const ran = observed.containers.length > 0 || observed.sandboxes.length > 0 || this.#pod.status.startTime !== undefined
    if (this.#mustEnd()) return
    if (ran) return admission.adopt(this.#resize.granted(this.#pod))
    this.#verdict = admission.admit(this.#pod)
    if (this.#verdict) events.record(this.#pod, 'Warning', this.#verdict.reason, this.#verdict.message)
  }

  #track(observed: ObservedPod): void {
    const sidecars = (this.#pod.spec.initContainers ?? []).filter(isSidecar)
    const probed = new Set([...this.#pod.spec.containers, ...sidecars].map(({ name }) => name))
    const running = runningOf(observed).flatMap(({ name, id, startedAt }) =>
      probed.has(name) ? [{ name, containerId: id, startedAt: startedAt ?? this.#tools.clock.now() }] : [],
    )
    this.#tools.prober.track(this.#pod, this.#podIPs(observed)[0], running)
  }

  #podIPs(observed: ObservedPod): readonly string[] {
    return this.#pod.spec.hostNetwork ? this.#tools.hostIPs() : (liveSandbox(observed)?.ips ?? [])
  }

  #report(observed: ObservedPod): void {
    const { prober, runtimeName, hostIPs, clock, statuses } = this.#tools
    if (this.#gone) return
    const status = podStatus({
      pod: this.#remembered(),
      observed,
      waiting: this.#actions.waiting,
      probe: (container) => prober.result(this.#pod, container.name, container.id),
      terminationMessage: (container) => this.#ends.message(container),
      imageReference: (imageId) => this.#ends.imageReference(imageId),
      runtimeName,
      hostIPs: hostIPs(),
      finished: this.#finished && runningOf(observed).length === 0,
      now: clock.now(),
      resize: this.#finished ? undefined : this.#resize.state,
      verdict: this.#verdict,
    })
    this.#reported = status
    statuses.set(this.#pod, status)
  }

  /**
   * The pod with the status that was reported last: what comes back from the API server lags behind, and transition times taken from there would
   * swing to and fro for ever. Conditions of others (readiness gates) are read as they are.
   */
  #remembered(): Pod {
    const reported = this.#reported
    const pod = this.#resize.granted(this.#pod)
    if (!reported) return pod
    const own = new Set(reported.conditions?.map(({ type }) => type))
    const others = (this.#pod.status.conditions ?? []).filter(({ type }) => !own.has(type))
    return { ...pod, status: { ...pod.status, ...reported, conditions: [...others, ...(reported.conditions ?? [])] } }
  }

  /** Nothing to do until one of these moments. */
  #rest(moments: readonly number[], signal: AbortSignal): void {
    const { clock, volumes } = this.#tools
    const now = clock.now()
    const waits = [...moments, ...this.#actions.retryTimes(), ...this.#resize.retryTimes()].map((moment) => moment - now)
    const deadline = this.#deadline()
    if (deadline !== undefined) waits.push(deadline - now)
    if ((this.#pod.spec.volumes?.length ?? 0) > 0) {
      const due = this.#refreshedAt + REFRESH_MILLISECONDS - clock.monotonic()
      if (due > 0) waits.push(due)
      else {
        this.#refreshedAt = clock.monotonic()
        waits.push(REFRESH_MILLISECONDS)
        // Beside the pod's steps: a slow API server must not hold up a restart.
        void volumes
          .refresh(this.#pod, 'recent', signal)
          .catch((error) => this.#log.warn('volumes could not be refreshed', { error: String(error) }))
      }
    }
    if (waits.length > 0) this.#timer = clock.after(Math.max(1, Math.min(...waits)), () => this.wake())
  }

  /** Takes everything down, reports it, and lets the API server forget a pod that was deleted. */
  async #end(observed: ObservedPod, signal: AbortSignal): Promise<void> {
    const { runtime, termination, volumes, admission, prober } = this.#tools
    const { deletionTimestamp } = this.#pod.metadata
    if (this.#settled && !this.#gone && deletionTimestamp === undefined) return
    prober.forget(this.uid)
    const podIP = this.#podIPs(observed)[0]
    const running = runningOf(observed)
    if (running.length > 0) {
      this.#report(observed)
      const requests = running.map((container) => ({
        pod: this.#pod,
        container,
        graceSeconds: this.#graceSeconds(),
        message: `Stopping container ${container.name}`,
        podIP,
      }))
      await termination.stopAll(requests, signal)
      observed = await this.#observe(signal)
    }
    for (const sandbox of observed.sandboxes) if (sandbox.state === 'ready') await runtime.stopSandbox(sandbox.id, signal)
    if (observed.sandboxes.length > 0) observed = await this.#observe(signal)
    await volumes.teardown(this.uid, signal)
    this.#finished = true
    this.#settled = true
    admission.release(this.uid)
    this.#report(observed)
    if (this.#gone) await this.#remove(observed, signal)
    else if (deletionTimestamp !== undefined) await this.#deleteFromApi(signal)
  }

  /** A pod that vanished without a deletion being seen was deleted by force: it gets no time. Of a static pod the manifest is gone, no more. */
  #graceSeconds(): number {
    if (this.#gone && this.#pod.metadata.deletionTimestamp === undefined && !isStaticPod(this.#pod)) return 0
    return Math.min(this.#verdict?.graceSeconds ?? Number.POSITIVE_INFINITY, graceSecondsOf(this.#pod))
  }

  async #deleteFromApi(signal: AbortSignal): Promise<void> {
    const { statuses, api } = this.#tools
    // The last status first: whoever watches the deletion sees how the containers ended.
    await statuses.flushed(this.uid)
    const { namespace, name = '' } = this.#pod.metadata
    try {
      await api.delete('v1', 'Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: this.uid }, signal })
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    }
  }

  async #remove(observed: ObservedPod, signal: AbortSignal): Promise<void> {
    const { runtime, images, crashes, setbacks, removeFiles } = this.#tools
    for (const { id } of observed.containers) await runtime.removeContainer(id, signal)
    for (const { id } of observed.sandboxes) await runtime.removeSandbox(id, signal)
    await removeFiles(this.uid)
    this.#timer?.cancel()
    images.forget(this.uid)
    crashes.forget(`${this.uid}/`)
    setbacks.forget(this.uid)
    this.#dirty = false
    this.#onGone()
  }
}

function aboutPod({ labels, annotations }: Pod['metadata']): string {
  return JSON.stringify([labels, annotations])
}
