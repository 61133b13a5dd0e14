import { isIP } from 'node:net'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { EndpointSubset } from '../../../shared/openapi/generated/core-v1.ts'
import { dnsLabelProblems, portNumberProblems } from '../metadata/names.ts'
import { protocols } from './protocols.ts'

/** Subsets of an Endpoints object: addresses that pods can reach, ports with names where there are several. */
export function* endpointsProblems(subsets: readonly EndpointSubset[]): Generator<FieldProblem> {
  for (const [index, subset] of subsets.entries()) {
    const path = `subsets[${index}]`
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset
    if (addresses.length + notReadyAddresses.length === 0) {
      yield fieldProblem.required(path, 'must specify `addresses` or `notReadyAddresses`')
    }
    for (const [place, address] of addresses.entries()) yield* endpointAddressProblems(address.ip, `${path}.addresses[${place}].ip`)
    for (const [place, address] of notReadyAddresses.entries()) {
      yield* endpointAddressProblems(address.ip, `${path}.notReadyAddresses[${place}].ip`)
    }
    for (const [place, port] of ports.entries()) {
      const at = `${path}.ports[${place}]`
      if (ports.length > 1 && !port.name) yield fieldProblem.required(`${at}.name`)
      else if (port.name) for (const problem of dnsLabelProblems(port.name)) yield fieldProblem.invalid(`${at}.name`, port.name, problem)
      for (const problem of portNumberProblems(port.port)) yield fieldProblem.invalid(`${at}.port`, port.port, problem)
      if (!protocols.includes(port.protocol ?? '')) yield fieldProblem.notSupported(`${at}.protocol`, port.protocol ?? '', protocols)
    }
  }
}

/** An address that is no endpoint: itself, the link, or everybody. */
export function* endpointAddressProblems(address: string, path: string): Generator<FieldProblem> {
  const version = isIP(address)
  if (version === 0) {
    yield fieldProblem.invalid(path, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
    return
  }
  const text = address.toLowerCase()
  if (text === '0.0.0.0' || text === '::') yield fieldProblem.invalid(path, address, `may not be unspecified (${text})`)
  if (text.startsWith('127.') || text === '::1')
    yield fieldProblem.invalid(path, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')
  if (text.startsWith('169.254.') || /^fe[89ab]/.test(text)) {
    yield fieldProblem.invalid(path, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  }
  if (text.startsWith('224.0.0.') || text.startsWith('ff02:')) {
    yield fieldProblem.invalid(path, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
  }
}
