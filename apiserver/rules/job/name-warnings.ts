import type { ObjectMeta } from '../../../shared/openapi/generated/meta-v1.ts'
import { dnsLabelProblems } from '../metadata/names.ts'

/** A name that is in the names and host names of pods had better be a label. */
export function* podNameWarnings({ name = '' }: ObjectMeta): Generator<string> {
  const problems = dnsLabelProblems(name)
  if (problems.length === 0) return
  const why = 'this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended'
  yield `metadata.name: ${why}: [${problems.join(' ')}]`
}
