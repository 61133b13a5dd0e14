import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { HostPathVolumeSource, NFSVolumeSource } from '../../../shared/openapi/generated/core-v1.ts'
import { backstepProblems } from './local-path.ts'

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

/** A path of the node, in a pod or in a PersistentVolume. */
export function* hostPathProblems({ path: target, type }: HostPathVolumeSource, path: string): Generator<FieldProblem> {
  if (!target) yield fieldProblem.required(`${path}.path`)
  else yield* backstepProblems(target, `${path}.path`)
  if (!hostPathTypes.includes(type ?? '')) yield fieldProblem.notSupported(`${path}.type`, type, hostPathTypes)
}

/** A folder of a file server. */
export function* nfsProblems({ server, path: target }: NFSVolumeSource, path: string): Generator<FieldProblem> {
  if (!server) yield fieldProblem.required(`${path}.server`)
  if (!target) yield fieldProblem.required(`${path}.path`)
  else if (!target.startsWith('/')) yield fieldProblem.invalid(`${path}.path`, target, 'must be an absolute path')
}
