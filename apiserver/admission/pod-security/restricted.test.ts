import { allowed, always, container, modestPod, testCheckCases, withContainer, withPod } from '../../../test/harness/pod-security-cases.ts'

const mayAdd = 'in securityContext.capabilities.add'
const windows = { os: { name: 'windows' } }
const inUserNamespace = { hostUsers: false }

testCheckCases('restricted', [
  { what: 'nothing', spec: modestPod(), baseline: allowed },
  {
    what: 'capabilities that are not dropped',
    spec: withContainer({ securityContext: { capabilities: { drop: ['NET_RAW'], add: ['KILL'] } } }),
    baseline: allowed,
    restricted: {
      0: '',
      22: `unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]; container "main" must not include "KILL" ${mayAdd})`,
    },
  },
  {
    what: 'capabilities on Windows',
    spec: withContainer({ securityContext: { capabilities: {} } }, windows),
    baseline: allowed,
    restricted: { 0: '', 22: 'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"])', 25: '' },
  },
  {
    what: 'storage outside',
    spec: modestPod({
      volumes: [{ name: 'a', nfs: { server: 'x', path: '/' } }, { name: 'b', iscsi: {} }, { name: 'c', nfs: {} }, { name: 'd' }],
    }),
    baseline: allowed,
    restricted: always('restricted volume types (volumes "a", "b", "c", "d" use restricted volume types "iscsi", "nfs", "unknown")'),
  },
  {
    what: 'volumes of the cluster',
    spec: modestPod({
      volumes: [
        ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'].map(
          (type) => ({ name: type, [type]: {} }),
        ),
      ],
    }),
    baseline: allowed,
  },
  {
    what: 'an open /proc in a user namespace',
    spec: withContainer({ securityContext: { procMount: 'Unmasked' } }, inUserNamespace),
    baseline: { 0: 'procMount (container "main" must not set securityContext.procMount to "Unmasked")', 35: '' },
    restricted: always('procMount (container "main" must not set securityContext.procMount to "Unmasked")'),
  },
  {
    what: 'no word of seccomp',
    spec: withPod(
      { seccompProfile: undefined },
      { containers: [container(), container('other', { securityContext: { seccompProfile: { type: 'Localhost' } } })] },
    ),
    baseline: allowed,
    restricted: {
      0: '',
      19: 'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    },
  },
  {
    what: 'no word of seccomp on Windows',
    spec: withPod({ seccompProfile: undefined }, windows),
    baseline: allowed,
    restricted: {
      0: '',
      19: 'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      25: '',
    },
  },
  {
    what: 'privilege escalation',
    spec: modestPod({ containers: [container(), container('other', { securityContext: { allowPrivilegeEscalation: undefined } })] }),
    baseline: allowed,
    restricted: {
      0: '',
      8: 'allowPrivilegeEscalation != false (container "other" must set securityContext.allowPrivilegeEscalation=false)',
    },
  },
  {
    what: 'privilege escalation on Windows',
    spec: withContainer({ securityContext: { allowPrivilegeEscalation: true } }, windows),
    baseline: allowed,
    restricted: {
      0: '',
      8: 'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
      25: '',
    },
  },
  {
    what: 'root, said',
    spec: withPod(
      { runAsNonRoot: false, runAsUser: 0 },
      { containers: [container('main', { securityContext: { runAsNonRoot: false, runAsUser: 0 } })] },
    ),
    baseline: allowed,
    restricted: {
      0: 'runAsNonRoot != true (pod and container "main" must not set securityContext.runAsNonRoot=false)',
      23: 'runAsNonRoot != true (pod and container "main" must not set securityContext.runAsNonRoot=false), runAsUser=0 (pod and container "main" must not set runAsUser=0)',
    },
  },
  {
    what: 'root, not ruled out',
    spec: withPod(
      { runAsNonRoot: undefined },
      { containers: [container('a'), container('b', { securityContext: { runAsNonRoot: true } })] },
    ),
    baseline: allowed,
    restricted: always('runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)'),
  },
  {
    what: 'root in a user namespace',
    spec: withPod({ runAsNonRoot: undefined, runAsUser: 0 }, inUserNamespace),
    baseline: allowed,
    restricted: {
      0: 'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
      23: 'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), runAsUser=0 (pod must not set runAsUser=0)',
      35: '',
    },
  },
  { what: 'another user', spec: withPod({ runAsUser: 1000 }), baseline: allowed },
  {
    what: 'several things, baseline first and then by name',
    spec: withContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: true } }, { hostPID: true }),
    baseline: always('host namespaces (hostPID=true), privileged (container "main" must not set securityContext.privileged=true)'),
    restricted: {
      0: 'host namespaces (hostPID=true), privileged (container "main" must not set securityContext.privileged=true)',
      8: 'host namespaces (hostPID=true), privileged (container "main" must not set securityContext.privileged=true), allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
    },
  },
])
