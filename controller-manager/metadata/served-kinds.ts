import type { Client } from '../../shared/client/client.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { discover, type ServedResource } from './discovery.ts'

/** How long what is served is believed; a kind that is missing is looked for again after the shorter time. Milliseconds. */
const BELIEVED = 5 * 60_000
const LOOK_AGAIN = 10_000

/** Finds the resource of a kind that somebody names; discovery is asked seldom. */
export class ServedKinds {
  readonly #client: Client
  readonly #clock: Clock
  #known: readonly ServedResource[] = []
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** By group and kind, whatever version was named. @throws Error in the words of upstream's mapper where nothing is served */
  async find(apiVersion: string, kind: string, signal: AbortSignal): Promise<ServedResource> {
    const found = await this.lookUp(apiVersion, kind, signal)
    if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(groupOf(apiVersion))}`)
    return found
  }

  /** By group and kind, whatever version was named; undefined where nothing is served. */
  async lookUp(apiVersion: string, kind: string, signal: AbortSignal): Promise<ServedResource | undefined> {
    const group = groupOf(apiVersion)
    const look = () => this.#known.find((each) => each.group === group && each.kind === kind)
    const age = this.#clock.now() - this.#askedAt
    if (age > BELIEVED || (!look() && age > LOOK_AGAIN)) await this.#ask(signal)
    return look()
  }

  /** Whether anybody serves the group. */
  async hasGroup(group: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#clock.now() - this.#askedAt > LOOK_AGAIN) await this.#ask(signal)
    return this.#known.find((each) => each.group === group)?.version
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#known = await discover(this.#client, signal)
    this.#askedAt = this.#clock.now()
  }
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')
