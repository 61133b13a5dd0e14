import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Container, Pod, Probe } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { type ProbeKind, ProbeRun } from './probe-run.ts'
import { needsAddress, runProbe } from './probe-target.ts'
import type { ProbedContainer, ProbeResult, Prober } from './prober.ts'

export interface ProberOptions {
  runtime: Pick<ContainerRuntime, 'exec'>
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** One container instance under observation. */
interface Tracked {
  containerId: string
  runs: ProbeRun[]
  started: boolean
}

interface TrackedPod {
  pod: Pod
  podIP: string | undefined
  containers: Map<string, Tracked>
}

const titles: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

/** Probes over the real clock and network; see `Prober` for the rules. */
export function createProber({ runtime, events, clock, log }: ProberOptions): Prober {
  const pods = new Map<string, TrackedPod>()
  const listeners = new Set<(podUid: string) => void>()
  const changed = (podUid: string) => {
    for (const listener of listeners) listener(podUid)
  }

  const begin = (of: TrackedPod, container: Container, running: ProbedContainer): Tracked => {
    const before = statusBefore(of.pod, container.name, running.containerId)
    const tracked: Tracked = { containerId: running.containerId, runs: [], started: !container.startupProbe || before.started }
    const uid = of.pod.metadata.uid ?? ''
    for (const [kind, probe] of probesOf(container)) {
      if (kind === 'startup' && tracked.started) continue
      const run = new ProbeRun({
        kind,
        probe,
        initially: kind === 'liveness' || (kind === 'readiness' && before.ready),
        containerStartedAt: running.startedAt,
        clock,
        mayRun: () => (kind === 'startup' || tracked.started) && (of.podIP !== undefined || !needsAddress(probe)),
        attempt: (signal) => runProbe(probe, { container, containerId: running.containerId, podIP: of.podIP }, runtime, signal),
        onFailure: (message) => events.record(of.pod, 'Warning', 'Unhealthy', `${titles[kind]} probe failed: ${message}`),
        onWarning: (message) => events.record(of.pod, 'Warning', 'ProbeWarning', `${titles[kind]} probe warning: ${message}`),
        onVerdict({ well }) {
          log.debug('a probe decided', { pod: of.pod.metadata.name, container: container.name, kind, well })
          if (kind === 'startup' && well) {
            tracked.started = true
            for (const other of tracked.runs) if (other.kind !== 'startup') other.hurry()
          }
          changed(uid)
        },
      })
      tracked.runs.push(run)
    }
    for (const run of tracked.runs) run.start()
    return tracked
  }

  const end = (tracked: Tracked | undefined) => {
    for (const run of tracked?.runs ?? []) run.stop()
  }

  return {
    track(pod, podIP, running) {
      const uid = pod.metadata.uid ?? ''
      const known = pods.get(uid) ?? { pod, podIP, containers: new Map<string, Tracked>() }
      pods.set(uid, known)
      const gotAddress = known.podIP === undefined && podIP !== undefined
      known.pod = pod
      known.podIP = podIP
      for (const [name, tracked] of known.containers) {
        if (running.some((one) => one.name === name && one.containerId === tracked.containerId)) continue
        end(tracked)
        known.containers.delete(name)
      }
      for (const one of running) {
        const present = known.containers.get(one.name)
        const container = containerOf(pod, one.name)
        if (!present && container) known.containers.set(one.name, begin(known, container, one))
        else if (gotAddress) for (const run of present?.runs ?? []) run.hurry()
      }
    },

    forget(podUid) {
      for (const tracked of pods.get(podUid)?.containers.values() ?? []) end(tracked)
      pods.delete(podUid)
    },

    result(pod, containerName, containerId) {
      const container = containerOf(pod, containerName)
      if (!container) return { started: true, ready: true }
      const tracked = pods.get(pod.metadata.uid ?? '')?.containers.get(containerName)
      if (tracked?.containerId !== containerId) {
        const before = statusBefore(pod, containerName, containerId)
        const started = !container.startupProbe || before.started
        return { started, ready: started && (!container.readinessProbe || before.ready) }
      }
      return resultOf(tracked, container)
    },

    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function resultOf({ runs, started }: Tracked, container: Container): ProbeResult {
  const readiness = runs.find((run) => run.kind === 'readiness')
  const failed = runs.find((run) => run.failed)
  const result: ProbeResult = { started, ready: started && (readiness?.verdict.well ?? true) }
  if (!failed || failed.kind === 'readiness') return result
  const probe = failed.kind === 'liveness' ? container.livenessProbe : container.startupProbe
  return { ...result, failed: { probe: failed.kind, message: failed.verdict.message, graceSeconds: probe?.terminationGracePeriodSeconds } }
}

function* probesOf({ startupProbe, livenessProbe, readinessProbe }: Container): Iterable<[ProbeKind, Probe]> {
  if (startupProbe) yield ['startup', startupProbe]
  if (livenessProbe) yield ['liveness', livenessProbe]
  if (readinessProbe) yield ['readiness', readinessProbe]
}

function containerOf({ spec }: Pod, name: string): Container | undefined {
  return [...spec.containers, ...(spec.initContainers ?? [])].find((container) => container.name === name)
}

/**
 * What was reported of this very instance earlier. After a restart of the kubelet this is believed until a probe says otherwise, so that
 * Services do not lose every endpoint of the node for a moment.
 */
function statusBefore({ status }: Pod, name: string, containerId: string): { started: boolean; ready: boolean } {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  const before = all.find((one) => one.name === name && one.containerID?.replace(/^[a-z0-9-]+:\/\//, '') === containerId)
  return { started: before?.started === true, ready: before?.ready === true }
}
