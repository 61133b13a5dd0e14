import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { DialRule } from './dialable-address.ts'

/** How the API server proves itself to kubelets, and knows them. */
export interface KubeletCredentials {
  /** PEM of the authority that kubelets' serving certificates must be of. */
  readonly authority: string
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

/** Where a kubelet listens. */
export interface KubeletAddress {
  readonly node: string
  readonly host: string
  readonly port: number
}

/** In this order; names come last, because nothing resolves them in many clusters. */
const PREFERRED = ['InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS', 'Hostname']
/** How long a node may take to accept a connection. Milliseconds. */
const CONNECT_TIMEOUT = 10_000

/** Authenticated connections to the nodes' kubelets. */
export class KubeletConnections {
  readonly #reader: ObjectReader
  readonly #credentials: () => KubeletCredentials
  readonly #rule: DialRule
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 8 })

  constructor(reader: ObjectReader, credentials: () => KubeletCredentials, rule: DialRule) {
    this.#reader = reader
    this.#credentials = credentials
    this.#rule = rule
  }

  /** @throws StatusError NotFound for a node that does not exist, InternalError for one that does not say where it is */
  addressOf(node: string): KubeletAddress {
    const object = this.#reader.get('v1', 'Node', { name: node })
    if (!object) throw new StatusError('NotFound', `nodes ${JSON.stringify(node)} not found`, { details: { name: node, kind: 'nodes' } })
    const { addresses = [], daemonEndpoints } = object.status
    const address = PREFERRED.map((type) => addresses.find((one) => one.type === type)).find((one) => one !== undefined)
    if (!address) throw new StatusError('InternalError', `no preferred addresses found; known addresses: []`)
    return { node, host: address.address, port: daemonEndpoints.kubeletEndpoint.Port || 10250 }
  }

  /** One exchange; resolves with the answer's head, whatever its code. @throws StatusError when the node cannot be reached */
  get(address: KubeletAddress, path: string, options: { signal: AbortSignal; insecure?: boolean | undefined }): Promise<IncomingMessage> {
    const { signal, insecure } = options
    return new Promise((resolve, reject) => {
      let isAnswered = false
      const request = httpsRequest({ ...this.#tls(address, insecure), agent: this.#agent, path, signal }, (answer) => {
        isAnswered = true
        resolve(answer)
      })
      request.on('error', (cause) => {
        if (signal.aborted) reject(signal.reason)
        else if (isAnswered)
          return // the reader of the answer learns of it
        // The kubelet may just have closed a connection that was kept; each try uses up one of those.
        else if (request.reusedSocket) resolve(this.get(address, path, options))
        else reject(unreachable(`Get "https://${hostOf(address)}${path}"`, cause))
      })
      request.end()
    })
  }

  /** A bare connection of the scope, for protocols that are tunnelled. @throws StatusError when the node cannot be reached */
  dial(address: KubeletAddress, scope: StreamScope): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = scope.own(connectTls({ ...this.#tls(address), timeout: CONNECT_TIMEOUT }))
      const fail = (cause: Error) => {
        socket.destroy()
        reject(scope.signal.reason ?? unreachable(`error dialing backend: ${hostOf(address)}`, cause))
      }
      socket.once('error', fail)
      socket.once('timeout', () => fail(new Error('i/o timeout')))
      socket.once('close', () => fail(new Error('the connection was closed')))
      socket.once('secureConnect', () => resolve(socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, 30_000)))
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** @throws StatusError BadRequest for an address that is not dialled */
  #tls({ node, host, port }: KubeletAddress, insecure = false) {
    this.#rule.require(host)
    const { authority, certificate, key } = this.#credentials()
    // By its name, which it keeps; its address may be new since its certificate was issued, or have been another node's.
    const servername = node
    const options = {
      host,
      port,
      servername,
      ca: authority,
      cert: certificate,
      key,
      rejectUnauthorized: !insecure,
      minVersion: 'TLSv1.2',
      lookup: this.#rule.lookup,
    } as const
    return options satisfies RequestOptions
  }
}

const hostOf = ({ host, port }: KubeletAddress) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function unreachable(what: string, cause: Error): StatusError {
  const why = cause.message || ('code' in cause ? String(cause.code) : cause.name)
  return new StatusError('InternalError', `${what}: ${why}`, { cause })
}
