import type { IncomingMessage } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import type { Call } from '../verbs/call.ts'

/** Headers of the handshake that the far side must see. Credentials are never among them: those in sub-protocols were taken out where the request came in. */
const FORWARDED = /^(upgrade|sec-websocket-[a-z]+|x-stream-protocol-version|content-length|origin|user-agent)$/

/** Where a tunnel goes: an open connection, and what is asked on it. */
export interface TunnelTarget {
  readonly socket: Duplex
  readonly method: string
  readonly path: string
  readonly host: string
}

/** The connection of a call that asks for another protocol. @throws StatusError BadRequest when it does not */
export function upgradeOf(call: Call): UpgradeReply {
  if (call.reply instanceof UpgradeReply) return call.reply
  throw new StatusError('BadRequest', 'Upgrade request required')
}

/**
 * Repeats the client's handshake on the target and then passes bytes both ways, whatever protocol they speak. Also the target's refusal
 * goes back as it is. Resolves when both have ended.
 */
export function tunnel(reply: UpgradeReply, target: TunnelTarget): Promise<void> {
  const { request, socket, head } = reply.takeOver()
  target.socket.write(handshake(request, target))
  if (head.length > 0) target.socket.write(head)
  const oneWay = (from: Duplex, to: Duplex) => new Promise<void>((resolve) => pipeline(from, to, () => resolve()))
  return Promise.all([oneWay(socket, target.socket), oneWay(target.socket, socket)]).then(() => {
    socket.destroy()
    target.socket.destroy()
  })
}

function handshake(request: IncomingMessage, { method, path, host }: TunnelTarget): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade']
  const { rawHeaders } = request
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (FORWARDED.test(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1] ?? ''}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
