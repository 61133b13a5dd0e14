import type { Client } from '../../shared/client/client.ts'
import type { CrossVersionObjectReference } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { collectionPath } from '../metadata/discovery.ts'
import type { ServedKinds } from '../metadata/served-kinds.ts'

/** How large something is meant to be and is, whatever its kind (autoscaling/v1 Scale). */
export interface TargetScale {
  readonly path: string
  readonly specReplicas: number
  readonly statusReplicas: number
  readonly selector: string
  /** As received, to be written back with its resourceVersion. */
  readonly body: Readonly<Record<string, unknown>>
}

/** @throws Error when the kind is not served or has no scale, StatusError of the server */
export async function readScale(
  client: Client,
  kinds: ServedKinds,
  { apiVersion = '', kind, name }: CrossVersionObjectReference,
  namespace: string,
  signal: AbortSignal,
): Promise<TargetScale> {
  const path = `${collectionPath(await kinds.find(apiVersion, kind, signal), namespace)}/${encodeURIComponent(name)}/scale`
  const body = await client.request('GET', path, { signal })
  if (!isRecord(body)) throw new Error('the answer is no Scale')
  const spec = isRecord(body['spec']) ? body['spec'] : {}
  const status = isRecord(body['status']) ? body['status'] : {}
  return {
    ...{ path, body, specReplicas: count(spec['replicas']), statusReplicas: count(status['replicas']) },
    selector: typeof status['selector'] === 'string' ? status['selector'] : '',
  }
}

/** Writes another size, if nobody else has meanwhile. @throws StatusError */
export async function writeScale(client: Client, { path, body }: TargetScale, replicas: number, signal: AbortSignal): Promise<void> {
  await client.request('PUT', path, { body: { ...body, spec: { replicas } }, signal })
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
