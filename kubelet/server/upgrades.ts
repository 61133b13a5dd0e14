import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { Session, SessionWish } from './session.ts'
import { PING_INTERVAL, spdySession, spdySessionProtocols } from './spdy-session.ts'
import { channelProtocols, webSocketSession } from './websocket-session.ts'

/** A connection on which the client asked for another protocol, and what it has sent already. */
export interface UpgradeRequest {
  request: IncomingMessage
  /** The scope's from the first moment on. */
  socket: Duplex
  head: Buffer
  scope: StreamScope
  /** The other protocol is spoken now: an HTTP answer would only be noise in it. */
  switched?: boolean | undefined
}

const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const PORT_FORWARD = 'portforward.k8s.io'
/** Largest WebSocket message; clients send 32 KB at most. */
const MOST_MESSAGE = 16 * 1024 * 1024

/** Which of the two protocols the client wants to change to. @throws StatusError BadRequest */
export function upgradeKind({ headers }: IncomingMessage): 'websocket' | 'spdy' {
  const wanted = (headers.upgrade ?? '').toLowerCase()
  if (wanted === 'websocket') return 'websocket'
  if (wanted === 'spdy/3.1') return 'spdy'
  throw new StatusError('BadRequest', 'Upgrade request required: WebSocket or SPDY/3.1')
}

/** Completes handshakes. One for the whole server. */
export class Upgrades {
  readonly #clock: Clock
  readonly #channels = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MOST_MESSAGE,
    handleProtocols: (offered) => channelProtocols.find((known) => offered.has(known)) ?? false,
  })
  readonly #tunnels = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MOST_MESSAGE })

  constructor(clock: Clock) {
    this.#clock = clock
    // The library refuses a `/` in a protocol's name; kubectl's has one. The header is taken away before and put back here.
    this.#tunnels.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL}`))
  }

  /** A session with the streams wished. @throws StatusError before anything was answered; any other error after */
  async session(upgrade: UpgradeRequest, wish: SessionWish): Promise<Session> {
    const { request, scope } = upgrade
    if (upgradeKind(request) === 'websocket') {
      const offered = listOf(request.headers['sec-websocket-protocol'])
      if (offered.length > 0 && !channelProtocols.some((known) => offered.includes(known))) {
        throw new StatusError('BadRequest', `none of the offered protocols is supported: ${offered.join(', ')}`)
      }
      return webSocketSession(await this.#handshake(this.#channels, upgrade), wish, scope)
    }
    const offered = listOf(request.headers['x-stream-protocol-version'])
    const protocol = spdySessionProtocols.find((known) => offered.includes(known))
    if (offered.length > 0 && !protocol) {
      throw new StatusError(
        'Forbidden',
        `unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${spdySessionProtocols.join(' ')}]`,
      )
    }
    const transport = switchToSpdy(upgrade, protocol)
    return spdySession({ transport, protocol: protocol ?? 'channel.k8s.io' }, wish, scope, this.#clock)
  }

  /** For port-forward: a byte stream that speaks SPDY, or a WebSocket whose channels are ports. @throws as `session` */
  async portForward(upgrade: UpgradeRequest): Promise<{ spdy: Duplex } | { channels: WebSocket }> {
    if (upgradeKind(upgrade.request) === 'spdy') return { spdy: switchToSpdy(upgrade, PORT_FORWARD) }
    const offered = listOf(upgrade.request.headers['sec-websocket-protocol'])
    if (!offered.includes(TUNNEL)) {
      if (offered.length > 0 && !offered.includes('v4.channel.k8s.io')) {
        throw new StatusError('BadRequest', `port-forward over WebSocket needs the protocol ${TUNNEL} or v4.channel.k8s.io`)
      }
      return { channels: await this.#handshake(this.#channels, upgrade) }
    }
    delete upgrade.request.headers['sec-websocket-protocol']
    return { spdy: upgrade.scope.own(createWebSocketStream(await this.#handshake(this.#tunnels, upgrade))) }
  }

  async #handshake(server: WebSocketServer, upgrade: UpgradeRequest): Promise<WebSocket> {
    const { request, socket, head, scope } = upgrade
    upgrade.switched = true
    const connected = await new Promise<WebSocket>((resolve, reject) => {
      scope.onEnd(() => reject(new Error('the handshake was not completed')))
      server.handleUpgrade(request, socket, head, (one) => {
        // `close` follows each of these, and with it the end of the scope.
        one.on('error', () => {})
        resolve(one)
      })
    })
    // A client that vanished while nothing is read of it is noticed only by writing to it.
    const pings = this.#clock.every(
      PING_INTERVAL,
      scope.guard(() => connected.ping()),
    )
    scope.onEnd(() => pings.cancel())
    return connected
  }
}

function switchToSpdy(upgrade: UpgradeRequest, protocol: string | undefined): Duplex {
  const { socket, head } = upgrade
  upgrade.switched = true
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1']
  if (protocol !== undefined) lines.push(`X-Stream-Protocol-Version: ${protocol}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (head.length > 0) socket.unshift(head)
  return socket
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
