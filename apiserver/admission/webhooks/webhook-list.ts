import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { ObjectReader } from '../../registry/object-reader.ts'
import type { ResourceTable } from '../../registry/resource-table.ts'
import { type Webhook, webhookOf } from './webhook.ts'

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

const VERSION = 'admissionregistration.k8s.io/v1'
const NONE: readonly Webhook[] = []

/**
 * The webhooks of all configurations of a kind, in the order in which they are asked: by the configurations' names, then as listed. Read from the
 * store each time, which keeps short lists: a change that was acknowledged holds for the next request.
 */
export class WebhookList {
  readonly #kind: Configuration['kind']
  readonly #table: ResourceTable
  /** Stored configurations are frozen, and others when they have changed. */
  readonly #known = new WeakMap<Configuration, readonly Webhook[]>()

  constructor(kind: Configuration['kind'], table: ResourceTable) {
    this.#kind = kind
    this.#table = table
  }

  of(reader: ObjectReader): readonly Webhook[] {
    if (!this.#table.ofKind(VERSION, this.#kind)) return NONE
    const configurations: readonly Configuration[] = reader.list(VERSION, this.#kind)
    return configurations.length === 0 ? NONE : configurations.flatMap((each) => this.#webhooksOf(each))
  }

  #webhooksOf(configuration: Configuration): readonly Webhook[] {
    const known = this.#known.get(configuration)
    if (known) return known
    const webhooks = (configuration.webhooks ?? []).map(webhookOf)
    this.#known.set(configuration, webhooks)
    return webhooks
  }
}
