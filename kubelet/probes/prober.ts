import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

/** A container the prober should look after while it runs. */
export interface ProbedContainer {
  name: string
  containerId: string
  /** Milliseconds since the epoch; `initialDelaySeconds` counts from here. */
  startedAt: number
}

/** What the probes say about one running container. Containers without a probe are simply well. */
export interface ProbeResult {
  /** The startup probe has succeeded, or there is none. Until then neither liveness nor readiness is asked. */
  started: boolean
  /** The readiness probe succeeded last (false until its first success), or there is none; never true before `started`. */
  ready: boolean
  /** Liveness or startup failed `failureThreshold` times: this very container must be killed and restarted. */
  failed?: { probe: 'liveness' | 'startup'; message: string; graceSeconds?: number | undefined } | undefined
}

/**
 * Runs the probes of the node's pods, on its own schedule. The pod worker tells it what runs, reads results when it plans,
 * and is woken when a result changes.
 */
export interface Prober {
  /**
   * Starts, keeps and stops probing so that exactly `running` is probed (main containers and restartable init containers).
   * Cheap when nothing changed: it is called at every step of a pod. A new container id starts over.
   * `podIP` is undefined until known; `127.0.0.1` or the node's address for host-network pods.
   */
  track(pod: Pod, podIP: string | undefined, running: readonly ProbedContainer[]): void
  /** The pod is gone or terminating beyond probing: all its probes stop. */
  forget(podUid: string): void
  /** The result for a container instance; of an unknown one: not started, not ready, not failed when it has such probes. */
  result(pod: Pod, containerName: string, containerId: string): ProbeResult
  /** Called with the pod's uid after any of its results changed. Returns the unsubscriber. */
  onChange(listener: (podUid: string) => void): () => void
}

/** A prober for pods whose probes do not matter (simulated nodes without scripts): every container is well at once. */
export function alwaysHealthy(): Prober {
  return { track() {}, forget() {}, result: () => ({ started: true, ready: true }), onChange: () => () => {} }
}
