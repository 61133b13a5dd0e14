import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { BootstrapFacts } from '../bootstrap/required-objects.ts'
import type { ApiServerConfig, DerivedConfig } from '../config.ts'
import { type CredentialsOptions, prepareCredentials, type ServerCredentials, servingNames } from './prepare-credentials.ts'

/** What a server that does not listen says its port is. */
const DEFAULT_PORT = 6443

/** Who this server is, and what it hands to others so that they find it. The port is known for sure only when it listens. */
export class ServerIdentity {
  readonly #config: ApiServerConfig
  readonly #derived: DerivedConfig
  readonly #tools: { readonly clock: Clock; readonly log: Logger }
  #port: number
  credentials: ServerCredentials

  /** Makes or loads every key. @throws what `prepareCredentials` throws */
  constructor(config: ApiServerConfig, derived: DerivedConfig, tools: { readonly clock: Clock; readonly log: Logger }) {
    this.#config = config
    this.#derived = derived
    this.#tools = tools
    this.#port = config.securePort || DEFAULT_PORT
    this.credentials = this.#prepare()
  }

  /** `host:port`, as clients outside reach it. */
  get address(): string {
    return new URL(this.#advertiseUrl).host
  }

  /** A server on any free port learns it late: kubeconfigs are written again. */
  listensOn(port: number): void {
    if (port === this.#port) return
    this.#port = port
    this.credentials = this.#prepare()
  }

  /** Renews what is about to expire. @throws what `prepareCredentials` throws */
  renew(): ServerCredentials {
    this.credentials = this.#prepare()
    return this.credentials
  }

  /** Names and addresses that this server's certificate is made out to. */
  get names(): readonly string[] {
    return servingNames(this.#options)
  }

  /** What the objects that must exist say about this server. */
  facts(): BootstrapFacts {
    const { authority, bootstrapToken } = this.credentials
    const { advertiseAddress: address, serviceAddress } = this.#derived
    const { dnsAddress } = this.#config
    return { address, port: this.#port, serviceAddress, dnsAddress, advertiseUrl: this.#advertiseUrl, authority, bootstrapToken }
  }

  get #advertiseUrl(): string {
    return this.#config.advertiseUrl ?? `https://127.0.0.1:${this.#port}`
  }

  #prepare(): ServerCredentials {
    return prepareCredentials(this.#options)
  }

  get #options(): CredentialsOptions {
    const { dataDir, credentialsDir, clusterDomain, tlsSan } = this.#config
    return {
      dataDirectory: dataDir,
      credentialsDirectory: credentialsDir ?? join(dataDir, 'credentials'),
      advertiseUrl: this.#advertiseUrl,
      ...{ serviceAddress: this.#derived.serviceAddress, clusterDomain, hostname: hostname() },
      extraNames: [...tlsSan, this.#derived.advertiseAddress],
      ...this.#tools,
    }
  }
}
