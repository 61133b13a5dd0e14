import type { EventRecorder } from '../client/event-recorder.ts'
import { createEventRecorder } from '../client/queued-event-recorder.ts'
import type { ControllerDefinition } from '../controller/define-controller.ts'
import { createControllerRunner } from '../controller/runner.ts'
import type { ComponentTools } from './component.ts'
import { ConfigError } from './config.ts'
import { loadFolder } from './load-folder.ts'

/**
 * Every controller that has a file in the folder: a new file is a new controller.
 * @throws Error when two have one name, or a file holds something else
 */
export async function loadControllerFolder<D extends ControllerDefinition<never>>(folder: string): Promise<D[]> {
  const modules = await loadFolder(folder, isDefinition<D>)
  const names = new Map<string, string>()
  for (const { file, value } of modules) {
    const other = names.get(value.name)
    if (other !== undefined) throw new Error(`the controller ${value.name} is defined by ${other} and by ${file}`)
    names.set(value.name, file)
  }
  return modules.map(({ value }) => value)
}

/** What its settings are is the folder's promise: they are not looked at before `create`. */
function isDefinition<D extends ControllerDefinition<never>>(exported: unknown): exported is D {
  return (
    typeof exported === 'object' && exported !== null && 'name' in exported && 'create' in exported && typeof exported.create === 'function'
  )
}

/** The controllers chosen by `--controllers`: `*` for all, a name for one, `-name` for all but one. @throws ConfigError for a name nobody has */
export function chosen<D extends { readonly name: string }>(definitions: readonly D[], names: readonly string[]): D[] {
  const known = new Set(definitions.map(({ name }) => name))
  const unknown = names.map((name) => name.replace(/^-/, '')).filter((name) => name !== '*' && !known.has(name))
  if (unknown.length > 0)
    throw new ConfigError(`--controllers: no controller is called ${unknown.join(', ')}; there are ${[...known].sort().join(', ')}`)
  return definitions.filter(({ name }) => !names.includes(`-${name}`) && (names.includes('*') || names.includes(name)))
}

/** The service account that a controller writes as; its rights are those of the role `system:controller:<account>`. Undefined: it has none of its own. */
export function accountOf({ name, serviceAccount }: Pick<ControllerDefinition, 'name' | 'serviceAccount'>): string | undefined {
  return serviceAccount === null ? undefined : (serviceAccount ?? `${name}-controller`)
}

/**
 * Controllers with their tools in hand, to be run together by whoever leads. They share caches, which their process fills
 * under its own name; nearly each writes as a service account of its own.
 */
export class ControllerSet<S> {
  readonly #working = new AbortController()
  readonly #runners
  readonly #recorders: EventRecorder[] = []

  /**
   * Made before the informers start, so that they know what is read.
   * @param eventSources under which name a controller's Events are seen, where it is not `<name>-controller`
   */
  constructor(
    definitions: readonly ControllerDefinition<S>[],
    tools: ComponentTools,
    settings: S,
    eventSources: ReadonlyMap<string, string>,
  ) {
    this.#runners = definitions.map((definition) => {
      const account = accountOf(definition)
      const client = account === undefined ? tools.client : tools.actAs({ namespace: 'kube-system', name: account })
      const source = eventSources.get(definition.name) ?? `${definition.name}-controller`
      const events = createEventRecorder({ ...tools, client }, { component: source })
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
