import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Container, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { Backoff } from '../pods/restart-backoff.ts'
import { qosClassOf } from '../status/qos-class.ts'
import { containerResources, podCgroup } from './container-resources.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { containerSecurity } from './security-context.ts'

function podOf(containers: object[], spec: object = {}): Pod {
  const full = containers.map((container, index) => ({ name: `c${index}`, resources: {}, ...container }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u' },
    spec: { containers: full, ...spec },
    status: {},
  }
}
const firstOf = (pod: Pod): Container => {
  const [first] = pod.spec.containers
  assert.ok(first)
  return first
}
const asks = (requests: object | undefined, limits?: object) => ({
  resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) },
})

describe('quality of service', () => {
  for (const [what, containers, expected] of [
    ['nothing asked', [{}], 'BestEffort'],
    ['only storage asked', [asks({ 'ephemeral-storage': '1Gi' })], 'BestEffort'],
    ['a request', [asks({ cpu: '1' })], 'Burstable'],
    ['limits of both', [asks(undefined, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    ['equal amounts written differently', [asks({ cpu: '1000m', memory: '1024Mi' }, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    ['a lower request', [asks({ cpu: '500m', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })], 'Burstable'],
    ['one container without', [asks(undefined, { cpu: '1', memory: '1Gi' }), {}], 'Burstable'],
  ] as const) {
    it(`${what}: ${expected}`, () => assert.equal(qosClassOf(podOf([...containers])), expected))
  }

  it('decides where in the tree of control groups the pod is', () => {
    assert.equal(podCgroup(podOf([{}])), '/kubepods/besteffort/podu')
    assert.equal(podCgroup(podOf([asks({ cpu: '1' })])), '/kubepods/burstable/podu')
    assert.equal(podCgroup(podOf([asks(undefined, { cpu: '1', memory: '1Gi' })])), '/kubepods/podu')
  })
})

describe('resources in the units of the kernel', () => {
  const of = (container: object) => {
    const pod = podOf([container])
    return containerResources(pod, firstOf(pod), 8 * 2 ** 30)
  }
  it('turns cores into shares and quota, bytes into a limit', () => {
    assert.deepEqual(of(asks({ cpu: '250m', memory: '1Gi' }, { cpu: '500m', memory: '2Gi' })), {
      cpuShares: 256,
      cpuQuota: 50_000,
      memoryLimitBytes: 2 ** 31,
      oomScoreAdjust: 875,
    })
  })
  it('keeps to what the kernel takes', () => {
    assert.deepEqual(of({}), { cpuShares: 2, cpuQuota: undefined, memoryLimitBytes: undefined, oomScoreAdjust: 1000 })
    assert.equal(of(asks(undefined, { cpu: '1m' })).cpuQuota, 1000)
    assert.equal(of(asks({ memory: '8Gi' })).oomScoreAdjust, 3)
    assert.equal(of(asks(undefined, { cpu: '1', memory: '1Gi' })).oomScoreAdjust, -997)
  })
})

describe('security', () => {
  const of = (own: object | undefined, shared: object | undefined, imageUser?: string) => {
    const pod = podOf([{ ...(own ? { securityContext: own } : {}) }], shared ? { securityContext: shared } : {})
    return containerSecurity(pod, firstOf(pod), imageUser)
  }
  it('is open where nothing was asked', () => {
    assert.deepEqual(of(undefined, undefined), {
      user: undefined,
      groups: [],
      privileged: false,
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: 'unconfined',
    })
  })
  it('takes the container before the pod', () => {
    const found = of(
      { runAsUser: 1, seccompProfile: { type: 'Unconfined' } },
      { runAsUser: 2, runAsGroup: 3, fsGroup: 4, supplementalGroups: [4, 5], seccompProfile: { type: 'RuntimeDefault' } },
    )
    assert.equal(found.user, '1:3')
    assert.deepEqual(found.groups, [4, 5])
    assert.equal(found.seccomp, 'unconfined')
  })
  it('keeps the image user when only a group was asked for', () => {
    assert.equal(of({ runAsGroup: 7 }, undefined, '101:101').user, '101:7')
    assert.equal(of({ runAsGroup: 7 }, undefined).user, '0:7')
  })
  it('strips prefixes of capabilities and forbids gaining privileges when told', () => {
    const found = of({ capabilities: { add: ['CAP_NET_ADMIN'], drop: ['ALL'] }, allowPrivilegeEscalation: false }, undefined)
    assert.deepEqual([found.addCapabilities, found.dropCapabilities, found.noNewPrivileges], [['NET_ADMIN'], ['ALL'], true])
  })
  it('makes no container with less than it asked for', () => {
    const localhost = { seccompProfile: { type: 'Localhost', localhostProfile: 'mine.json' } }
    const refused = { reason: 'CreateContainerConfigError', message: 'seccomp profile "mine.json" is not on this node' }
    assert.throws(() => of(localhost, undefined), refused)
    assert.throws(() => of(undefined, localhost), refused)
    const sandbox = () =>
      sandboxConfig(podOf([{}], { hostUsers: false }), 0, { servers: [], domain: 'd' }, { servers: [], searches: [], options: [] })
    assert.throws(sandbox, /hostUsers: false`, runtime does not support user namespaces/)
  })
  for (const [what, own, imageUser, message] of [
    ['root asked for', { runAsUser: 0 }, '1000', /runAsUser breaks non-root policy/],
    ['an image without a user', {}, undefined, /image will run as root/],
    ['an image of root', {}, '0:0', /image will run as root/],
    ['an image whose user is a name', {}, 'nginx', /non-numeric user \(nginx\)/],
  ] as const) {
    it(`refuses under runAsNonRoot: ${what}`, () => {
      assert.throws(() => of({ runAsNonRoot: true, ...own }, undefined, imageUser), { reason: 'CreateContainerConfigError', message })
    })
  }
  it('accepts others under runAsNonRoot', () => {
    assert.equal(of({ runAsNonRoot: true }, undefined, '1000').user, undefined)
    assert.equal(of({ runAsUser: 5 }, { runAsNonRoot: true }, 'root').user, '5')
  })
})

describe('back-off', () => {
  it('doubles from ten seconds to five minutes, forgets after ten minutes, and keeps keys apart', async () => {
    const clock = manualClock()
    const backoff = new Backoff(clock)
    assert.equal(backoff.delay('a/x', clock.now()), 0)
    const delays: number[] = []
    for (let i = 0; i < 7; i++) {
      backoff.raise('a/x', clock.now())
      delays.push(backoff.delay('a/x', clock.now()))
    }
    assert.deepEqual(delays, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
    assert.equal(backoff.delay('a/y', clock.now()), 0)
    await clock.advance(600_001)
    assert.equal(backoff.delay('a/x', clock.now()), 0)
    backoff.raise('a/x', clock.now())
    assert.equal(backoff.delay('a/x', clock.now()), 10_000)
    backoff.forget('a/')
    assert.equal(backoff.delay('a/x', clock.now()), 0)
  })
})
