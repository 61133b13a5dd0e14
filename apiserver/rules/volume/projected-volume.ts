import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { DownwardAPIVolumeFile, ProjectedVolumeSource, VolumeProjection } from '../../../shared/openapi/generated/core-v1.ts'
import { fieldRefProblems, resourceRefProblems, volumeFields } from '../container/container-environment.ts'
import { fileModeProblems, filesProblems } from './file-mode.ts'
import { projectedPathProblems } from './local-path.ts'

const SHORTEST_TOKEN_SECONDS = 600
const LONGEST_TOKEN_SECONDS = 2 ** 32

/** Facts of the pod written as files: each from one source. */
export function* downwardItemsProblems(items: readonly DownwardAPIVolumeFile[], path: string): Generator<FieldProblem> {
  for (const [index, item] of items.entries()) {
    const at = `${path}[${index}]`
    if (!item.path) yield fieldProblem.required(`${at}.path`)
    else yield* projectedPathProblems(item.path, `${at}.path`)
    if (item.fieldRef) {
      yield* fieldRefProblems(item.fieldRef, volumeFields, `${at}.fieldRef`)
      if (item.resourceFieldRef)
        yield fieldProblem.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
    } else if (item.resourceFieldRef) yield* resourceRefProblems(item.resourceFieldRef, `${at}.resourceFieldRef`, true)
    else yield fieldProblem.required(at, 'one of fieldRef and resourceFieldRef is required')
    yield* fileModeProblems(item.mode, `${at}.mode`)
  }
}

/** Several sources in one folder. */
export function* projectedProblems(volume: ProjectedVolumeSource, path: string): Generator<FieldProblem> {
  yield* fileModeProblems(volume.defaultMode, `${path}.defaultMode`)
  for (const [index, source] of (volume.sources ?? []).entries()) {
    const at = `${path}.sources[${index}]`
    const [, ...more] = Object.keys(source).filter((key) => source[key as keyof VolumeProjection] !== undefined)
    if (Object.keys(source).length === 0) yield fieldProblem.required(at, 'one of sources is required')
    for (const other of more) yield fieldProblem.forbidden(`${at}.${other}`, 'may not specify more than 1 volume type per source')
    if (more.length === 0) yield* projectionProblems(source, at)
  }
}

function* projectionProblems(
  { secret, configMap, downwardAPI, serviceAccountToken: token }: VolumeProjection,
  path: string,
): Generator<FieldProblem> {
  if (secret) {
    if (!secret.name) yield fieldProblem.required(`${path}.secret.name`)
    yield* filesProblems(secret.items, undefined, `${path}.secret`)
  }
  if (configMap) {
    if (!configMap.name) yield fieldProblem.required(`${path}.configMap.name`)
    yield* filesProblems(configMap.items, undefined, `${path}.configMap`)
  }
  if (downwardAPI) yield* downwardItemsProblems(downwardAPI.items ?? [], `${path}.downwardAPI.items`)
  if (!token) return
  const seconds = token.expirationSeconds ?? SHORTEST_TOKEN_SECONDS
  const at = `${path}.serviceAccountToken`
  if (seconds < SHORTEST_TOKEN_SECONDS) {
    yield fieldProblem.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
  }
  if (seconds > LONGEST_TOKEN_SECONDS) {
    yield fieldProblem.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
  }
  if (!token.path) yield fieldProblem.required(`${at}.path`)
  else yield* projectedPathProblems(token.path, `${at}.path`)
}
