import { isIP } from 'node:net'
import type { ApiRequest } from '../http/exchange.ts'

/**
 * Where a request came from, as upstream tells it: what `X-Forwarded-For` and `X-Real-Ip` say, which anybody can write, and last the address
 * of the connection, which nobody can.
 */
export function sourceAddresses({ headers, remoteAddress }: Pick<ApiRequest, 'headers' | 'remoteAddress'>): string[] {
  const found: string[] = []
  for (const part of textOf(headers['x-forwarded-for']).split(',')) {
    const address = addressOf(part)
    if (address) found.push(address)
  }
  const real = addressOf(textOf(headers['x-real-ip']))
  if (real && !found.includes(real)) found.push(real)
  const remote = addressOf(remoteAddress)
  if (remote && found.at(-1) !== remote) found.push(remote)
  return found
}

function textOf(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? ''
}

/** An IPv4 address that came over IPv6 is told as what it is. */
function addressOf(text: string): string | undefined {
  const address = text.trim().replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(address) ? address : undefined
}
