import type { ParamKind, ParamRef } from '../../../shared/openapi/generated/admissionregistration-v1.ts'

const UNSET = '<unset>'

/** The kind of a policy's parameters, in a table. */
export function paramKindCell(kind: ParamKind | undefined): string {
  return kind ? `${kind.apiVersion}/${kind.kind}` : UNSET
}

/** Which parameters a binding gives: `*` for any namespace, and for what labels select. */
export function paramRefCell(ref: ParamRef | undefined): string {
  return ref ? `${ref.namespace || '*'}/${ref.name || '*'}` : UNSET
}
