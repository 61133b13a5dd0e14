import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { FieldSet } from './field-set.ts'
import { compareTexts, type Owner } from './owner.ts'
import { pathText } from './path-element.ts'

/** Fields that an owner has with other values than those applied. */
export interface FieldConflict {
  readonly owner: Owner
  readonly fields: FieldSet
}

/** An apply that was not forced met fields of others. In upstream's words, because kubectl reads the causes and people know the sentence. */
export class ConflictingFields extends StatusError {
  readonly conflicts: readonly FieldConflict[]

  constructor(conflicts: readonly FieldConflict[]) {
    const sorted = [...conflicts].sort(
      (a, b) => compareTexts(a.owner.manager, b.owner.manager) || compareTexts(a.owner.subresource, b.owner.subresource),
    )
    const found = sorted.flatMap(({ owner, fields }) =>
      Array.from(fields.paths(), (path) => ({ owner: named(owner), field: pathText(path) })),
    )
    const causes = found.slice(0, inputLimits.problems).map(({ owner, field }) => ({
      ...{ reason: 'FieldManagerConflict', message: `conflict with ${owner}`, field },
    }))
    super('Conflict', messageOf(found), { details: { causes } })
    this.conflicts = conflicts
  }
}

function messageOf(found: readonly { readonly owner: string; readonly field: string }[]): string {
  const [first] = found
  if (found.length === 1 && first) return `Apply failed with 1 conflict: conflict with ${first.owner}: ${first.field}`
  const lines: string[] = []
  let last: string | undefined
  for (const { owner, field } of found.slice(0, inputLimits.problems)) {
    if (owner !== last) lines.push(`conflicts with ${owner}:`)
    last = owner
    lines.push(`- ${field}`)
  }
  return `Apply failed with ${found.length} conflicts: ${lines.join('\n')}`
}

function named({ manager, subresource, operation, apiVersion }: Owner): string {
  const part = subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''
  return `${JSON.stringify(manager)}${part}${operation === 'Update' ? ` using ${apiVersion}` : ''}`
}
