import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import type { Call } from '../verbs/call.ts'
import type { DialRule } from './dialable-address.ts'
import { passOn } from './pod-log.ts'
import { tunnel } from './tunnel.ts'

/** Where a proxied request goes. */
export interface ProxyTarget {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** TLS of a particular peer; without it certificates are not verified, as upstream's proxy does not. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly servername: string } | undefined
}

/** Larger bodies have no business in a debugging proxy. */
const MOST_BODY = 64 * 1024 * 1024
/** Meant for one connection only, or for us. */
const NOT_FORWARDED = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host'],
  ...['authorization', 'content-length', 'impersonate-user', 'impersonate-group', 'impersonate-uid'],
])

/**
 * Passes the call on to somebody's HTTP server, with what follows `/proxy` as the path. WebSockets go through as well.
 * @throws StatusError BadRequest for an address that is not dialled, ServiceUnavailable when nobody answers
 */
export async function proxyTo(target: ProxyTarget, call: Call, rule: DialRule): Promise<void> {
  const { info, reply, request } = call
  rule.require(target.host)
  const { lookup } = rule
  const mark = request.url.indexOf('?')
  const query = mark < 0 ? '' : request.url.slice(mark)
  const rawPath = mark < 0 ? request.url : request.url.slice(0, mark)
  if (info.rest === '' && !rawPath.endsWith('/') && (request.method === 'GET' || request.method === 'HEAD')) {
    // Relative links of the page must stay below the proxy's path.
    return reply.send(301, 'text/plain', '', { location: `${rawPath}/${query}` })
  }
  const path = `/${info.rest}${rawPath.endsWith('/') && info.rest !== '' ? '/' : ''}${query}`
  const host = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
  if (reply instanceof UpgradeReply) return tunnel(reply, { socket: await dial(target, lookup), method: request.method, path, host })

  const body = await request.readBody(MOST_BODY)
  const gone = new AbortController()
  reply.onClose(() => gone.abort(new Error('the client went away')))
  const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const send = target.scheme === 'https' ? httpsRequest : httpRequest
    const options = {
      ...{ host: target.host, port: target.port, path, method: request.method, signal: gone.signal, agent: false },
      ...{ headers: { ...forwarded(request.headers), host, 'content-length': body.length, 'x-forwarded-uri': rawPath } },
      ...{ ...tlsOptions(target), lookup },
    }
    const outgoing = send(options, resolve)
    outgoing.once('error', (cause) => reject(unavailable(host, cause)))
    outgoing.end(body)
  })
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && name !== 'content-type' && name !== 'content-length' && !NOT_FORWARDED.has(name)) headers[name] = value
  }
  const { location } = answer.headers
  if (location?.startsWith('/')) headers['location'] = `${rawPath.slice(0, rawPath.length - path.split('?')[0]!.length)}${location}`
  await passOn(answer, reply, answer.headers['content-type'] ?? 'application/octet-stream', headers)
}

function forwarded(headers: Call['request']['headers']): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_FORWARDED.has(name) && !name.startsWith('impersonate-extra-')) result[name] = value
  }
  return result
}

function tlsOptions({ scheme, tls }: ProxyTarget): object {
  if (scheme !== 'https') return {}
  return tls ? { ...tls, rejectUnauthorized: true } : { rejectUnauthorized: false }
}

function dial(target: ProxyTarget, lookup: DialRule['lookup']): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { host, port } = target
    const ready = target.scheme === 'https' ? 'secureConnect' : 'connect'
    const socket =
      target.scheme === 'https' ? connectTls({ host, port, lookup, ...tlsOptions(target) }) : connectTcp({ host, port, lookup })
    const fail = (cause: Error) => reject(unavailable(`${host}:${port}`, cause))
    socket.once('error', fail)
    socket.once(ready, () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

function unavailable(host: string, cause: Error): StatusError {
  return new StatusError('ServiceUnavailable', `error trying to reach service: dial tcp ${host}: ${cause.message}`, { cause })
}
