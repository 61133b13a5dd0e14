import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { AdmissionRequest } from '../admission.ts'
import { isHidden } from '../matching/selected.ts'
import { type Webhook, webhookOf } from './webhook.ts'
import type { WebhookTools } from './webhook-tools.ts'

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

const VERSION = 'admissionregistration.k8s.io/v1'
const NONE: readonly Webhook[] = []

/**
 * The webhooks of all configurations of a kind, in the order in which they are asked: by the configurations' names, then as listed. Read from the
 * store each time, which keeps short lists: a change that was acknowledged holds for the next request.
 */
export class WebhookList {
  readonly #kind: Configuration['kind']
  readonly #tools: Pick<WebhookTools, 'table' | 'self'>
  /** Stored configurations are frozen, and others when they have changed. */
  readonly #known = new WeakMap<Configuration, readonly Webhook[]>()

  constructor(kind: Configuration['kind'], tools: Pick<WebhookTools, 'table' | 'self'>) {
    this.#kind = kind
    this.#tools = tools
  }

  /** Those that may want to see a request; none where it is shown to nobody. */
  of(request: AdmissionRequest): readonly Webhook[] {
    if (!this.#tools.table.ofKind(VERSION, this.#kind)) return NONE
    const configurations: readonly Configuration[] = request.context.reader.list(VERSION, this.#kind)
    if (configurations.length === 0 || request.user === this.#tools.self || isHidden(request)) return NONE
    return configurations.flatMap((each) => this.#webhooksOf(each))
  }

  #webhooksOf(configuration: Configuration): readonly Webhook[] {
    const known = this.#known.get(configuration)
    if (known) return known
    const webhooks = (configuration.webhooks ?? []).map((each) => webhookOf(each, configuration.metadata.name ?? ''))
    this.#known.set(configuration, webhooks)
    return webhooks
  }
}
