import type { Logger } from '../../shared/logging/logger.ts'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { type EnsureTools, ensureAll, removeUnwanted, required } from '../bootstrap/ensure.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { localCondition } from '../rules/apiregistration/api-service.ts'
import { API, KIND, type LocalService, localServices, MANAGED, repairOf } from './local-services.ts'

export interface LocalServiceKeeperParts extends EnsureTools {
  readonly reader: ObjectReader
  readonly clock: Clock
  readonly log: Logger
}

/** A burst of definitions is looked at once. Milliseconds. */
const PATIENCE = 50
/** After a failure. Milliseconds. */
const RETRY = 1_000

/**
 * Keeps the APIServices of what this server serves itself: those of the release are made at start, those of custom kinds come and go with their
 * definitions.
 */
export class LocalServiceKeeper {
  readonly #parts: LocalServiceKeeperParts
  #ends: (() => void)[] = []
  #working: Promise<void> | undefined
  #isStopped = false
  #timer: Timer | undefined

  constructor(parts: LocalServiceKeeperParts) {
    this.#parts = parts
  }

  /** Resolves when those of the release are there. @throws StatusError when one is refused */
  async start(): Promise<void> {
    await this.#sync(true)
    const { reader } = this.#parts
    this.#ends = [
      reader.follow('apiextensions.k8s.io/v1', 'CustomResourceDefinition', () => this.#look()),
      // Nothing but what was managed by us can have become wrong.
      reader.follow(API, KIND, (current, previous) => {
        if ((previous ?? current)?.metadata.labels?.[MANAGED] === 'true') this.#look()
      }),
    ]
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const end of this.#ends.splice(0)) end()
    this.#timer?.cancel()
    await this.#working
  }

  #look(milliseconds = PATIENCE): void {
    if (this.#isStopped || this.#timer) return
    this.#timer = this.#parts.clock.after(milliseconds, () => {
      this.#timer = undefined
      this.#working = (this.#working ?? Promise.resolve()).then(() => this.#work())
    })
  }

  async #work(): Promise<void> {
    if (this.#isStopped) return
    try {
      await this.#sync(false)
    } catch (error) {
      this.#parts.log.warn('APIServices of kinds that are served could not be brought into order; trying again', { error })
      this.#look(RETRY)
    }
  }

  async #sync(isStart: boolean): Promise<void> {
    const { reader, table } = this.#parts
    const wanted = localServices(table.all())
    const present = new Map(reader.list(API, KIND).map((service) => [service.metadata.name ?? '', service]))
    const wrong: LocalService[] = []
    const removed: string[] = []
    for (const name of new Set([...wanted.keys(), ...present.keys()])) {
      const repair = repairOf(wanted.get(name), present.get(name), isStart)
      if (repair === 'remove') removed.push(name)
      else if (repair !== 'nothing') wrong.push(wanted.get(name)!)
    }
    await ensureAll([wrong.map((local) => this.#required(local, isStart))], this.#parts)
    await Promise.all(removed.map((name) => removeUnwanted({ apiVersion: API, kind: KIND, name }, this.#parts)))
  }

  #required(local: LocalService, isStart: boolean) {
    const { name, managed, spec } = local
    return required(API, KIND, { metadata: { name, labels: { [MANAGED]: managed } }, spec }, (present) =>
      repairOf(local, present, isStart) === 'nothing' ? undefined : this.#corrected(present, local),
    )
  }

  #corrected(present: APIService, { managed, spec }: LocalService): APIService {
    const { metadata } = present
    const status = { conditions: [localCondition(timestamp(this.#parts.clock.now()))] }
    return { ...present, metadata: { ...metadata, labels: { ...metadata.labels, [MANAGED]: managed } }, spec, status }
  }
}
