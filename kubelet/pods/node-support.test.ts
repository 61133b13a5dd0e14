import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { unsupported } from './node-support.ts'
import { sysctlNames } from './sysctl-names.ts'

const podOf = (spec: object): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: {} },
  spec: { containers: [{ name: 'c', resources: {} }], ...spec },
})
const appArmor = (type: string, localhostProfile?: string) => ({ appArmorProfile: { type, localhostProfile } })
const sysctls = (...names: string[]) => ({ securityContext: { sysctls: names.map((name) => ({ name, value: '1' })) } })

test('settings that the node’s owner allows are let in, but none of the machine’s own network or IPC', () => {
  const machine = { hasAppArmor: () => false, allowedSysctls: sysctlNames(['kernel.msg*', 'net.core.somaxconn', 'fs.mqueue.*']) }
  const of = (spec: object) => unsupported(podOf(spec), machine)?.message
  assert.equal(of(sysctls('kernel.msgmax', 'net/core/somaxconn', 'fs.mqueue.msg_max')), undefined)
  assert.equal(of(sysctls('net.core.somaxconn2')), 'forbidden sysctl: "net.core.somaxconn2" not allowlisted')
  assert.match(of({ hostNetwork: true, ...sysctls('net.core.somaxconn') }) ?? '', /host net/)
  assert.match(of({ hostIPC: true, ...sysctls('fs.mqueue.msg_max') }) ?? '', /host ipc/)
  assert.throws(() => sysctlNames(['vm.swappiness']), /"vm.swappiness" is of the whole machine/)
  assert.throws(() => sysctlNames(['kernel.*']), /"kernel.\*" is of the whole machine/)
})

for (const [what, spec, hasAppArmor, expected] of [
  ['nothing in particular', {}, false, undefined],
  ['Linux', { os: { name: 'linux' } }, false, undefined],
  ['Windows', { os: { name: 'windows' } }, false, "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS"],
  ['groups of the image merged', { securityContext: { supplementalGroupsPolicy: 'Merge' } }, false, undefined],
  [
    ...(['only the groups named', { securityContext: { supplementalGroupsPolicy: 'Strict' } }, false] as const),
    'SupplementalGroupsPolicyNotSupported: SupplementalGroupsPolicy=Strict is not supported in this node',
  ],
  ['settings of its own', sysctls('net.ipv4.tcp_syncookies', 'net/ipv4/ip_unprivileged_port_start'), false, undefined],
  ['settings of the machine', sysctls('kernel.msgmax'), false, 'SysctlForbidden: forbidden sysctl: "kernel.msgmax" not allowlisted'],
  [
    ...(['settings of the network of the machine', { hostNetwork: true, ...sysctls('net.ipv4.tcp_syncookies') }, false] as const),
    'SysctlForbidden: forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  ],
  ['a profile where there are', { securityContext: appArmor('RuntimeDefault') }, true, undefined],
  ['no profile', { securityContext: appArmor('Unconfined') }, false, undefined],
  [
    ...(['a profile where there are none', { containers: [{ name: 'c', securityContext: appArmor('RuntimeDefault') }] }, false] as const),
    'AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host',
  ],
  [
    'a profile of its own',
    { securityContext: appArmor('Localhost', 'mine') },
    true,
    'AppArmor: Cannot enforce AppArmor: profile "mine" is not loaded',
  ],
] as const) {
  test(`a pod that asks for ${what} ${expected === undefined ? 'is let in' : 'is refused'}`, () => {
    const refusal = unsupported(podOf(spec), { hasAppArmor: () => hasAppArmor })
    assert.equal(refusal && `${refusal.reason}: ${refusal.message}`, expected)
  })
}

test('groups of the image are left out where the engine can, of containers that say their group', () => {
  const strict = (spec: object, canLeaveGroupsOut = true) =>
    unsupported(podOf(spec), { hasAppArmor: () => false, canLeaveGroupsOut })?.message
  const ofPod = (more: object) => ({ securityContext: { supplementalGroupsPolicy: 'Strict', ...more } })
  assert.equal(strict(ofPod({ runAsGroup: 2000 })), undefined)
  assert.equal(strict(ofPod({ runAsGroup: 2000 }), false), 'SupplementalGroupsPolicy=Strict is not supported in this node')
  assert.match(strict(ofPod({})) ?? '', /^SupplementalGroupsPolicy=Strict is not supported in this node without runAsGroup/)
  const containers = [{ name: 'c', resources: {}, securityContext: { runAsGroup: 0 } }]
  assert.equal(strict({ ...ofPod({}), containers }), undefined)
  assert.match(strict({ ...ofPod({}), containers, initContainers: [{ name: 'i', resources: {} }] }) ?? '', /without runAsGroup/)
})
