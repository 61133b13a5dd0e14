import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { invalid, StatusError } from '../../../shared/errors/status-error.ts'
import type { Service, ServicePort, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { Reservation, ResourceServices } from '../../registry/define-resource.ts'
import { isHeadless, needsClusterIP, needsHealthCheckPort, needsNodePorts } from './service-kinds.ts'

type Allocators = Pick<ResourceServices, 'clusterIPs' | 'nodePorts'>

/**
 * Takes what the Service needs and has not yet: a cluster IP of each family, a node port for each port, the health check port. What the previous
 * state had already is not taken again; what it had and the new one has not is given back by the allocators, which follow the store.
 * @throws StatusError Invalid when a number is taken, out of range, or none is left; nothing stays reserved then
 */
export function reserveServiceNumbers(allocators: Allocators, next: Service, previous: Service | undefined): Reservation {
  const undo: (() => void)[] = []
  const release = () => {
    for (const step of undo.splice(0)) step()
  }
  try {
    reserveClusterIPs(allocators, next, previous, undo)
    if (needsNodePorts(next.spec) || next.spec.ports?.some((port) => port.nodePort)) reserveNodePorts(allocators, next, previous, undo)
    if (needsHealthCheckPort(next.spec)) reserveHealthCheckPort(allocators, next, previous, undo)
  } catch (error) {
    release()
    throw error
  }
  return { release }
}

function reserveClusterIPs({ clusterIPs }: Allocators, next: Service, previous: Service | undefined, undo: (() => void)[]): void {
  const { spec } = next
  if (!needsClusterIP(spec) || isHeadless(spec)) return
  const had = new Set(previous && needsClusterIP(previous.spec) ? (previous.spec.clusterIPs ?? [previous.spec.clusterIP]) : [])
  const asked = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
  const given = (spec.ipFamilies ?? []).map((family, index) => {
    const wanted = asked[index] || undefined
    if (wanted !== undefined && had.has(wanted)) return wanted
    const [path, value] = wanted === undefined ? ['spec.clusterIP', null] : ['spec.clusterIPs', asked]
    const address = attempt(next, path, value, () => clusterIPs.take(family === 'IPv6' ? 'IPv6' : 'IPv4', wanted))
    undo.push(() => clusterIPs.release(address))
    return address
  })
  spec.clusterIP = given[0]
  spec.clusterIPs = given
}

function reserveNodePorts({ nodePorts }: Allocators, next: Service, previous: Service | undefined, undo: (() => void)[]): void {
  const had = portsHeld(previous?.spec)
  const isWanted = needsNodePorts(next.spec)
  const ports = next.spec.ports ?? []
  const taken = new Set<string>()
  const take = (port: ServicePort, index: number, wanted: number | undefined) => {
    const protocol = port.protocol ?? 'TCP'
    const number = attempt(next, `spec.ports[${index}].nodePort`, wanted ?? null, () => nodePorts.take(wanted, protocol))
    undo.push(() => nodePorts.release(number, protocol))
    return number
  }
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort) continue
    const identity = `${port.protocol}/${port.nodePort}`
    if (!had.has(identity) && !taken.has(identity)) take(port, index, port.nodePort)
    taken.add(identity)
  }
  if (!isWanted) return
  for (const [index, port] of ports.entries()) {
    if (port.nodePort) continue
    // The same port over another protocol (DNS) is easiest to find under the same number.
    const twin = ports.find((each) => each.port === port.port && each.nodePort && each.protocol !== port.protocol)
    const identity = `${port.protocol}/${twin?.nodePort}`
    port.nodePort = take(port, index, twin && !had.has(identity) && !taken.has(identity) ? twin.nodePort : undefined)
    taken.add(`${port.protocol}/${port.nodePort}`)
  }
}

function reserveHealthCheckPort({ nodePorts }: Allocators, next: Service, previous: Service | undefined, undo: (() => void)[]): void {
  const wanted = next.spec.healthCheckNodePort || undefined
  if (wanted !== undefined && wanted === previous?.spec.healthCheckNodePort) return
  const number = attempt(next, 'spec.healthCheckNodePort', wanted ?? null, () => nodePorts.take(wanted, 'TCP'))
  undo.push(() => nodePorts.release(number, 'TCP'))
  next.spec.healthCheckNodePort = number
}

function portsHeld(spec: ServiceSpec | undefined): Set<string> {
  const held = (spec?.ports ?? []).filter((port) => port.nodePort).map((port) => `${port.protocol}/${port.nodePort}`)
  if (spec?.healthCheckNodePort) held.push(`TCP/${spec.healthCheckNodePort}`)
  return new Set(held)
}

function attempt<T>(service: Service, path: string, value: unknown, take: () => T): T {
  try {
    return take()
  } catch (error) {
    if (error instanceof StatusError || !(error instanceof Error)) throw error
    throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [fieldProblem.invalid(path, value, error.message)])
  }
}
