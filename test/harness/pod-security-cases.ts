import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, checksOf } from '../../apiserver/admission/pod-security/checks.ts'
import type { Level } from '../../apiserver/admission/pod-security/policy.ts'
import type { DeepPartial } from '../../shared/client/client.ts'
import type { Container, PodSecurityContext, PodSpec } from '../../shared/openapi/generated/core-v1.ts'

/** A container of which the restricted level has nothing to say. */
export const container = (name = 'main', more: DeepPartial<Container> = {}) => ({
  name,
  ...more,
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, ...more.securityContext },
})

/** A pod of which it has nothing to say. */
export const modestPod = (more: DeepPartial<PodSpec> = {}): DeepPartial<PodSpec> => ({
  containers: [container()],
  ...more,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, ...more.securityContext },
})
export const withPod = (securityContext: DeepPartial<PodSecurityContext>, more: DeepPartial<PodSpec> = {}) =>
  modestPod({ ...more, securityContext })
export const withContainer = (more: DeepPartial<Container>, pod: DeepPartial<PodSpec> = {}) =>
  modestPod({ containers: [container('main', more)], ...pod })

/** What is told from which version on; empty where it is allowed. */
type History = Readonly<Record<number, string>>

export interface CheckCase {
  readonly what: string
  readonly spec: DeepPartial<PodSpec>
  readonly annotations?: Record<string, string>
  readonly baseline: History
  /** Absent: the same. */
  readonly restricted?: History
}

export const always = (text: string): History => ({ 0: text })
export const allowed = always('')

/** Tests what each version of each level says of the cases, and that each check of one of the levels has something to say. */
export function testCheckCases(level: 'baseline' | 'restricted', cases: readonly CheckCase[]): void {
  for (const each of cases) test(`${each.what}: what each version of each level says`, () => walkVersions(each))
  test(`every ${level} check has an id of its own, versions that rise, and a case in each of them`, () => {
    const ids = checks.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (const { id, versions, replaces } of checks.filter((check) => check.level === level)) {
      const found = versions.map(({ since }) => since)
      assert.deepEqual(
        found,
        [...found].sort((a, b) => a - b),
        id,
      )
      if (replaces !== undefined) assert.ok(ids.includes(replaces), id)
      for (const { since, find } of versions) {
        const isMet = cases.some(({ spec, annotations = {} }) => find({ annotations }, spec as PodSpec) !== undefined)
        assert.ok(isMet, `${id} since v1.${since} refuses nothing`)
      }
    }
  })
}

function walkVersions(each: CheckCase): void {
  const histories = { baseline: each.baseline, restricted: each.restricted ?? each.baseline }
  for (const level of ['baseline', 'restricted'] as const) {
    const changes = Object.keys(histories[level]).map(Number)
    for (let minor = 0; minor <= 40; minor++) {
      const since = changes.findLast((change) => change <= minor) ?? 0
      assert.equal(told(level, `v1.${minor}`, each), histories[level][since], `${level} v1.${minor}`)
    }
    assert.equal(told(level, 'latest', each), histories[level][changes.at(-1) ?? 0], `${level} latest`)
  }
  assert.equal(told('privileged', 'latest', each), '')
}

function told(level: Level, version: string, { spec, annotations = {} }: CheckCase): string {
  const violations = checksOf({ level, version })({ annotations }, spec as PodSpec)
  return violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')
}
