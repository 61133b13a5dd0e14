import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { fn, method, type Overload, opaque, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { boolType, intType, opaqueType, stringType } from '../type.ts'
import { CelError, Opaque, type Value } from '../value.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6
const ipType = opaqueType('net.IP')
const cidrType = opaqueType('net.CIDR')

/** One address. */
class IpValue extends Opaque {
  override readonly type = ipType
  readonly address: Address

  constructor(address: Address) {
    super()
    this.address = address
  }

  override get identity(): string {
    return this.address.toString()
  }

  get isGlobalUnicast(): boolean {
    return !['unspecified', 'loopback', 'multicast', 'linkLocal', 'broadcast'].includes(this.address.range()) || this.#isOrdinaryZeroNet
  }

  /** Go calls only 0.0.0.0 itself unspecified, and the rest of its range ordinary. */
  get #isOrdinaryZeroNet(): boolean {
    return this.address.range() === 'unspecified' && !this.address.toByteArray().every((byte) => byte === 0)
  }
}

/** A range of addresses; bits beyond the prefix are kept as written. */
class CidrValue extends Opaque {
  override readonly type = cidrType
  readonly address: Address
  readonly prefix: number

  constructor(address: Address, prefix: number) {
    super()
    this.address = address
    this.prefix = prefix
  }

  override get identity(): string {
    return `${this.address.toString()}/${this.prefix}`
  }

  contains(address: Address): boolean {
    return address.kind() === this.address.kind() && address.match(this.address, this.prefix)
  }

  get masked(): CidrValue {
    const bytes = this.address
      .toByteArray()
      .map((byte, index) => byte & (0xff00 >> Math.min(Math.max(this.prefix - 8 * index, 0), 8)) & 0xff)
    return new CidrValue(ipaddr.fromByteArray(bytes), this.prefix)
  }
}

const ip = opaque(ipType, IpValue)
const cidr = opaque(cidrType, CidrValue)
const costs = ([size]: readonly number[]) => Math.max(1, traversal(size!))
const isZero = ({ address }: IpValue) => address.toByteArray().every((byte) => byte === 0)

/** IPv4 written as IPv6 is refused, and zones are, as upstream does. */
function readIp(text: string): Value {
  const failed = (why: string) =>
    new CelError(`IP Address ${JSON.stringify(text.slice(0, 100))} parse error during conversion from string: ${why}`)
  if (text.includes('%')) return failed('IP address with zone value is not allowed')
  if (isIP(text) === 0) return failed(`ParseAddr(${JSON.stringify(text.slice(0, 100))}): unable to parse IP`)
  const address = ipaddr.parse(text)
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
    ? failed('IPv4-mapped IPv6 address is not allowed')
    : new IpValue(address)
}

function readCidr(text: string): Value {
  const failed = new CelError(
    `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text.slice(0, 100))}): no valid CIDR`,
  )
  const slash = text.lastIndexOf('/')
  const size = text.slice(slash + 1)
  const address = slash < 0 ? failed : readIp(text.slice(0, slash))
  if (!(address instanceof IpValue) || !/^(0|[1-9]\d{0,2})$/.test(size)) return failed
  return Number(size) <= (address.address.kind() === 'ipv4' ? 32 : 128) ? new CidrValue(address.address, Number(size)) : failed
}

function containsIp(range: CidrValue, address: Value): Value {
  return address instanceof IpValue ? range.contains(address.address) : address
}

function containsCidr(range: CidrValue, other: Value): Value {
  return other instanceof CidrValue ? other.prefix >= range.prefix && range.contains(other.address) : other
}

const ofAddresses: readonly Overload[] = [
  fn('ip', [string], ipType, ([text]) => readIp(text), costs),
  fn('isIP', [string], boolType, ([text]) => readIp(text) instanceof IpValue, costs),
  fn(
    'ip.isCanonical',
    [string],
    boolType,
    ([text]) => {
      const read = readIp(text)
      return read instanceof IpValue ? read.identity === text : read
    },
    ([size]) => Math.max(1, traversal(2 * size!)),
  ),
  method('family', [ip], intType, ([{ address }]) => (address.kind() === 'ipv4' ? 4n : 6n)),
  method('isUnspecified', [ip], boolType, ([value]) => isZero(value)),
  method('isLoopback', [ip], boolType, ([{ address }]) => address.range() === 'loopback'),
  method('isLinkLocalMulticast', [ip], boolType, ([{ address }]) => isLinkLocalMulticast(address)),
  method('isLinkLocalUnicast', [ip], boolType, ([{ address }]) => address.range() === 'linkLocal'),
  method('isGlobalUnicast', [ip], boolType, ([value]) => value.isGlobalUnicast),
  fn('string', [ip], stringType, ([value]) => value.identity),
]

function isLinkLocalMulticast(address: Address): boolean {
  const [first, second, third] = address.toByteArray()
  return address.kind() === 'ipv4' ? first === 224 && second === 0 && third === 0 : first === 0xff && (second! & 0x0f) === 2
}

const ofRanges: readonly Overload[] = [
  fn('cidr', [string], cidrType, ([text]) => readCidr(text), costs),
  fn('isCIDR', [string], boolType, ([text]) => readCidr(text) instanceof CidrValue, costs),
  method('containsIP', [cidr, ip], boolType, ([range, other]) => containsIp(range, other)),
  method(
    'containsIP',
    [cidr, string],
    boolType,
    ([range, text]) => containsIp(range, readIp(text)),
    ([, size]) => traversal(size!) + 1,
  ),
  method('containsCIDR', [cidr, cidr], boolType, ([range, other]) => containsCidr(range, other)),
  method(
    'containsCIDR',
    [cidr, string],
    boolType,
    ([range, text]) => containsCidr(range, readCidr(text)),
    ([, size]) => traversal(size!) + 1,
  ),
  method('ip', [cidr], ipType, ([{ address }]) => new IpValue(address)),
  method('masked', [cidr], cidrType, ([range]) => range.masked),
  method('prefixLength', [cidr], intType, ([{ prefix }]) => BigInt(prefix)),
  fn('string', [cidr], stringType, ([range]) => range.identity),
]

/** Kubernetes' functions of addresses and ranges. */
export const network: readonly Overload[] = [...ofAddresses, ...ofRanges]
