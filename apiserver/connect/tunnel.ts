import { type Duplex, pipeline } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import type { Call } from '../verbs/call.ts'
import type { HeaderValues } from './proxy-headers.ts'

/** Headers of the handshake that a kubelet must see. Credentials are never among them: those in sub-protocols were taken out where the request came in. */
const HANDSHAKE = /^(sec-websocket-[a-z]+|x-stream-protocol-version|content-length|origin|user-agent)$/

/** Where a tunnel goes: an open connection, and what is asked on it. */
export interface TunnelTarget {
  readonly socket: Duplex
  readonly method: string
  readonly path: string
  /** Besides those that ask for the other protocol. */
  readonly headers: HeaderValues
}

/** The connection of a call that asks for another protocol. @throws StatusError BadRequest when it does not */
export function upgradeOf(call: Call): UpgradeReply {
  if (call.reply instanceof UpgradeReply) return call.reply
  throw new StatusError('BadRequest', 'Upgrade request required')
}

/** What of a handshake is a kubelet's business. */
export function handshakeHeaders(headers: Call['request']['headers']): HeaderValues {
  const wanted = Object.entries(headers).filter(([name, value]) => value !== undefined && HANDSHAKE.test(name))
  return Object.fromEntries(wanted) as HeaderValues
}

/**
 * Repeats the client's handshake on the target and then passes bytes both ways, whatever protocol they speak. Also the target's refusal
 * goes back as it is. Resolves when both have ended; one that breaks takes the other with it.
 */
export async function tunnel(reply: UpgradeReply, target: TunnelTarget, scope: StreamScope): Promise<void> {
  const { request, socket, head } = reply.takeOver()
  scope.own(socket)
  scope.own(target.socket)
  target.socket.write(handshake(request.headers.upgrade ?? '', target))
  if (head.length > 0) target.socket.write(head)
  const oneWay = (from: Duplex, to: Duplex) => new Promise<void>((resolve) => pipeline(from, to, () => resolve()))
  await Promise.all([oneWay(socket, target.socket), oneWay(target.socket, socket)])
}

function handshake(protocol: string, { method, path, headers }: TunnelTarget): string {
  const lines = [`${method} ${path} HTTP/1.1`]
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  lines.push('Connection: Upgrade', `Upgrade: ${protocol}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
