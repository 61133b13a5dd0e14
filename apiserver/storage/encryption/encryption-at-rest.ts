import type { Logger } from '../../../shared/logging/logger.ts'
import type { Counter, Metrics } from '../../../shared/metrics/metrics.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import { FollowedFile } from '../../../shared/process/followed-file.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { resourcePrefix } from '../keys.ts'
import type { Storage } from '../storage.ts'
import { readEncryptionConfiguration } from './encryption-configuration.ts'
import { providersOf } from './providers-of.ts'
import { type ProvidersByPrefix, ResourceChains } from './resource-chains.ts'

export interface EncryptionOptions {
  /** The file; undefined: nothing is encrypted, and what is does not open. */
  readonly path: string | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Encryption at rest as a file asks for it, and as it changes. */
export class EncryptionAtRest {
  readonly transformer = new ResourceChains()
  readonly #options: EncryptionOptions
  readonly #file: FollowedFile | undefined
  readonly #reloads: Counter

  private constructor(options: EncryptionOptions) {
    this.#options = options
    const { path, clock, log, metrics } = options
    this.#file = path === undefined ? undefined : new FollowedFile({ path, what: 'encryption configuration', clock, log })
    const help = 'Changed encryption configurations, by whether they were taken into use.'
    this.#reloads = metrics.counter('apiserver_encryption_config_controller_automatic_reloads_total', help)
  }

  /** @throws ConfigError for a file that is wrong */
  static async open(options: EncryptionOptions): Promise<EncryptionAtRest> {
    const encryption = new EncryptionAtRest(options)
    await encryption.#file?.load(async (file) => void encryption.transformer.use(await providersIn(file)))
    return encryption
  }

  /** Says what a person has to do about what is stored: unreadable values, and those that wait to be written in the newest form. */
  report(storage: Storage): void {
    const { log } = this.#options
    for (const [resource, { unopened, older, example }] of formsOf(storage)) {
      if (unopened > 0) {
        log.error('stored objects cannot be read: what encrypted them is not in the encryption configuration', {
          resource,
          unopened,
          example,
        })
      }
      if (older > 0) {
        log.info('stored objects are not in the newest form yet; kubectl get … -o json | kubectl replace -f - writes them anew', {
          resource,
          older,
        })
      }
    }
  }

  /** Follows the file from now on. */
  follow(storage: Storage): void {
    this.#file?.follow({
      use: async (file) => this.#replace(file, await providersIn(file), storage),
      told: (isTaken) => {
        this.#reloads.add(1, { status: isTaken ? 'success' : 'failure' })
        if (isTaken) this.report(storage)
      },
    })
  }

  async stop(): Promise<void> {
    await this.#file?.stop()
  }

  /** @throws ConfigError when it would close what is open now */
  #replace(path: string, providers: ProvidersByPrefix, storage: Storage): void {
    const before = unopenedKeys(storage)
    const back = this.transformer.use(providers)
    const lost = [...unopenedKeys(storage)].filter((key) => !before.has(key))
    if (lost.length === 0) return
    back()
    const sentence = `${lost.length} stored objects, ${lost[0]} for one, need a provider or a key that the new file does not have`
    throw new ConfigError(`${path}: ${sentence}; write them anew before it is taken out`)
  }
}

async function providersIn(file: string): Promise<ProvidersByPrefix> {
  return providersOf(await readEncryptionConfiguration(file))
}

function unopenedKeys(storage: Storage): Set<string> {
  const keys = new Set<string>()
  for (const entry of storage.entries('')) if (storage.formOf(entry) === 'unopened') keys.add(entry.key)
  return keys
}

interface Forms {
  unopened: number
  older: number
  /** A key that is not opened. */
  example?: string
}

function formsOf(storage: Storage): Map<string, Forms> {
  const found = new Map<string, Forms>()
  for (const entry of storage.entries('')) {
    const form = storage.formOf(entry)
    if (form === 'newest') continue
    const resource = resourcePrefix(entry.key).slice(0, -1)
    const forms = found.get(resource) ?? { unopened: 0, older: 0 }
    forms[form]++
    if (form === 'unopened') forms.example ??= entry.key
    found.set(resource, forms)
  }
  return found
}
