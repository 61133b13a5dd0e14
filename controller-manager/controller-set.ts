import type { EventRecorder } from '../shared/client/event-recorder.ts'
import { createEventRecorder } from '../shared/client/queued-event-recorder.ts'
import type { ControllerDefinition } from '../shared/controller/define-controller.ts'
import { createControllerRunner } from '../shared/controller/runner.ts'
import type { ComponentTools } from '../shared/process/component.ts'
import { ConfigError } from '../shared/process/config.ts'
import type { ControllerSettings } from './config.ts'

/** The controllers chosen by `--controllers`: `*` for all, a name for one, `-name` for all but one. @throws ConfigError for a name nobody has */
export function chosen<S>(definitions: readonly ControllerDefinition<S>[], names: readonly string[]): ControllerDefinition<S>[] {
  const known = new Set(definitions.map(({ name }) => name))
  const unknown = names.map((name) => name.replace(/^-/, '')).filter((name) => name !== '*' && !known.has(name))
  if (unknown.length > 0)
    throw new ConfigError(`--controllers: no controller is called ${unknown.join(', ')}; there are ${[...known].sort().join(', ')}`)
  return definitions.filter(({ name }) => !names.includes(`-${name}`) && (names.includes('*') || names.includes(name)))
}

/** The service account that a controller writes as; its rights are those of the role `system:controller:<account>`. */
export function accountOf({ name, serviceAccount }: Pick<ControllerDefinition, 'name' | 'serviceAccount'>): string {
  return serviceAccount ?? `${name}-controller`
}

/** Under which name a controller's Events are seen, where upstream's is not `<name>-controller`. */
const EVENT_SOURCES: Readonly<Record<string, string>> = {
  'node-lifecycle': 'node-controller',
  'node-ipam': 'cidrAllocator',
  endpointslicemirroring: 'endpoint-slice-mirroring-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler',
  'persistentvolume-binder': 'persistentvolume-controller',
  'persistentvolume-expander': 'volume_expand',
  'ephemeral-volume': 'ephemeral_volume',
}

/**
 * Controllers with their tools in hand, to be run together by whoever leads. They share caches, which the controller manager fills
 * under its own name; each writes as a service account of its own.
 */
export class ControllerSet {
  readonly #working = new AbortController()
  readonly #runners
  readonly #recorders: EventRecorder[] = []

  /** Made before the informers start, so that they know what is read. */
  constructor(definitions: readonly ControllerDefinition<ControllerSettings>[], tools: ComponentTools, settings: ControllerSettings) {
    this.#runners = definitions.map((definition) => {
      const client = tools.actAs({ namespace: 'kube-system', name: accountOf(definition) })
      const events = createEventRecorder(
        { ...tools, client },
        { component: EVENT_SOURCES[definition.name] ?? `${definition.name}-controller` },
      )
      this.#recorders.push(events)
      return createControllerRunner(definition, { ...tools, client, events, signal: this.#working.signal }, settings)
    })
  }

  /** Works until the signal aborts; resolves when the last worker has put its tools down. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#working.abort(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    await Promise.all(this.#runners.map((runner) => runner.run()))
    await Promise.all(this.#recorders.map((recorder) => recorder.flush()))
  }
}
