import { isIPv4, isIPv6 } from 'node:net'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Endpoint, EndpointSlice } from '../../../shared/openapi/generated/discovery-v1.ts'
import { labelKeyProblems, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { endpointAddressProblems } from './endpoints.ts'
import { protocols } from './protocols.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const ENDPOINT_LIMIT = 1000
const PORT_LIMIT = 100
const ADDRESS_LIMIT = 100
const HINT_LIMIT = 8

/** Endpoints of one address type, all with the same ports. */
export function* endpointSliceProblems(slice: EndpointSlice): Generator<FieldProblem> {
  const { addressType } = slice
  if (!addressType) yield fieldProblem.required('addressType')
  else if (!addressTypes.includes(addressType)) yield fieldProblem.notSupported('addressType', addressType, addressTypes)
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > ENDPOINT_LIMIT) yield fieldProblem.tooMany('endpoints', endpoints.length, ENDPOINT_LIMIT)
  else for (const [index, endpoint] of endpoints.entries()) yield* endpointProblems(endpoint, addressType, `endpoints[${index}]`)
  yield* portsProblems(slice)
}

function* endpointProblems(endpoint: Endpoint, addressType: string, path: string): Generator<FieldProblem> {
  const { addresses } = endpoint
  if (addresses.length === 0) yield fieldProblem.required(`${path}.addresses`, 'must contain at least 1 address')
  else if (addresses.length > ADDRESS_LIMIT) yield fieldProblem.tooMany(`${path}.addresses`, addresses.length, ADDRESS_LIMIT)
  for (const [index, address] of addresses.entries()) {
    const at = `${path}.addresses[${index}]`
    if (addressType === 'FQDN') for (const problem of subdomainProblems(address)) yield fieldProblem.invalid(at, address, problem)
    else {
      if (addressType === 'IPv4' && !isIPv4(address)) yield fieldProblem.invalid(at, address, 'must be an IPv4 address')
      else if (addressType === 'IPv6' && !isIPv6(address)) yield fieldProblem.invalid(at, address, 'must be an IPv6 address')
      else yield* endpointAddressProblems(address, at)
    }
  }
  for (const key of Object.keys(endpoint.deprecatedTopology ?? {})) {
    for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${path}.deprecatedTopology`, key, problem)
  }
  if (endpoint.nodeName !== undefined) {
    for (const problem of subdomainProblems(endpoint.nodeName)) yield fieldProblem.invalid(`${path}.nodeName`, endpoint.nodeName, problem)
  }
  if (endpoint.hostname !== undefined) {
    for (const problem of dnsLabelProblems(endpoint.hostname)) yield fieldProblem.invalid(`${path}.hostname`, endpoint.hostname, problem)
  }
  const zones = endpoint.hints?.forZones ?? []
  if (zones.length > HINT_LIMIT) yield fieldProblem.tooMany(`${path}.hints.forZones`, zones.length, HINT_LIMIT)
}

function* portsProblems({ ports }: EndpointSlice): Generator<FieldProblem> {
  if (!ports) return
  if (ports.length > PORT_LIMIT) {
    yield fieldProblem.tooMany('ports', ports.length, PORT_LIMIT)
    return
  }
  const names = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const path = `ports[${index}]`
    const name = port.name ?? ''
    if (names.has(name)) yield fieldProblem.duplicate(`${path}.name`, name)
    names.add(name)
    if (name !== '') for (const problem of dnsLabelProblems(name)) yield fieldProblem.invalid(`${path}.name`, name, problem)
    if (!protocols.includes(port.protocol ?? '')) yield fieldProblem.notSupported(`${path}.protocol`, port.protocol ?? '', protocols)
    if (port.port !== undefined && (port.port < 1 || port.port > 65535)) {
      yield fieldProblem.invalid(`${path}.port`, port.port, 'must be between 1 and 65535, inclusive')
    }
    if (port.appProtocol !== undefined) {
      for (const problem of labelKeyProblems(port.appProtocol)) yield fieldProblem.invalid(`${path}.appProtocol`, port.appProtocol, problem)
    }
  }
}
