import type { EnvVar, Pod, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { AnyContainer } from '../pods/pod-containers.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'
import { type Allocatable, resourceField } from '../volumes/pod-fields.ts'
import type { ReferencedObjects } from '../volumes/referenced-objects.ts'
import { fieldValue, type PodAddresses } from './field-ref.ts'
import { servicesFor, serviceVariables } from './service-environment.ts'
import { expand, programBudget } from './variable-expansion.ts'

export interface EnvironmentSources {
  config: ReferencedObjects
  services: () => readonly Service[]
  allocatable: () => Allocatable
}

/** Env names a container can have; others from a whole config map are left out, as upstream leaves them. */
const NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/

/**
 * The variables of a container: Services, then `envFrom`, then `env` in order; each may use those before it.
 * @throws RuntimeError CreateContainerConfigError naming what is missing, or what is more than any program can be given
 */
export async function environment(
  pod: Pod,
  container: AnyContainer,
  addresses: PodAddresses,
  sources: EnvironmentSources,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const namespace = pod.metadata.namespace ?? ''
  const result = new Map<string, string>()
  const spend = programBudget('environment variables')
  const set = (name: string, value: string) => {
    spend(name.length + value.length)
    result.set(name, value)
  }
  await importVariables(namespace, container, sources.config, set, signal)

  const services = serviceVariables(servicesFor(namespace, pod.spec.enableServiceLinks ?? true, sources.services()))
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referredValue(pod, container, variable, addresses, sources, signal)
      : expand(variable.value ?? '', (name) => result.get(name) ?? services.get(name))
    if (value !== undefined) set(variable.name, value)
  }
  // What the pod says itself wins over what the cluster offers.
  for (const [name, value] of services) if (!result.has(name)) set(name, value)
  return result
}

async function importVariables(
  namespace: string,
  container: AnyContainer,
  config: ReferencedObjects,
  set: (name: string, value: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? await dataOf(await config.configMap(namespace, configMapRef.name ?? '', 'now', signal), 'configmap', configMapRef)
      : secretRef
        ? decoded(await dataOf(await config.secret(namespace, secretRef.name ?? '', 'now', signal), 'secret', secretRef))
        : {}
    for (const [key, value] of Object.entries(data)) if (NAME.test(prefix + key)) set(prefix + key, value)
  }
}

async function dataOf(
  object: { data?: Record<string, string> | undefined } | undefined,
  kind: 'configmap' | 'secret',
  reference: { name?: string | undefined; optional?: boolean | undefined },
): Promise<Record<string, string>> {
  if (!object && !reference.optional) throw configError(`${kind} "${reference.name}" not found`)
  return object?.data ?? {}
}

async function referredValue(
  pod: Pod,
  container: AnyContainer,
  { name, valueFrom }: EnvVar,
  addresses: PodAddresses,
  { config, allocatable }: EnvironmentSources,
  signal: AbortSignal,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? ''
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {}
  if (fieldRef) {
    const value = fieldValue(pod, fieldRef.fieldPath, addresses)
    if (value === undefined) throw configError(`failed to resolve ${name}: unsupported fieldPath ${fieldRef.fieldPath}`)
    return value
  }
  if (resourceFieldRef) {
    try {
      return resourceField(pod, resourceFieldRef, container.name, allocatable())
    } catch (error) {
      throw configError(`failed to resolve ${name}: ${error instanceof Error ? error.message : error}`)
    }
  }
  const isSecret = secretKeyRef !== undefined
  const reference = secretKeyRef ?? configMapKeyRef
  // Sources that this kubelet does not know yet (fileKeyRef) must not pass for an empty value.
  if (!reference) throw configError(`failed to resolve ${name}: its source is not supported`)
  const { name: objectName = '', key, optional } = reference
  const object = isSecret
    ? await config.secret(namespace, objectName, 'now', signal)
    : await config.configMap(namespace, objectName, 'now', signal)
  const kind = isSecret ? 'secret' : 'configmap'
  if (!object) {
    if (optional) return undefined
    throw configError(`${kind} "${objectName}" not found`)
  }
  const value = object.data?.[key]
  if (value === undefined) {
    if (optional) return undefined
    throw configError(`couldn't find key ${key} in ${isSecret ? 'Secret' : 'ConfigMap'} ${namespace}/${objectName}`)
  }
  return isSecret ? Buffer.from(value, 'base64').toString() : value
}

function decoded(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

function configError(message: string): RuntimeError {
  return new RuntimeError('CreateContainerConfigError', message)
}
