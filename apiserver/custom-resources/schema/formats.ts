import { isIP, isIPv4, isIPv6 } from 'node:net'
import { parseTimestamp } from '../../../shared/time/timestamp.ts'

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const HOSTNAME = /^[a-z0-9]([-a-z0-9]{0,62})(\.[a-z0-9]([-a-z0-9]{0,62}))*\.?$/i
const GO_DURATION = /^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/
const LONG_DURATION = /^\d+\s*(ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week)s?$/i

/** The formats of strings that upstream checks in custom resources (kube-openapi's strfmt); others are remarks. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => text.includes('T') && parseTimestamp(text) !== undefined,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined,
  duration: (text) => text === '0' || GO_DURATION.test(text) || LONG_DURATION.test(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0,
  password: () => true,
  email: (text) => text.length < 320 && /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) => text.length <= 255 && HOSTNAME.test(text),
  ipv4: (text) => isIPv4(text),
  ipv6: (text) => isIPv6(text),
  cidr: isCidr,
  mac: (text) => /^([0-9a-f]{2}[:-]){5}([0-9a-f]{2})$/i.test(text),
  uri: isUri,
  uuid: (text) => UUID.test(text),
  uuid3: (text) => UUID.test(text) && text.replaceAll('-', '')[12] === '3',
  uuid4: (text) => UUID.test(text) && text.replaceAll('-', '')[12] === '4',
  uuid5: (text) => UUID.test(text) && text.replaceAll('-', '')[12] === '5',
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
}

/** Whether a text has the format; true for formats that nobody checks. */
export function hasFormat(format: string, text: string): boolean {
  return !Object.hasOwn(formats, format) || formats[format]!(text)
}

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
  float: [-3.4028234663852886e38, 3.4028234663852886e38],
}

/** Whether a number fits into the format. */
export function fitsFormat(format: string, value: number | bigint): boolean {
  const range = Object.hasOwn(ranges, format) ? ranges[format] : undefined
  return range === undefined || (value >= range[0] && value <= range[1])
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const family = isIP(address)
  return family !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

function isUri(text: string): boolean {
  return /^([a-z][a-z0-9+.-]*:|\/)/i.test(text) && (text.startsWith('/') || URL.canParse(text))
}
