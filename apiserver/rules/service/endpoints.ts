import { parseAddress, type SpecialRange, specialRange } from '../../../shared/addresses/ip-address.ts'
import { IpRange } from '../../../shared/addresses/ip-range.ts'
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

const NEVER: Readonly<Partial<Record<SpecialRange, string>>> = {
  unspecified: 'may not be unspecified (0.0.0.0, ::)',
  loopback: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  linkLocal: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
}
const LINK_LOCAL_MULTICAST = [IpRange.parse('224.0.0.0/24'), IpRange.parse('ff02::/16')]

/** An address that is no endpoint: itself, the link, or everybody. However it is spelled. */
export function* endpointAddressProblems(text: string, path: string): Generator<FieldProblem> {
  const address = parseAddress(text)
  if (!address) {
    yield fieldProblem.invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
    return
  }
  if (text.includes(':') && address.kind() === 'ipv4') yield fieldProblem.invalid(path, text, 'must not be an IPv4-mapped IPv6 address')
  const special = specialRange(address)
  const why = special && NEVER[special]
  if (why !== undefined) yield fieldProblem.invalid(path, text, why)
  if (LINK_LOCAL_MULTICAST.some((range) => range?.contains(address))) {
    yield fieldProblem.invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
  }
}
