import { readFile } from 'node:fs/promises'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Counter, Metrics } from '../../../shared/metrics/metrics.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import type { Clock, Timer } from '../../../shared/time/clock.ts'
import { resourcePrefix } from '../keys.ts'
import type { Storage } from '../storage.ts'
import { readEncryptionConfiguration } from './encryption-configuration.ts'
import { providersOf } from './providers-of.ts'
import { type ProvidersByPrefix, ResourceChains } from './resource-chains.ts'

/** Milliseconds between two looks at the file. */
const LOOK_INTERVAL = 10_000

export interface EncryptionOptions {
  /** The file; undefined: nothing is encrypted, and what is does not open. */
  readonly path: string | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Encryption at rest as a file asks for it, and as it changes. */
export class EncryptionAtRest {
  readonly transformer: ResourceChains
  readonly #options: EncryptionOptions
  readonly #reloads: Counter
  #text: string
  /** The last failure that was told. */
  #told = ''
  #timer: Timer | undefined
  #looking: Promise<void> | undefined

  private constructor(transformer: ResourceChains, text: string, options: EncryptionOptions) {
    this.transformer = transformer
    this.#text = text
    this.#options = options
    const help = 'Changed encryption configurations, by whether they were taken into use.'
    this.#reloads = options.metrics.counter('apiserver_encryption_config_controller_automatic_reloads_total', help)
  }

  /** @throws ConfigError for a file that is wrong */
  static async open(options: EncryptionOptions): Promise<EncryptionAtRest> {
    if (options.path === undefined) return new EncryptionAtRest(new ResourceChains(), '', options)
    const { text, providers } = await readBoth(options.path)
    return new EncryptionAtRest(new ResourceChains(providers), text, options)
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
    if (this.#options.path === undefined) return
    this.#timer = this.#options.clock.every(LOOK_INTERVAL, () => {
      this.#looking ??= this.#look(this.#options.path ?? '', storage).finally(() => {
        this.#looking = undefined
      })
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#looking
  }

  /** A file that is wrong leaves the one before in force, and is told once. Never throws. */
  async #look(path: string, storage: Storage): Promise<void> {
    const { log } = this.#options
    try {
      if ((await readFile(path, 'utf8')) === this.#text) return
      const { text, providers } = await readBoth(path)
      this.#replace(path, providers, storage)
      this.#text = text
      this.#told = ''
      this.#reloads.add(1, { status: 'success' })
      log.info('the encryption configuration was reloaded', { path })
      this.report(storage)
    } catch (error) {
      if (String(error) === this.#told) return
      this.#told = String(error)
      this.#reloads.add(1, { status: 'failure' })
      log.error('the encryption configuration changed and is not taken into use; the one before stays in force', { path, error })
    }
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

async function readBoth(path: string): Promise<{ text: string; providers: ProvidersByPrefix }> {
  const configuration = await readEncryptionConfiguration(path)
  return { text: await readFile(path, 'utf8'), providers: await providersOf(configuration) }
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
