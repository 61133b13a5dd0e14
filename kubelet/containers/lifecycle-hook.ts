import type { LifecycleHandler, Probe } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { AnyContainer } from '../pods/pod-containers.ts'
import { runProbe } from '../probes/probe-target.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'

export interface HookSubject {
  container: AnyContainer
  containerId: string
  podIP: string | undefined
}

/**
 * Runs a postStart or preStop handler to its end. Undefined: it went well; else what went wrong. An abort throws. What an HTTP handler
 * answers does not matter, only that it does: upstream looks at no status either.
 */
export async function runHook(
  handler: LifecycleHandler,
  subject: HookSubject,
  runtime: Pick<ContainerRuntime, 'exec'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000, signal)
    return undefined
  }
  // A TCP handler never did anything in hooks; the API keeps it for old objects only.
  if (handler.tcpSocket || (!handler.exec && !handler.httpGet)) return undefined
  const { exec, httpGet } = handler
  const asked: Probe = exec ? { exec } : { httpGet }
  const outcome = await runProbe(asked, { ...subject, isHook: true }, runtime, signal)
  signal.throwIfAborted()
  return outcome.result === 'success' || outcome.result === 'warning' ? undefined : outcome.message
}
