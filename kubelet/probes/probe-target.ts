import type { Container, Probe } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { execProbe } from './exec-probe.ts'
import { grpcProbe } from './grpc-probe.ts'
import { httpProbe } from './http-probe.ts'
import { failure, type ProbeOutcome } from './probe-outcome.ts'
import { tcpProbe } from './tcp-probe.ts'

export interface ProbeSubject {
  container: Container
  containerId: string
  podIP: string | undefined
  /** The handler is one of a container's lifecycle. */
  isHook?: boolean
}

/** True when the probe has to wait until the pod has an address. */
export function needsAddress({ exec }: Probe): boolean {
  return exec === undefined
}

/** One attempt, by whichever handler the probe has. Adding one: one file, one line here. Ends when the signal aborts. */
export async function runProbe(
  probe: Probe,
  { container, containerId, podIP = '', isHook }: ProbeSubject,
  runtime: Pick<ContainerRuntime, 'exec'>,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  if (probe.exec) return execProbe(runtime, containerId, probe.exec.command ?? [], signal)
  if (probe.grpc) return grpcProbe({ host: podIP, port: probe.grpc.port, service: probe.grpc.service ?? '' }, signal)
  const handler = probe.httpGet ?? probe.tcpSocket
  if (!handler) return failure('the probe has no handler')
  const port = portNumber(handler.port, container)
  if (port === undefined) return failure(`couldn't find port: ${JSON.stringify(handler.port)}`)
  const host = handler.host || podIP
  if (!probe.httpGet) return tcpProbe(host, port, signal)
  const { path = '/', scheme = 'HTTP', httpHeaders } = probe.httpGet
  return httpProbe({ scheme: scheme === 'HTTPS' ? 'https' : 'http', host, port, path, headers: httpHeaders ?? [], isHook }, signal)
}

/** A port by number, or by the name that the container's ports give it. */
function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number') return port
  const named = container.ports?.find((one) => one.name === port)?.containerPort
  return named ?? (/^\d+$/.test(port) ? Number(port) : undefined)
}
