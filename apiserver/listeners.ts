import type { Logger } from '../shared/logging/logger.ts'
import type { Clock } from '../shared/time/clock.ts'
import type { User } from './authn/user.ts'
import type { ServerCredentials } from './certificates/prepare-credentials.ts'
import type { ApiServerConfig } from './config.ts'
import { ApiListener, type RequestHandler, type ServerBounds, type UpgradeHandler } from './http/server.ts'

export interface ListenersOptions {
  readonly config: ApiServerConfig
  readonly credentials: ServerCredentials
  readonly handle: RequestHandler
  readonly upgrade?: UpgradeHandler | undefined
  readonly bounds: ServerBounds
  readonly clock: Clock
  readonly log: Logger
}

/** How long answers in progress may take to finish when the server stops. */
const DRAIN_MILLISECONDS = 5_000
/** Who comes in through the loopback port is the person at the machine. */
const loopbackUser: User = { name: 'system:unsecured', groups: ['system:masters', 'system:authenticated'] }

/** The API over TLS, and the opt-in port without it. */
export class Listeners {
  readonly #secure: ApiListener
  readonly #insecure: ApiListener | undefined
  readonly #clock: Clock
  url = ''
  insecureUrl = ''

  constructor({ config, credentials, handle, upgrade, bounds, clock, log }: ListenersOptions) {
    this.#clock = clock
    const { certificate: cert, key } = credentials.serving
    const tls = { key, cert, clientAuthority: credentials.authority }
    const common = { handler: handle, upgrade, bounds, log }
    this.#secure = new ApiListener({ host: config.bindAddress, port: config.securePort, tls, ...common })
    if (config.insecurePort === 0) return
    const insecure = { host: config.insecureBindAddress, port: config.insecurePort, user: loopbackUser }
    this.#insecure = new ApiListener({ ...insecure, ...common })
  }

  async start(): Promise<void> {
    this.url = await this.#secure.start()
    if (this.#insecure) this.insecureUrl = await this.#insecure.start()
  }

  /** Shows a renewed certificate to connections from now on; those that are open stay. */
  renew({ certificate: cert, key }: ServerCredentials['serving']): void {
    this.#secure.renew({ cert, key })
  }

  async stop(): Promise<void> {
    const listeners = this.#insecure ? [this.#secure, this.#insecure] : [this.#secure]
    const ended = new AbortController()
    const grace = this.#clock.sleep(DRAIN_MILLISECONDS, ended.signal).catch(() => undefined)
    await Promise.all(listeners.map((listener) => listener.stop(grace)))
    ended.abort()
  }
}
