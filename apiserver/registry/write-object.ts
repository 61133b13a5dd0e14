import { type FieldProblem, firstProblems } from '../../shared/errors/field-error.ts'
import { alreadyExists, conflict, hasReason, invalid, notFound, StatusError } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { deepFreeze, type KubeObject } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { AdmissionRequest, AdmissionRule, StrangersTurn } from '../admission/admission.ts'
import { withWrittenFields } from '../ownership/packed-fields.ts'
import { type TrackedWrite, trackCreate, trackUpdate } from '../ownership/track-write.ts'
import { type Change, type Put, type Storage, StorageConflict } from '../storage/storage.ts'
import { commitWrite } from './commit.ts'
import { ConflictQueue } from './conflict-queue.ts'
import { type ClaimsOf, decideClaims, releasedWith } from './decide-claims.ts'
import type { HookContext } from './define-resource.ts'
import { type Encode, encodeObject, isTooLarge, tooLarge } from './encode-object.ts'
import { lookAgain } from './look-again.ts'
import { factsOf, type ObjectFacts, type StoredEntry } from './object-facts.ts'
import { keepIdentity, placeInNamespace, stampNewObject } from './object-metadata.ts'
import { storageKey } from './read-object.ts'
import { type Held, reserveAll } from './reservations.ts'
import type { Resource } from './resource-table.ts'
import type { RunTimeShape } from './run-time-shape.ts'
import { sameObject } from './same-object.ts'
import { sameSpec } from './same-value.ts'
import { isOutdated, isTaken } from './store-unavailable.ts'
import type { StoredObjects } from './stored-objects.ts'
import { type Undo, withUndo } from './undo.ts'
import { isFinallyDeleted, restrictTo, type UpdatePart } from './update-part.ts'
import { createProblems, updateProblems } from './write-problems.ts'
import type { WriteRequest } from './write-request.ts'

export interface Written {
  /** The bytes to answer. */
  readonly value: Buffer
  readonly created: boolean
}

/**
 * Makes the next state from the newest stored one; called again with a newer one when another writer was faster, so it must
 * build a fresh object each time. `previous` is frozen.
 */
export type ChangeObject = (previous: KubeObject) => KubeObject | Promise<KubeObject>

export interface WriterTools {
  readonly storage: Storage<ObjectFacts>
  readonly objects: StoredObjects
  readonly rules: readonly AdmissionRule[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Told of each change, with the request that made it. */
  readonly committed?: ((request: WriteRequest, change: Change<ObjectFacts>) => void) | undefined
}

/** How often a generated name is tried again when it is taken. */
const NAME_ATTEMPTS = 8
/** A writer that loses this often gives up with Conflict. */
const LOOP_LIMIT = 100

/** The only optimistic loop: current → change → default → admit → validate → reserve → store. */
export class ObjectWriter {
  readonly #tools: WriterTools
  readonly #mutating: readonly AdmissionRule[]
  readonly #validating: readonly AdmissionRule[]
  readonly #reserving: readonly AdmissionRule[]
  readonly #conflicts: ConflictQueue

  constructor(tools: WriterTools) {
    this.#tools = tools
    this.#conflicts = new ConflictQueue(tools.storage)
    this.#mutating = tools.rules.filter((rule) => rule.mutate)
    this.#validating = tools.rules.filter((rule) => rule.validate)
    this.#reserving = tools.rules.filter((rule) => rule.reserve)
  }

  contextOf(request: WriteRequest): HookContext {
    const { objects: reader, clock, random } = this.#tools
    const { user, dryRun, audit } = request
    return { user, dryRun, audit, warn: (sentence) => request.warn(sentence), reader, clock, random }
  }

  #tracked({ author, resource, subresource }: WriteRequest): TrackedWrite {
    const { clock, objects } = this.#tools
    const inVersion = (apiVersion: string) => objects.inVersion(resource, apiVersion)
    return { author: author ?? { manager: 'kube-apiserver', served: resource }, subresource, now: clock.now(), inVersion }
  }

  /** @throws StatusError AlreadyExists, Invalid, Forbidden, BadRequest */
  create(request: WriteRequest, object: KubeObject): Promise<Written> {
    return lookAgain(this.#tools, object, (sent) => withUndo((onFailure) => this.#createOnce(request, sent, onFailure)))
  }

  async #createOnce(request: WriteRequest, object: KubeObject, onFailure: OnFailure): Promise<Written> {
    const { resource } = request
    const { hooks } = resource.definition
    const context = this.contextOf(request)
    placeInNamespace(resource, object, request.namespace)
    if (hooks.answer) return this.#answer(request, object, context)
    const isGenerated = !object.metadata.name && !!object.metadata.generateName
    stampNewObject(resource, object, this.#tools.random, this.#tools.clock.now())
    hooks.applyDefaults?.(object, context)
    trackCreate(object, this.#tracked(request))
    await this.#admit('mutate', 'CREATE', request, object, undefined, context)
    if (this.#mutating.length > 0) hooks.applyDefaults?.(object, context)
    if (resource.hasStatus && !hooks.keepsStatusOnCreate) {
      Object.assign(object, { status: resource.schema.fields.get('status')?.emptyValue() ?? undefined })
    }
    hooks.prepareForCreate?.(object, context)
    this.#refuseInvalid(resource, object, createProblems(request, object))
    for (const sentence of hooks.warnings?.(object) ?? []) request.warn(sentence)
    await this.#admit('validate', 'CREATE', request, object, undefined, context, onFailure)
    for (let attempt = 1; ; attempt++) {
      const key = storageKey(resource, object.metadata.namespace ?? '', object.metadata.name!)
      try {
        if (await isTaken(this.#tools.storage, key)) throw new StorageConflict(key, undefined)
        const value = await this.#store(request, { key, object, previous: undefined, expect: 0, context })
        return { value, created: true }
      } catch (error) {
        if (!(error instanceof StorageConflict)) throw error
        if (!isGenerated || attempt === NAME_ATTEMPTS) throw alreadyExists(resource.named, object.metadata.name!)
        object.metadata.name = undefined
        stampNewObject(resource, object, this.#tools.random, this.#tools.clock.now())
      }
    }
  }

  /** A question in the shape of an object: it needs no name, and is not stored. */
  async #answer(request: WriteRequest, object: KubeObject, context: HookContext): Promise<Written> {
    const { hooks } = request.resource.definition
    hooks.applyDefaults?.(object, context)
    await this.#admit('mutate', 'CREATE', request, object, undefined, context)
    hooks.prepareForCreate?.(object, context)
    this.#refuseInvalid(request.resource, object, hooks.validate?.(object) ?? [])
    await this.#admit('validate', 'CREATE', request, object, undefined, context)
    return { value: Buffer.from(JSON.stringify(await hooks.answer!(object, context))), created: true }
  }

  /** @throws StatusError NotFound, Conflict, Invalid, Forbidden, BadRequest, and what `change` throws */
  async update(request: WriteRequest, part: UpdatePart, change: ChangeObject): Promise<Written> {
    const { resource, namespace, name } = request
    const key = storageKey(resource, namespace, name)
    let isRefused = false
    for (let attempt = 1; ; attempt++) {
      // Writers of one object line up behind what is queued instead of losing to it; a refusal must not rest on what may yet fail.
      const durable = this.#tools.storage.get(key)
      const entry = isRefused ? durable : this.#tools.storage.newest(key)
      const isQueued = entry !== durable
      try {
        if (!entry) throw notFound(resource.named, name)
        const value = await withUndo((onFailure) => this.#updateOnce(request, part, change, entry, onFailure))
        if (request.isConditional && this.#conflicts.isContended(key)) await this.#conflicts.wait(key)
        return { value, created: false }
      } catch (error) {
        if (isQueued && !(error instanceof StorageConflict)) {
          await (hasReason(error, 'Conflict') ? this.#conflicts.wait(key) : this.#tools.storage.settled(key))
          isRefused = true
          continue
        }
        // Nor on what another server has changed meanwhile.
        if (!(error instanceof StorageConflict) && !(await isOutdated(this.#tools.storage, key, entry))) throw error
        isRefused = false
        if (attempt === LOOP_LIMIT) throw conflict(resource.named, name, 'other writers were faster every time; please try again')
      }
    }
  }

  /** Marks or removes; the deletion rules are in deletion.ts. @throws StorageConflict when the entry is no longer the newest */
  async replace(request: WriteRequest, entry: StoredEntry, object: KubeObject): Promise<Buffer> {
    return this.#store(request, { key: entry.key, object, previous: undefined, expect: entry.revision, context: undefined })
  }

  /** Removes the entry, `last` as an object. @throws StorageConflict */
  async remove(request: WriteRequest, entry: StoredEntry, last: KubeObject): Promise<void> {
    if (request.dryRun) return
    const { hooks } = request.resource.definition
    const { durability = 'synced' } = hooks
    const claims = releasedWith(this.#tools.storage, hooks, last)
    const write = { key: entry.key, type: 'delete', expect: entry.revision, durability, claims } as const
    await commitWrite(this.#tools, write, { hooks, next: undefined, previous: last }, request)
  }

  /** Asks the admission rules about something that stores nothing itself: deletes, connects, actions. */
  async admitOther(
    operation: 'DELETE' | 'CONNECT' | 'CREATE',
    request: WriteRequest,
    object: KubeObject | undefined,
    previous: KubeObject | undefined,
  ) {
    const context = this.contextOf(request)
    await this.#admit('mutate', operation, request, object, previous, context)
    await this.#admit('validate', operation, request, object, previous, context)
  }

  async #updateOnce(
    request: WriteRequest,
    part: UpdatePart,
    change: ChangeObject,
    entry: StoredEntry,
    onFailure: OnFailure,
  ): Promise<Buffer> {
    const { resource, name } = request
    const { hooks } = resource.definition
    const context = this.contextOf(request)
    const previous = resource.custom ? await this.#shown(resource.custom, entry) : this.#tools.objects.objectOf(entry)
    let next = await change(previous)
    this.#checkPreconditions(resource, name, next, previous, part)
    if (part.kind !== 'internal') {
      placeInNamespace(resource, next, request.namespace)
      keepIdentity(next, previous)
      next = restrictTo(part, resource, next, previous, context)
      hooks.applyDefaults?.(next, context)
      trackUpdate(previous, next, this.#tracked(request))
      const { managedFields } = next.metadata
      if (await this.#admit('mutate', 'UPDATE', request, next, previous, context)) {
        // Strangers changed it: what this part of the API may not change is as it was, and nobody is on record for what they did.
        keepIdentity(next, previous)
        next = restrictTo(part, resource, next, previous, context)
        next.metadata.managedFields = managedFields
      }
      if (this.#mutating.length > 0) hooks.applyDefaults?.(next, context)
      if (part.kind === 'main') hooks.prepareForUpdate?.(next, previous, context)
      if (part.kind === 'status') hooks.prepareForStatusUpdate?.(next, previous, context)
      this.#countGeneration(resource, part, next, previous)
      this.#refuseInvalid(resource, next, updateProblems(part, request, next, previous))
      if (part.kind === 'main') for (const sentence of hooks.warnings?.(next) ?? []) request.warn(sentence)
      await this.#admit('validate', 'UPDATE', request, next, previous, context, onFailure)
    } else {
      // What the server itself decides (the node of a pod) is no new wish: generation stays.
      keepIdentity(next, previous)
    }
    if (isFinallyDeleted(resource, next, previous)) {
      await this.remove(request, entry, this.#tools.objects.objectOf(entry))
      return encodeObject(next)(entry.revision)
    }
    const stored = resource.custom ? await resource.custom.toStored(next) : next
    const encode = encodeObject(stored)
    const isNews = !sameObject(encode(entry.revision), entry.value, stored, this.#tools.objects.objectOf(entry))
    // What changes nothing is written all the same where its form on the medium is an old one: so keys are rotated.
    if (!isNews && this.#tools.storage.formOf(entry) === 'newest') {
      await this.#tools.storage.settled(entry.key)
      // What we found equal may have failed to become durable.
      if (this.#tools.storage.get(entry.key) !== entry) throw new StorageConflict(entry.key, undefined)
      return entry.value
    }
    return this.#store(request, { key: entry.key, object: next, previous, expect: entry.revision, context, encode })
  }

  /** What the version that is spoken shows of an entry of a kind that was defined at run time. */
  async #shown(custom: RunTimeShape, entry: StoredEntry): Promise<KubeObject> {
    const [shown] = await custom.shown([entry])
    return shown === entry ? this.#tools.objects.objectOf(entry) : deepFreeze(readExactJson(shown!.value.toString()) as KubeObject)
  }

  #checkPreconditions(resource: Resource, name: string, next: KubeObject, previous: KubeObject, part: UpdatePart): void {
    const { resourceVersion, uid } = next.metadata
    if (next.metadata.name && next.metadata.name !== name) {
      throw new StatusError('BadRequest', `the name of the object (${next.metadata.name}) does not match the name on the URL (${name})`)
    }
    if (uid && uid !== previous.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`
      throw conflict(resource.named, name, why)
    }
    if (!resourceVersion) {
      if (resource.definition.hooks.requiresResourceVersion && part.kind === 'main') {
        const problem = {
          path: 'metadata.resourceVersion',
          kind: 'FieldValueInvalid',
          message: 'Invalid value: 0: must be specified for an update',
        } as const
        throw invalid({ group: resource.group, kind: resource.kind }, name, [problem])
      }
    } else if (resourceVersion !== previous.metadata.resourceVersion) {
      throw conflict(resource.named, name, 'the object has been modified; please apply your changes to the latest version and try again')
    }
  }

  #countGeneration(resource: Resource, part: UpdatePart, next: KubeObject, previous: KubeObject): void {
    if (!resource.hasGeneration || part.kind === 'status') return
    if (!sameSpec(next, previous, resource.hasStatus || !resource.custom))
      next.metadata.generation = (previous.metadata.generation ?? 0) + 1
  }

  #refuseInvalid(resource: Resource, object: KubeObject, found: Iterable<FieldProblem>): void {
    const problems = firstProblems(found)
    if (problems.length > 0) throw invalid({ group: resource.group, kind: resource.kind }, object.metadata.name ?? '', problems)
  }

  /** Whether strangers changed the object. */
  async #admit(
    phase: 'mutate' | 'validate',
    operation: AdmissionRequest['operation'],
    request: WriteRequest,
    object: KubeObject | undefined,
    previous: KubeObject | undefined,
    context: HookContext,
    onFailure: OnFailure = nothingTaken,
  ): Promise<boolean> {
    const rules = phase === 'mutate' ? this.#mutating : this.#validating
    if (rules.length === 0) return false
    const asked = askedOf(operation, request, object, previous, context, onFailure)
    let turns: Map<AdmissionRule, StrangersTurn> | undefined
    let hasChanged = false
    for (const rule of rules) {
      const answer = phase === 'mutate' ? rule.mutate!(asked) : rule.validate!(asked)
      const turn = answer && (await answer)
      if (!turn) continue
      turns = (turns ?? new Map()).set(rule, turn)
      hasChanged ||= turn.hasChanged
    }
    if (!turns || !hasChanged) return false
    for (const rule of rules) await (turns.get(rule)?.again ?? rule.mutate!)(asked)
    return true
  }

  async #store(request: WriteRequest, wish: StoreWish): Promise<Buffer> {
    const { resource } = request
    const encode = wish.encode ?? encodeObject(resource.custom ? await resource.custom.toStored(wish.object) : wish.object)
    const write = this.#write(resource, wish.key, wish.object, wish.expect, encode)
    // A dry run answers what would be stored; a new object has no revision yet.
    if (request.dryRun) return wish.expect === 0 ? Buffer.from(JSON.stringify(withWrittenFields(wish.object))) : encode(wish.expect)
    if (wish.context && isTooLarge(encode, wish.expect)) {
      // As upstream: rather without knowing who owns what.
      if (!wish.object.metadata.managedFields) throw tooLarge(encode(wish.expect).length)
      wish.object.metadata.managedFields = undefined
      return this.#store(request, { ...wish, encode: undefined })
    }
    // What is only marked for deletion takes nothing, and keeps what came with it.
    if (!wish.context) return commitWrite(this.#tools, write, undefined, request)
    const { context } = wish
    return decideClaims(this.#tools, { ...wish, hooks: resource.definition.hooks }, (claims) =>
      this.#commitReserved(request, wish, context, write, claims),
    )
  }

  async #commitReserved(
    request: WriteRequest,
    wish: StoreWish,
    context: HookContext,
    write: Put<ObjectFacts>,
    claims: ClaimsOf | undefined,
  ): Promise<Buffer> {
    const { resource } = request
    const held = this.#reserve(request, wish, context)
    try {
      // What was reserved is written into the object, so its text is made only now.
      const final = held.isChanged ? this.#write(resource, wish.key, wish.object, wish.expect) : write
      const { hooks } = resource.definition
      const decided = claims ? { ...final, claims: claims() } : final
      const value = await commitWrite(this.#tools, decided, { hooks, next: wish.object, previous: wish.previous }, request)
      held.stored()
      return value
    } catch (error) {
      held.failed()
      throw error
    }
  }

  #reserve(request: WriteRequest, { object, previous }: StoreWish, context: HookContext): Held {
    const asked = askedOf(previous ? 'UPDATE' : 'CREATE', request, object, previous, context)
    return reserveAll({ object, previous, context, asked, hooks: request.resource.definition.hooks, rules: this.#reserving })
  }

  #write(resource: Resource, key: string, object: KubeObject, expect: number, encode = encodeObject(object)): Put<ObjectFacts> {
    const { durability = 'synced' } = resource.definition.hooks
    const facts = factsOf(resource, object)
    return { key, encode, type: 'put', expect, durability, facts }
  }
}

function askedOf(
  operation: AdmissionRequest['operation'],
  { resource, namespace, name, subresource, user, dryRun, spoken, options }: WriteRequest,
  object: KubeObject | undefined,
  previous: KubeObject | undefined,
  context: HookContext,
  onFailure: OnFailure = nothingTaken,
): AdmissionRequest {
  return {
    ...{ operation, definition: resource.definition, group: resource.group, version: resource.version, resource: resource.plural },
    ...{ subresource, namespace, name: object?.metadata.name ?? name, user, object, previous, dryRun, context, onFailure },
    ...{ spoken, options },
  }
}

type OnFailure = (undo: Undo) => void

/** For what stores nothing. */
const nothingTaken: OnFailure = () => undefined

interface StoreWish {
  readonly key: string
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
  readonly expect: number
  /** Absent where nothing may be reserved. */
  readonly context: HookContext | undefined
  readonly encode?: Encode | undefined
}
