import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { FlowSchema } from '../../shared/openapi/generated/flowcontrol-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import type { ObjectWriter } from '../registry/write-object.ts'
import { mandatoryLevels, mandatorySchemas } from './bootstrap-policy.ts'
import { danglingOf, withCondition } from './dangling.ts'
import type { FlowControl } from './flow-control.ts'
import { planFlows } from './flow-policy.ts'

const API = 'flowcontrol.apiserver.k8s.io/v1'

export interface FollowOptions {
  readonly reader: ObjectReader
  readonly writer: ObjectWriter
  readonly table: ResourceTable
  readonly flowControl: FlowControl
  /** Makes the mandatory objects again. */
  readonly ensureMandatory: () => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** How often it is looked whether something is still to be repaired, in milliseconds. */
const REPAIR_INTERVAL = 60_000

/**
 * Keeps flow control as the stored objects say, and keeps the objects as they must be: the mandatory ones exist, and each schema's
 * `Dangling` condition is true to what there is.
 */
export class FlowPolicyFollower {
  readonly #options: FollowOptions
  readonly #ends: (() => void)[] = []
  #isDirty = false
  #isRepairing = false
  #repairs = false

  constructor(options: FollowOptions) {
    this.#options = options
  }

  /** @param repair false for a store that is only read */
  start({ repair }: { repair: boolean }): void {
    this.#repairs = repair
    const { reader, clock } = this.#options
    const changed = () => this.#changed()
    this.#ends.push(reader.follow(API, 'FlowSchema', changed, { previous: false }))
    this.#ends.push(reader.follow(API, 'PriorityLevelConfiguration', changed, { previous: false }))
    const timer = clock.every(REPAIR_INTERVAL, () => void this.#repair())
    this.#ends.push(() => timer.cancel())
    this.#refresh()
  }

  stop(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  /** Many changes in one turn are one new policy. */
  #changed(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    setImmediate(() => {
      this.#isDirty = false
      if (this.#ends.length === 0) return
      this.#refresh()
      void this.#repair()
    })
  }

  #refresh(): void {
    const { reader, flowControl } = this.#options
    flowControl.configure(planFlows(reader.list(API, 'FlowSchema'), reader.list(API, 'PriorityLevelConfiguration'), flowControl.seats))
  }

  async #repair(): Promise<void> {
    if (this.#isRepairing || !this.#repairs) return
    this.#isRepairing = true
    try {
      await this.#repairOnce()
    } catch (error) {
      this.#options.log.warn('could not repair the objects of flow control; trying again in a minute', { error })
    }
    this.#isRepairing = false
  }

  async #repairOnce(): Promise<void> {
    const { reader, clock, ensureMandatory } = this.#options
    const schemas = reader.list(API, 'FlowSchema')
    const levels = new Set(reader.list(API, 'PriorityLevelConfiguration').map(({ metadata }) => metadata.name))
    const names = new Set(schemas.map(({ metadata }) => metadata.name))
    const isComplete = mandatoryLevels.every(({ name }) => levels.has(name)) && mandatorySchemas.every(({ name }) => names.has(name))
    if (!isComplete) await ensureMandatory()
    for (const schema of schemas) {
      const condition = danglingOf(schema, levels.has(schema.spec.priorityLevelConfiguration.name), clock.now())
      if (!schema.status.conditions?.includes(condition)) await this.#writeCondition(schema)
    }
  }

  async #writeCondition({ metadata: { name = '' } }: FlowSchema): Promise<void> {
    const { table, writer, reader, clock } = this.#options
    const resource = table.ofKind(API, 'FlowSchema')
    if (!resource) return
    const user = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }
    const request = { resource, namespace: '', name, subresource: 'status', user, dryRun: false, warn() {} }
    const change = (previous: KubeObject) => {
      // The registry gives the object of this very key.
      const next = structuredClone(previous) as FlowSchema
      const level = { name: next.spec.priorityLevelConfiguration.name }
      const exists = reader.get(API, 'PriorityLevelConfiguration', level) !== undefined
      next.status.conditions = withCondition(next.status.conditions, danglingOf(next, exists, clock.now()))
      return next
    }
    try {
      await writer.update(request, { kind: 'status' }, change)
    } catch (error) {
      // Deleted meanwhile: there is nothing to say of it any more.
      if (!hasReason(error, 'NotFound')) throw error
    }
  }
}
