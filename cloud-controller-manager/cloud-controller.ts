import type { ControllerDefinition } from '../shared/controller/define-controller.ts'
import type { CloudConfig } from './config.ts'
import type { CloudProvider } from './provider.ts'

/** What controllers here are made with. */
export interface CloudParts {
  readonly config: CloudConfig
  readonly provider: CloudProvider
}

/** A controller that has work only where the provider has a part. */
export interface CloudController extends ControllerDefinition<CloudParts> {
  readonly needs?: 'instances' | 'loadBalancers' | 'routes'
}

/** Types a definition; the file's default export. */
export function defineCloudController(definition: CloudController): CloudController {
  return definition
}

/** A part of the provider by which the controller was chosen. @throws Error when it was not */
export function partOf<K extends 'instances' | 'loadBalancers' | 'routes'>(
  provider: CloudProvider,
  part: K,
): NonNullable<CloudProvider[K]> {
  const found = provider[part]
  if (!found) throw new Error(`the provider ${provider.name} has no ${part}`)
  return found
}
