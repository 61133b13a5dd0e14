import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { BootstrapFacts } from '../bootstrap/required-objects.ts'
import type { ApiServerConfig, DerivedConfig } from '../config.ts'
import { type CredentialsOptions, prepareCredentials, type ServerCredentials, serversOf, servingNames } from './prepare-credentials.ts'

/** What a server that does not listen says its port is. */
const DEFAULT_PORT = 6443

export interface IdentitySetting {
  readonly config: ApiServerConfig
  readonly derived: DerivedConfig
  readonly clock: Clock
  readonly log: Logger
}

/** Who this server is, and what it hands to others so that they find it. The port is known for sure only when it listens. */
export class ServerIdentity {
  readonly #setting: IdentitySetting
  #port: number
  credentials: ServerCredentials

  private constructor(setting: IdentitySetting, port: number, credentials: ServerCredentials) {
    this.#setting = setting
    this.#port = port
    this.credentials = credentials
  }

  /** Makes or loads every key. @throws what `prepareCredentials` throws */
  static async establish(setting: IdentitySetting): Promise<ServerIdentity> {
    const port = setting.config.securePort || DEFAULT_PORT
    return new ServerIdentity(setting, port, await prepare(setting, port))
  }

  /** `host:port`, as clients outside reach it. */
  get address(): string {
    return new URL(this.#advertiseUrl).host
  }

  /** A server on any free port learns it late: kubeconfigs are written again. */
  async listensOn(port: number): Promise<void> {
    if (port === this.#port) return
    this.#port = port
    await this.renew()
  }

  /** Renews what is about to expire. @throws what `prepareCredentials` throws */
  async renew(): Promise<ServerCredentials> {
    this.credentials = await prepare(this.#setting, this.#port)
    return this.credentials
  }

  /** Names and addresses that this server's certificate is made out to. */
  get names(): readonly string[] {
    return servingNames(credentialsOptions(this.#setting, this.#port))
  }

  /** What the objects that must exist say about this server. */
  facts(): Omit<BootstrapFacts, 'isAlone'> {
    const { authority, frontProxyAuthority, bootstrapToken } = this.credentials
    const { config, derived } = this.#setting
    const { advertiseAddress: address, serviceAddress } = derived
    const { dnsAddress: dnsAddresses, serviceClusterIpRange: serviceRanges } = config
    return {
      address,
      port: this.#port,
      serviceAddress,
      serviceRanges,
      dnsAddresses,
      servers: serversOf({ advertiseUrl: this.#advertiseUrl, advertiseServers: config.advertiseServers }),
      authority,
      frontProxyAuthority,
      bootstrapToken,
    }
  }

  get #advertiseUrl(): string {
    return advertiseUrl(this.#setting.config, this.#port)
  }
}

function advertiseUrl(config: ApiServerConfig, port: number): string {
  return config.advertiseUrl ?? `https://127.0.0.1:${port}`
}

function prepare(setting: IdentitySetting, port: number): Promise<ServerCredentials> {
  return prepareCredentials(credentialsOptions(setting, port))
}

function credentialsOptions({ config, derived, clock, log }: IdentitySetting, port: number): CredentialsOptions {
  const { dataDir, pkiDir, credentialsDir, clusterDomain, tlsSan } = config
  return {
    dataDirectory: dataDir,
    pkiDirectory: pkiDir ?? join(dataDir, 'pki'),
    credentialsDirectory: credentialsDir ?? join(dataDir, 'credentials'),
    advertiseUrl: advertiseUrl(config, port),
    advertiseServers: config.advertiseServers,
    ...{ serviceAddresses: derived.firstAddresses, clusterDomain, hostname: hostname() },
    extraNames: [...tlsSan, derived.advertiseAddress],
    ...{ clock, log },
  }
}
