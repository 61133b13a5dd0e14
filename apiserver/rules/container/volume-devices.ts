import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { backstepProblems } from '../volume/local-path.ts'

/** Devices of claims: each volume and each path once, and never as files too (upstream's ValidateVolumeDevices). */
export function* volumeDevicesProblems(
  { volumeDevices = [], volumeMounts = [] }: Container,
  spec: PodSpec,
  path: string,
): Generator<FieldProblem> {
  const names = new Set<string>()
  const places = new Set<string>()
  for (const [index, { name, devicePath }] of volumeDevices.entries()) {
    const at = `${path}[${index}]`
    if (!name) yield fieldProblem.required(`${at}.name`)
    if (names.has(name)) yield fieldProblem.invalid(`${at}.name`, name, 'must be unique')
    names.add(name)
    const volume = spec.volumes?.find((each) => each.name === name)
    if (!volume) yield fieldProblem.notFound(`${at}.name`, name)
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      yield fieldProblem.invalid(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode')
    if (volumeMounts.some((mount) => mount.name === name))
      yield fieldProblem.invalid(`${at}.name`, name, 'must not already exist in volumeMounts')
    if (!devicePath) yield fieldProblem.required(`${at}.devicePath`)
    if (places.has(devicePath)) yield fieldProblem.invalid(`${at}.devicePath`, devicePath, 'must be unique')
    places.add(devicePath)
    yield* backstepProblems(devicePath, `${at}.devicePath`)
    if (volumeMounts.some((mount) => mount.mountPath === devicePath))
      yield fieldProblem.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts')
  }
}
