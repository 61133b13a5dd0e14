import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Volume } from '../../../shared/openapi/generated/core-v1.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { fileModeProblems, filesProblems } from './file-mode.ts'
import { hostPathProblems, nfsProblems } from './host-and-network.ts'
import { csiDriverProblems } from './persistent-source.ts'
import { claimTemplateProblems } from './persistent-volume-claim.ts'
import { downwardItemsProblems, projectedProblems } from './projected-volume.ts'

/** Volumes of a pod: names unique, exactly one source each. */
export function* volumesProblems(volumes: readonly Volume[], path: string): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, volume] of volumes.entries()) {
    const at = `${path}[${index}]`
    if (!volume.name) yield fieldProblem.required(`${at}.name`)
    else for (const problem of dnsLabelProblems(volume.name)) yield fieldProblem.invalid(`${at}.name`, volume.name, problem)
    if (names.has(volume.name)) yield fieldProblem.duplicate(`${at}.name`, volume.name)
    names.add(volume.name)
    const [source, ...more] = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] !== undefined)
    if (source === undefined) yield fieldProblem.required(at, 'must specify a volume type')
    for (const other of more) yield fieldProblem.forbidden(`${at}.${other}`, 'may not specify more than 1 volume type')
    if (more.length === 0) yield* sourceProblems(volume, at)
  }
}

function* sourceProblems(volume: Volume, path: string): Generator<FieldProblem> {
  const { hostPath, emptyDir, secret, configMap, downwardAPI, projected, persistentVolumeClaim: claim, nfs, csi, ephemeral, image } = volume
  if (hostPath) yield* hostPathProblems(hostPath, `${path}.hostPath`)
  if (emptyDir?.sizeLimit && parseQuantity(emptyDir.sizeLimit).nano < 0n) {
    yield fieldProblem.forbidden(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity')
  }
  if (secret) {
    if (!secret.secretName) yield fieldProblem.required(`${path}.secret.secretName`)
    yield* filesProblems(secret.items, secret.defaultMode, `${path}.secret`)
  }
  if (configMap) {
    if (!configMap.name) yield fieldProblem.required(`${path}.configMap.name`)
    yield* filesProblems(configMap.items, configMap.defaultMode, `${path}.configMap`)
  }
  if (downwardAPI) {
    yield* fileModeProblems(downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`)
    yield* downwardItemsProblems(downwardAPI.items ?? [], `${path}.downwardAPI.items`)
  }
  if (projected) yield* projectedProblems(projected, `${path}.projected`)
  if (claim && !claim.claimName) yield fieldProblem.required(`${path}.persistentVolumeClaim.claimName`)
  if (nfs) yield* nfsProblems(nfs, `${path}.nfs`)
  if (csi) yield* csiDriverProblems(csi.driver, `${path}.csi.driver`)
  if (ephemeral) yield* claimTemplateProblems(ephemeral.volumeClaimTemplate, `${path}.ephemeral.volumeClaimTemplate`)
  if (image && !image.reference) yield fieldProblem.required(`${path}.image.reference`)
}
