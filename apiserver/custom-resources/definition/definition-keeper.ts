import { hasReason } from '../../../shared/errors/status-error.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'
import type { CustomResourceDefinition } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { readExactJson } from '../../../shared/text/exact-json.ts'
import type { Clock, Timer } from '../../../shared/time/clock.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { systemGroup, systemUser } from '../../authn/system-names.ts'
import type { User } from '../../authn/user.ts'
import type { ObjectRemover } from '../../registry/deletion.ts'
import type { ObjectFacts } from '../../registry/object-facts.ts'
import type { ObjectReader } from '../../registry/object-reader.ts'
import type { CustomKind, Resource, ResourceTable } from '../../registry/resource-table.ts'
import type { ObjectWriter } from '../../registry/write-object.ts'
import type { WriteRequest } from '../../registry/write-request.ts'
import type { Storage } from '../../storage/storage.ts'
import { acceptNames } from './accept-names.ts'
import { cleanUp, type Emptied } from './clean-up.ts'
import { CLEANUP_FINALIZER, isConditionTrue, isTerminating } from './definition-conditions.ts'

export const API = 'apiextensions.k8s.io/v1'
export const KIND = 'CustomResourceDefinition'

export interface DefinitionKeeperParts {
  readonly reader: ObjectReader
  readonly storage: Storage<ObjectFacts>
  readonly table: ResourceTable
  readonly writer: ObjectWriter
  readonly remover: ObjectRemover
  /** Makes the kind of a definition. @throws Error for one that cannot be compiled */
  readonly kindOf: (definition: CustomResourceDefinition) => CustomKind
  /** Told of resources that are not served any more, or in another form. */
  readonly retired: (resources: readonly Resource[]) => void
  readonly clock: Clock
  readonly log: Logger
}

const SELF: User = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }
/** What could not be done, or waits for finalizers of others, is looked at again after this. Milliseconds. */
const LOOK_AGAIN = 1_000

/**
 * Follows CustomResourceDefinitions: serves their kinds, accepts their names, and empties those that are deleted. One definition at a time,
 * by name, from what is stored: after a crash the next start does what is left.
 */
export class DefinitionKeeper {
  readonly #parts: DefinitionKeeperParts
  readonly #waiting = new Set<string>()
  /** What was compiled of each definition, by what it was compiled from. */
  readonly #compiled = new Map<string, string>()
  readonly #timers = new Map<string, Timer>()
  #working: Promise<void> | undefined
  #end: (() => void) | undefined
  #isStopped = false

  constructor(parts: DefinitionKeeperParts) {
    this.#parts = parts
  }

  /** Serves what is established; before the first request. Nothing is written yet. */
  load(): void {
    for (const definition of this.#parts.reader.list(API, KIND)) this.#serve(definition)
  }

  /** From now on follows changes, and writes what follows from them. */
  start(): void {
    this.#end = this.#parts.reader.follow(API, KIND, (current, previous) => {
      const { metadata, spec } = (current ?? previous)!
      if (current) this.#serve(current)
      else this.#retire(metadata.name!)
      this.#look(metadata.name!)
      // Names that were given up may be what others wait for.
      if (!current || previous)
        for (const other of this.#othersOf(spec.group, metadata.name!)) if (!isAccepted(other)) this.#look(other.metadata.name!)
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#end?.()
    for (const timer of this.#timers.values()) timer.cancel()
    await this.#working
  }

  #serve(definition: CustomResourceDefinition): void {
    if (!isConditionTrue(definition, 'Established')) return
    this.#compile(definition)
  }

  #compile(definition: CustomResourceDefinition): void {
    const { table, kindOf, retired, storage, log } = this.#parts
    const name = definition.metadata.name!
    const { spec, status } = definition
    const source = JSON.stringify([spec, status.acceptedNames, isTerminating(definition)])
    if (this.#compiled.get(name) === source) return
    try {
      const kind = kindOf(definition)
      const before = table.serve(name, kind)
      this.#compiled.set(name, source)
      refreshFacts(storage, kind.stored)
      if (before.length > 0) retired(before)
    } catch (error) {
      log.error('a custom resource definition cannot be served', { definition: name, error })
    }
  }

  #retire(name: string): void {
    const { table, retired } = this.#parts
    this.#compiled.delete(name)
    retired(table.retire(name))
  }

  #othersOf(group: string, name: string): CustomResourceDefinition[] {
    return this.#parts.reader.list(API, KIND).filter(({ metadata, spec }) => spec.group === group && metadata.name !== name)
  }

  #look(name: string): void {
    if (this.#isStopped) return
    this.#waiting.add(name)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
      const [next] = this.#waiting
      if (next !== undefined) this.#look(next)
    })
  }

  async #work(): Promise<void> {
    // What woke us is still being told to others.
    await Promise.resolve()
    for (const name of this.#waiting) {
      if (this.#isStopped) return
      this.#waiting.delete(name)
      try {
        await this.#settle(name)
      } catch (error) {
        this.#parts.log.warn('a custom resource definition could not be brought into order; trying again', { definition: name, error })
        this.#lookLater(name)
      }
    }
  }

  #lookLater(name: string): void {
    if (this.#isStopped) return
    this.#timers.get(name)?.cancel()
    const timer = this.#parts.clock.after(LOOK_AGAIN, () => {
      this.#timers.delete(name)
      this.#look(name)
    })
    this.#timers.set(name, timer)
  }

  async #settle(name: string): Promise<void> {
    const definition = this.#parts.reader.get(API, KIND, { name })
    if (!definition) return
    if (isTerminating(definition)) return this.#empty(definition)
    const now = timestamp(this.#parts.clock.now())
    const status = acceptNames(definition, this.#othersOf(definition.spec.group, name), now)
    if (status === definition.status) return
    const next = { ...definition, status }
    // Who sees that it is established finds it served.
    if (isConditionTrue(next, 'Established')) this.#compile(next)
    await this.#write(name, (newest) => {
      newest.status = acceptNames(newest, this.#othersOf(newest.spec.group, name), now)
    })
  }

  async #empty(definition: CustomResourceDefinition): Promise<void> {
    const name = definition.metadata.name!
    if (!definition.metadata.finalizers?.includes(CLEANUP_FINALIZER)) return
    const resource = this.#parts.table.ofPrefix(`${definition.spec.group}/${definition.spec.names.plural}/`)
    const emptied: Emptied = resource ? await cleanUp(resource, { ...this.#parts, user: SELF }) : 'empty'
    if (emptied !== 'empty') return this.#lookLater(name)
    await this.#write(name, ({ metadata }) => {
      metadata.finalizers = metadata.finalizers?.filter((finalizer) => finalizer !== CLEANUP_FINALIZER)
    })
  }

  async #write(name: string, change: (newest: CustomResourceDefinition) => void): Promise<void> {
    const { table, writer } = this.#parts
    const resource = table.ofKind(API, KIND)
    if (!resource) return
    const request: WriteRequest = { resource, namespace: '', name, subresource: 'status', user: SELF, dryRun: false, warn() {} }
    try {
      await writer.update(request, { kind: 'internal' }, (previous) => {
        const next = structuredClone(previous)
        change(next as CustomResourceDefinition)
        return next
      })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }
}

const isAccepted = (definition: CustomResourceDefinition) => isConditionTrue(definition, 'NamesAccepted')

/** What selection knows of the objects that are stored already, by the new definition. */
function refreshFacts(storage: Storage<ObjectFacts>, stored: Resource): void {
  for (const entry of storage.entries(stored.prefix)) {
    const { named } = stored.custom!.factsOf(readExactJson(entry.value.toString()) as KubeObject, true)
    Object.assign(entry.facts, { named })
  }
}
