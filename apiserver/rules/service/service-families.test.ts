import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { addressesUpdateProblems } from './service-addresses.ts'
import { keepAllocated, syncAddresses } from './service-defaults.ts'
import { settleFamilies } from './service-families.ts'

type Spec = Partial<ServiceSpec>
const [four, six] = ['10.96.0.9', 'fd00:10:96::9']
const BOTH = ['IPv4', 'IPv6'] as const

/** What a Service becomes, and what is said of it. */
function settled(change: Spec, cluster: readonly ('IPv4' | 'IPv6')[], stored?: Spec) {
  const spec: ServiceSpec = { type: 'ClusterIP', ...structuredClone(change) }
  const previous = stored && { type: 'ClusterIP', ...structuredClone(stored) }
  if (previous) keepAllocated(spec, previous)
  syncAddresses(spec, previous)
  const found = settleFamilies(spec, previous, cluster)
  const problems = [...found, ...(previous && found.length === 0 ? addressesUpdateProblems(spec, previous) : [])]
  return { spec, problems: problems.map(({ path, message }) => `${path}: ${message}`) }
}

function wants(change: Spec, cluster: readonly ('IPv4' | 'IPv6')[], policy: string, families: string[], stored?: Spec) {
  const { spec, problems } = settled(change, cluster, stored)
  assert.deepEqual([problems, spec.ipFamilyPolicy, spec.ipFamilies], [[], policy, families], JSON.stringify(change))
  return spec
}

describe('the families of a new Service', () => {
  test('are the primary one, those that it asks for, or both where there are two', () => {
    wants({}, ['IPv4'], 'SingleStack', ['IPv4'])
    wants({}, ['IPv6', 'IPv4'], 'SingleStack', ['IPv6'])
    wants({ ipFamilies: ['IPv6'] }, BOTH, 'SingleStack', ['IPv6'])
    wants({ ipFamilyPolicy: 'PreferDualStack' }, ['IPv4'], 'PreferDualStack', ['IPv4'])
    wants({ ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] }, BOTH, 'PreferDualStack', ['IPv6', 'IPv4'])
    wants({ ipFamilyPolicy: 'RequireDualStack' }, BOTH, 'RequireDualStack', ['IPv4', 'IPv6'])
    wants({ clusterIP: six }, BOTH, 'SingleStack', ['IPv6'])
    wants({ clusterIP: six, clusterIPs: [six, four], ipFamilyPolicy: 'PreferDualStack' }, BOTH, 'PreferDualStack', ['IPv6', 'IPv4'])
    wants({ clusterIP: 'None', selector: { a: 'b' } }, BOTH, 'SingleStack', ['IPv4'])
    wants({ clusterIP: 'None', selector: { a: 'b' }, ipFamilyPolicy: 'PreferDualStack' }, BOTH, 'PreferDualStack', ['IPv4', 'IPv6'])
    assert.equal(settled({ type: 'ExternalName' }, BOTH).spec.ipFamilyPolicy, undefined)
  })

  test('are both, whatever the cluster has, for a headless one that selects no pods', () => {
    wants({ clusterIP: 'None' }, ['IPv4'], 'RequireDualStack', ['IPv4', 'IPv6'])
    wants({ clusterIP: 'None' }, ['IPv6'], 'RequireDualStack', ['IPv6', 'IPv4'])
    wants({ clusterIP: 'None', ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] }, ['IPv4'], 'SingleStack', ['IPv6'])
  })

  test('are refused where the cluster, or the Service itself, has no room for them', () => {
    const all: [Spec, readonly ('IPv4' | 'IPv6')[], string][] = [
      [{ ipFamilyPolicy: 'RequireDualStack' }, ['IPv4'], 'this cluster is not configured for dual-stack services'],
      [{ ipFamilies: ['IPv6'] }, ['IPv4'], 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
      [{ clusterIP: six }, ['IPv4'], `spec.clusterIPs[0]: Invalid value: ["${six}"]: IPv6 is not configured on this cluster`],
      [{ ipFamilies: ['IPv4', 'IPv6'] }, BOTH, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"],
      [
        { clusterIP: four, clusterIPs: [four, six] },
        BOTH,
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
      ],
    ]
    for (const [spec, cluster, told] of all) {
      const { problems } = settled(spec, cluster)
      assert.ok(
        problems.some((problem) => problem.includes(told)),
        `${told}\n${problems.join('\n')}`,
      )
    }
  })
})

describe('the families of a Service that changes', () => {
  const one: Spec = { clusterIP: four, clusterIPs: [four], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
  const both: Spec = { clusterIP: four, clusterIPs: [four, six], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }

  test('become two, and one again, by the policy', () => {
    const more = wants({ ...one, ipFamilyPolicy: 'PreferDualStack' }, BOTH, 'PreferDualStack', ['IPv4', 'IPv6'], one)
    assert.deepEqual(more.clusterIPs, [four], 'the second is taken later')
    const less = wants({ ...both, ipFamilyPolicy: 'SingleStack' }, BOTH, 'SingleStack', ['IPv4'], both)
    assert.deepEqual(less.clusterIPs, [four])
    const bare = wants({ ipFamilyPolicy: 'SingleStack' }, BOTH, 'SingleStack', ['IPv4'], both)
    assert.deepEqual(bare.clusterIPs, [four])
  })

  test('stay what they were when nothing is said of them, and when the cluster has changed', () => {
    assert.deepEqual(wants({}, BOTH, 'RequireDualStack', ['IPv4', 'IPv6'], both).clusterIPs, [four, six])
    const preferring = { ...one, ipFamilyPolicy: 'PreferDualStack' }
    wants(preferring, BOTH, 'PreferDualStack', ['IPv4'], preferring)
    const preferred = { ...both, ipFamilyPolicy: 'PreferDualStack' }
    wants(preferred, ['IPv4'], 'PreferDualStack', ['IPv4', 'IPv6'], preferred)
  })

  test('keep the first, and let the second go by the policy only', () => {
    const all: [Spec, Spec, string][] = [
      [
        { ...both, clusterIPs: [four] },
        both,
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP',
      ],
      [{ ...both, ipFamilies: ['IPv4'] }, both, "must be 'SingleStack' to release the secondary IP family"],
      [
        { ...one, clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] },
        one,
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
      ],
      [
        { ...both, clusterIPs: [four, 'fd00::7'] },
        both,
        `spec.clusterIPs[1]: Invalid value: ["${four}","fd00::7"]: may not change once set`,
      ],
      [
        { ...both, clusterIP: 'None', clusterIPs: ['None'], ipFamilyPolicy: 'SingleStack' },
        both,
        'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
      ],
    ]
    for (const [change, stored, told] of all) {
      const { problems } = settled(change, BOTH, stored)
      assert.ok(
        problems.some((problem) => problem.includes(told)),
        `${told}\n${problems.join('\n')}`,
      )
    }
  })
})
