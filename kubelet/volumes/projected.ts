import type { ServiceAccountTokenProjection, VolumeProjection } from '../../shared/openapi/generated/core-v1.ts'
import { apiVolume } from './api-volume.ts'
import type { PayloadFile } from './atomic-files.ts'
import { configMapFiles, DEFAULT_MODE } from './config-map.ts'
import { downwardFiles } from './downward-api.ts'
import type { Mounter } from './mounter.ts'
import { commonUserOf, fsGroupOf } from './ownership.ts'
import type { Allocatable } from './pod-fields.ts'
import type { Freshness, ReferencedObjects } from './referenced-objects.ts'
import { secretFiles } from './secret.ts'
import type { ServiceAccountTokens } from './service-account-token.ts'
import { VolumeError, type VolumeRequest, type VolumeType } from './volume.ts'

export interface ProjectedTools {
  objects: ReferencedObjects
  tokens: ServiceAccountTokens
  allocatable(): Allocatable
  mounter: Mounter
}

/** The API's default, an hour. */
const DEFAULT_TOKEN_SECONDS = 3600

/** Several sources in one folder; this is also how every pod gets its service account's token. */
export function projected(tools: ProjectedTools): VolumeType {
  return apiVolume(
    {
      pluginName: 'kubernetes.io/projected',
      supports: (volume) => volume.projected !== undefined,
      inMemory: true,
      async payload(request, freshness, signal) {
        const { sources, defaultMode = DEFAULT_MODE } = request.volume.projected ?? {}
        const files = new Map<string, PayloadFile>()
        for (const source of sources ?? []) {
          for (const [path, file] of await filesOf(source, { request, mode: defaultMode, freshness, tools }, signal)) files.set(path, file)
        }
        return files
      },
    },
    tools.mounter,
  )
}

interface Projection {
  request: VolumeRequest
  mode: number
  freshness: Freshness
  tools: ProjectedTools
}

async function filesOf(source: VolumeProjection, projection: Projection, signal: AbortSignal): Promise<Iterable<[string, PayloadFile]>> {
  const { request, mode, freshness, tools } = projection
  const namespace = request.pod.metadata.namespace ?? ''
  if (source.secret) return secretFiles(tools.objects, { namespace, source: source.secret, mode, freshness }, signal)
  if (source.configMap) return configMapFiles(tools.objects, { namespace, source: source.configMap, mode, freshness }, signal)
  if (source.downwardAPI) return downwardFiles(request.pod, source.downwardAPI.items ?? [], mode, tools.allocatable())
  if (source.serviceAccountToken) return [await tokenFile(source.serviceAccountToken, projection, signal)]
  const [kind = 'nothing'] = Object.keys(source)
  throw new VolumeError(`a projected volume of ${kind} is not supported on this node`)
}

async function tokenFile(
  { path, audience, expirationSeconds = DEFAULT_TOKEN_SECONDS }: ServiceAccountTokenProjection,
  { request, mode, tools }: Projection,
  signal: AbortSignal,
): Promise<[string, PayloadFile]> {
  const { pod } = request
  const token = await tools.tokens.token(pod, { audience, expirationSeconds }, signal)
  const uid = commonUserOf(pod)
  // Where it is known who reads it, nobody else may.
  const isPrivate = uid !== undefined || fsGroupOf(pod) !== undefined
  return [path, { content: Buffer.from(token, 'utf8'), mode: isPrivate ? 0o600 : mode, uid }]
}
