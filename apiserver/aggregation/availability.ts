import type { APIService, APIServiceCondition } from '../../shared/openapi/generated/apiregistration-v1.ts'
import { readyEndpoints } from '../connect/service-endpoints.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { availableCondition } from '../rules/apiregistration/api-service.ts'

/** Whether an APIService is available: upstream's reasons and sentences. */
export type Verdict = Required<Pick<APIServiceCondition, 'status' | 'reason' | 'message'>>

export const passed: Verdict = { status: 'True', reason: 'Passed', message: 'all checks passed' }

const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })

export const failedDiscovery = (why: string): Verdict => no('FailedDiscoveryCheck', why)

/** What is missing on the way to a remote server, before anybody is asked; undefined: nothing. */
export function placeProblem({ spec }: APIService, reader: ObjectReader): Verdict | undefined {
  const { namespace = '', name = '', port = 443 } = spec.service ?? {}
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  const service = reader.get('v1', 'Service', { namespace, name })
  if (!service) return no('ServiceNotFound', `${where} is not present`)
  if (service.spec.type === 'ExternalName') return undefined
  const servicePort = service.spec.ports?.find((each) => each.port === port)
  if (!servicePort) return no('ServicePortError', `${where} is not listening on port ${port}`)
  const slices = reader.list('discovery.k8s.io/v1', 'EndpointSlice', namespace)
  if (!slices.some(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)) {
    return no('EndpointsNotFound', `cannot find endpointslices for ${where}`)
  }
  const portName = servicePort.name ?? ''
  if (readyEndpoints(reader, namespace, name, portName).length > 0) return undefined
  return no('MissingEndpoints', `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`)
}

/** The conditions with the verdict; undefined when they say it already. The time is of the last change of the status. @param now RFC 3339 */
export function conditionsWith(service: APIService, verdict: Verdict, now: string): APIServiceCondition[] | undefined {
  const before = availableCondition(service)
  const { status, reason, message } = verdict
  if (before?.status === status && before.reason === reason && before.message === message) return undefined
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now
  const others = (service.status.conditions ?? []).filter(({ type }) => type !== 'Available')
  return [...others, { type: 'Available', status, lastTransitionTime, reason, message }]
}
