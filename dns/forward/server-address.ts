import { isIP } from 'node:net'

/** A DNS server to ask. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

const DNS_PORT = 53
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/

/** Reads `10.0.0.1`, `10.0.0.1:5353`, `fd00::1`, `fe80::1%eth0` or `[fd00::1]:5353`; undefined for everything else, names too. */
export function parseServer(text: string): ServerAddress | undefined {
  if (isIP(text) !== 0) return { host: text, port: DNS_PORT }
  const [, bracketed, plain, digits] = WITH_PORT.exec(text) ?? []
  const host = bracketed ?? plain ?? ''
  const port = Number(digits)
  return isIP(host) === (bracketed === undefined ? 4 : 6) && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

/** As people write it. */
export function serverText({ host, port }: ServerAddress): string {
  if (port === DNS_PORT) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
