import type { ApiVersion, Client, KindOf, ObjectOf } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Informers } from '../informer/informer.ts'
import type { Logger } from '../logging/logger.ts'
import type { ObjectName } from '../objects/object.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'

/** What a reconcile function may use: nothing ambient. */
export interface ControllerTools {
  /** Caches; read-only, frozen, a little behind the server. */
  informers: Informers
  client: Client
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
  /** Aborts when the controller must stop or has lost its leadership. */
  signal: AbortSignal
}

/** Done (nothing), or look again after some time. A throw is a retry with back-off; a TerminalError is never. */
export type Outcome = void | { requeueAfterMilliseconds: number }

/** One running controller, made by `ControllerDefinition.create` with its tools and settings. */
export interface Controller {
  /** Brings the world one step nearer to what the object named by the key wants. Level-based, idempotent. */
  reconcile(key: string, name: ObjectName): Promise<Outcome>
  /** Sources of keys besides the reconciled kind itself; called once, before informers start. */
  watch?(enqueue: (key: string) => void, enqueueAfter: (key: string, milliseconds: number) => void): void
  /** Background work that has no key of its own (rare); ends when the signal aborts. */
  run?(signal: AbortSignal): Promise<void>
}

/**
 * A control loop: one kind reconciled, one reconcile function. `create` may ask `tools.informers` for what it reads
 * and must start nothing. Every object of `reconciles` is enqueued when it changes.
 */
export interface ControllerDefinition<S = unknown> {
  /** As in `--controllers`: `deployment`, `replicaset`. */
  readonly name: string
  /** The kind whose keys are reconciled; absent where keys come only from `watch`. */
  readonly reconciles?: readonly [ApiVersion, string]
  /** The service account in `kube-system` that it acts as, where upstream's is not `<name>-controller`; null: it acts as its process does. */
  readonly serviceAccount?: string | null
  /** How many keys at once (never the same key twice); default 4. */
  readonly workers?: number
  create(tools: ControllerTools, settings: S): Controller
}

/** Types a definition; the file's default export. `S` are the controller manager's settings (controller-manager/config.ts). */
export function defineController<S>(definition: ControllerDefinition<S>): ControllerDefinition<S> {
  return definition
}

/** Narrowing helper type for owners of a kind. */
export type Reconciled<V extends ApiVersion, K extends KindOf<V>> = ObjectOf<V, K>
