import { createBackoff } from '../../shared/controller/backoff.ts'
import { createWorkQueue, type WorkQueue } from '../../shared/controller/work-queue.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { APIService } from '../../shared/openapi/generated/apiregistration-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { type EnsureTools, SELF } from '../bootstrap/ensure.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { localCondition } from '../rules/apiregistration/api-service.ts'
import { conditionsWith, failedDiscovery, passed, placeProblem, type Verdict } from './availability.ts'
import { API, KIND } from './local-services.ts'
import type { RemoteReader } from './remote-reader.ts'
import { documentHash, remoteResources } from './remote-resources.ts'
import type { RemoteService, RemoteServices } from './remote-services.ts'

export interface AvailabilityKeeperParts extends Pick<EnsureTools, 'table' | 'writer'> {
  readonly reader: ObjectReader
  readonly remotes: RemoteServices
  readonly ask: Pick<RemoteReader, 'read'>
  readonly clock: Clock
  readonly log: Logger
}

/** How often all are looked at again, and how long one that is away waits at most. Milliseconds; upstream's. */
const INTERVAL = 30_000
const FIRST_RETRY = 1_000
/** Servers that are asked at the same time. */
const AT_ONCE = 8

/**
 * Keeps the condition Available of APIServices: looks when they, their Service or its endpoints change, and from time to time. Who answers is asked
 * what it serves by the same question.
 */
export class AvailabilityKeeper {
  readonly #parts: AvailabilityKeeperParts
  /** Names of APIServices. */
  readonly #queue: WorkQueue
  readonly #backoff = createBackoff({ firstMilliseconds: FIRST_RETRY, longestMilliseconds: INTERVAL })
  #ends: (() => void)[] = []
  #working: Promise<unknown> | undefined

  constructor(parts: AvailabilityKeeperParts) {
    this.#parts = parts
    this.#queue = createWorkQueue(parts.clock)
  }

  start(): void {
    const { reader, remotes, clock } = this.#parts
    const every = clock.every(INTERVAL, () => {
      for (const { name } of remotes.all()) this.#queue.add(name)
    })
    this.#ends = [
      () => every.cancel(),
      reader.follow(API, KIND, (current, previous) => {
        if (current && !(previous && sameJson(current.spec, previous.spec))) this.#queue.add(current.metadata.name ?? '')
      }),
      reader.follow('v1', 'Service', (current, previous) => this.#lookAt((current ?? previous)!.metadata)),
      reader.follow('discovery.k8s.io/v1', 'EndpointSlice', (current, previous) => {
        const { namespace, labels } = (current ?? previous)!.metadata
        this.#lookAt({ namespace, name: labels?.['kubernetes.io/service-name'] })
      }),
    ]
    this.#working = Promise.all(Array.from({ length: AT_ONCE }, () => this.#work()))
  }

  async stop(): Promise<void> {
    this.#queue.shut()
    for (const end of this.#ends.splice(0)) end()
    await this.#working
  }

  #lookAt({ namespace, name }: { namespace?: string | undefined; name?: string | undefined }): void {
    for (const { name: own, service } of this.#parts.remotes.all()) {
      if (service.spec.service?.namespace === namespace && service.spec.service?.name === name) this.#queue.add(own)
    }
  }

  async #work(): Promise<void> {
    for (let name = await this.#queue.take(); name !== undefined; name = await this.#queue.take()) {
      await this.#check(name)
      this.#queue.done(name)
    }
  }

  async #check(name: string): Promise<void> {
    const { reader, remotes, clock, log } = this.#parts
    const service = reader.get(API, KIND, { name })
    if (!service) return this.#backoff.forget(name)
    try {
      const verdict = service.spec.service ? await this.#verdict(name, service) : undefined
      if (verdict?.status === 'False') {
        remotes.learn(name, undefined)
        this.#lookLater(name)
      } else this.#backoff.forget(name)
      await this.#write(name, service, verdict ?? localVerdict(timestamp(clock.now())))
    } catch (error) {
      log.warn('the condition of an APIService could not be written; trying again', { apiService: name, error })
      this.#lookLater(name)
    }
  }

  async #verdict(name: string, service: APIService): Promise<Verdict> {
    const { reader, remotes, ask } = this.#parts
    const missing = placeProblem(service, reader)
    if (missing) return missing
    const remote = remotes.get(name)
    if (!remote) return failedDiscovery(`the group of APIService ${JSON.stringify(name)} is always served by this server`)
    const path = `apis/${remote.group}/${remote.version}`
    try {
      const resources = remoteResources(await ask.read(remote, `/${path}`))
      remotes.learn(name, { resources, openApiHash: await this.#openApiHash(remote, path) })
      return passed
    } catch (error) {
      return failedDiscovery((error as Error).message)
    }
  }

  /** Servers need have no OpenAPI. */
  async #openApiHash(remote: RemoteService, path: string): Promise<string | undefined> {
    const { ask, log } = this.#parts
    try {
      return documentHash(await ask.read(remote, '/openapi/v3'), path)
    } catch (error) {
      log.debug('an extension server has no OpenAPI v3', { apiService: remote.name, error })
      return undefined
    }
  }

  #lookLater(name: string): void {
    this.#queue.addAfter(name, this.#backoff.next(name))
  }

  async #write(name: string, seen: APIService, verdict: Verdict): Promise<void> {
    const { table, writer, clock } = this.#parts
    const resource = table.ofKind(API, KIND)
    const now = timestamp(clock.now())
    if (!resource || !conditionsWith(seen, verdict, now)) return
    const request = { resource, namespace: '', name, subresource: 'status', user: SELF, dryRun: false, warn() {} }
    try {
      await writer.update(request, { kind: 'internal' }, (newest) => {
        const next = structuredClone(newest) as APIService
        // Another wish meanwhile: its own look is on the way.
        if (sameJson(next.spec, seen.spec)) {
          next.status.conditions = conditionsWith(next, verdict, now) ?? next.status.conditions
        }
        return next
      })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }
}

function localVerdict(now: string): Verdict {
  const { status, reason = '', message = '' } = localCondition(now)
  return { status, reason, message }
}
