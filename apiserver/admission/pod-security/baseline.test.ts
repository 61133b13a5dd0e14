import { allowed, always, container, modestPod, testCheckCases, withContainer, withPod } from '../../../test/harness/pod-security-cases.ts'

const mayAdd = 'in securityContext.capabilities.add'

testCheckCases('baseline', [
  {
    what: 'host namespaces',
    spec: modestPod({ hostNetwork: true, hostPID: true, hostIPC: true }),
    baseline: always('host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)'),
  },
  { what: 'namespaces of its own', spec: modestPod({ hostNetwork: false }), baseline: allowed },
  {
    what: 'privileged containers of every sort, in order',
    spec: modestPod({
      initContainers: [container('first', { securityContext: { privileged: true } })],
      containers: [
        container('main', { securityContext: { privileged: true } }),
        container('other', { securityContext: { privileged: false } }),
      ],
      ephemeralContainers: [container('debugger', { securityContext: { privileged: true } })],
    }),
    baseline: always('privileged (containers "first", "main", "debugger" must not set securityContext.privileged=true)'),
  },
  {
    what: 'a capability that is not usual',
    spec: withContainer({ securityContext: { capabilities: { drop: ['ALL'], add: ['SYS_TIME', 'NET_RAW', 'CHOWN'] } } }),
    baseline: always(`non-default capabilities (container "main" must not include "NET_RAW", "SYS_TIME" ${mayAdd})`),
    restricted: {
      0: `non-default capabilities (container "main" must not include "NET_RAW", "SYS_TIME" ${mayAdd})`,
      22: `unrestricted capabilities (container "main" must not include "CHOWN", "NET_RAW", "SYS_TIME" ${mayAdd})`,
    },
  },
  {
    what: 'the capability for low ports',
    spec: withContainer({ securityContext: { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }),
    baseline: allowed,
  },
  {
    what: 'the usual capabilities',
    spec: withContainer({
      securityContext: {
        capabilities: {
          add: [
            ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID'],
            ...['SETPCAP', 'SETUID', 'SYS_CHROOT'],
          ],
          drop: ['ALL'],
        },
      },
    }),
    baseline: allowed,
    restricted: {
      0: '',
      22: `unrestricted capabilities (container "main" must not include "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT" ${mayAdd})`,
    },
  },
  {
    what: 'folders of the node',
    spec: modestPod({
      volumes: [
        { name: 'a', hostPath: { path: '/' } },
        { name: 'b', emptyDir: {} },
      ],
    }),
    baseline: always('hostPath volumes (volume "a")'),
    restricted: always('restricted volume types (volume "a" uses restricted volume type "hostPath")'),
  },
  {
    what: 'ports of the node',
    spec: modestPod({
      initContainers: [container('first', { ports: [{ containerPort: 1, hostPort: 90 }] })],
      containers: [
        container('main', {
          ports: [
            { containerPort: 1, hostPort: 0 },
            { containerPort: 2, hostPort: 8080 },
          ],
        }),
      ],
    }),
    baseline: always('hostPort (containers "first", "main" use hostPorts 8080, 90)'),
  },
  {
    what: 'one port of the node',
    spec: withContainer({ ports: [{ containerPort: 1, hostPort: 90 }] }),
    baseline: always('hostPort (container "main" uses hostPort 90)'),
  },
  {
    what: 'no AppArmor, by fields and annotations',
    spec: withPod({ appArmorProfile: { type: 'Unconfined' } }),
    annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' },
    baseline: always(
      'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/main="unconfined"")',
    ),
  },
  {
    what: 'AppArmor',
    spec: withContainer({ securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } } }),
    annotations: {
      'container.apparmor.security.beta.kubernetes.io/a': 'localhost/x',
      'container.apparmor.security.beta.kubernetes.io/b': 'runtime/default',
      'container.apparmor.security.beta.kubernetes.io/c': '',
    },
    baseline: allowed,
  },
  {
    what: 'SELinux options',
    spec: withPod(
      { seLinuxOptions: { type: 'spc_t', user: 'u' } },
      { containers: [container('main', { securityContext: { seLinuxOptions: { role: 'r' } } })] },
    ),
    baseline: always(
      'seLinuxOptions (pod and container "main" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ),
  },
  {
    what: 'an SELinux type of containers that run containers',
    spec: withPod({ seLinuxOptions: { type: 'container_engine_t', level: 's0' } }),
    baseline: { 0: 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")', 31: '' },
  },
  ...['container_t', 'container_init_t', 'container_kvm_t', ''].map((type) => ({
    what: `the SELinux type ${type}`,
    spec: withPod({ seLinuxOptions: { type } }),
    baseline: allowed,
  })),
  {
    what: 'an open /proc',
    spec: withContainer({ securityContext: { procMount: 'Unmasked' } }),
    baseline: always('procMount (container "main" must not set securityContext.procMount to "Unmasked")'),
  },
  {
    what: 'no seccomp, by annotations',
    spec: modestPod(),
    annotations: {
      'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
      'container.seccomp.security.alpha.kubernetes.io/main': 'x',
      'container.seccomp.security.alpha.kubernetes.io/other': 'x',
    },
    baseline: {
      0: 'seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/main="x", seccomp.security.alpha.kubernetes.io/pod="unconfined")',
      19: '',
    },
  },
  {
    what: 'seccomp by annotations',
    spec: modestPod(),
    annotations: {
      'seccomp.security.alpha.kubernetes.io/pod': 'docker/default',
      'container.seccomp.security.alpha.kubernetes.io/main': 'localhost/x',
    },
    baseline: allowed,
  },
  {
    what: 'no seccomp, by fields',
    spec: withPod(
      { seccompProfile: { type: 'Unconfined' } },
      { containers: [container('main', { securityContext: { seccompProfile: { type: 'Unconfined' } } })] },
    ),
    baseline: {
      0: '',
      19: 'seccompProfile (pod and container "main" must not set securityContext.seccompProfile.type to "Unconfined")',
    },
  },
  { what: 'a parameter of the kernel', spec: sysctl('kernel.msgmax', 'vm.x'), baseline: always('forbidden sysctls (kernel.msgmax, vm.x)') },
  ...[
    ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range'],
    'net.ipv4.ip_unprivileged_port_start',
  ].map((name) => ({ what: name, spec: sysctl(name), baseline: allowed })),
  ...Object.entries({
    'net.ipv4.ip_local_reserved_ports': 27,
    ...{ 'net.ipv4.tcp_keepalive_time': 29, 'net.ipv4.tcp_fin_timeout': 29, 'net.ipv4.tcp_keepalive_intvl': 29 },
    ...{ 'net.ipv4.tcp_keepalive_probes': 29, 'net.ipv4.tcp_rmem': 32, 'net.ipv4.tcp_wmem': 32 },
  }).map(([name, since]) => ({ what: name, spec: sysctl(name), baseline: { 0: `forbidden sysctls (${name})`, [since]: '' } })),
  {
    what: 'a host process',
    spec: withPod(
      { windowsOptions: { hostProcess: true } },
      { containers: [container('main', { securityContext: { windowsOptions: { hostProcess: true } } })] },
    ),
    baseline: always('hostProcess (pod and container "main" must not set securityContext.windowsOptions.hostProcess=true)'),
  },
  {
    what: 'probes and hooks of other hosts',
    spec: modestPod({
      initContainers: [container('first', { lifecycle: { postStart: { httpGet: { host: 'b' } }, preStop: { tcpSocket: { host: 'c' } } } })],
      containers: [
        container('main', {
          ...{
            livenessProbe: { httpGet: { host: 'b' } },
            readinessProbe: { tcpSocket: { host: 'a' } },
            startupProbe: { httpGet: { host: 'd' } },
          },
        }),
      ],
    }),
    baseline: {
      0: '',
      34: 'probe or lifecycle host (containers "first", "main" use probe or lifecycle hosts "a", "b", "c", "d")',
    },
  },
  {
    what: 'probes of the pod itself',
    spec: withContainer({ livenessProbe: { httpGet: { host: '', port: 80 } }, lifecycle: { preStop: { exec: {} } } }),
    baseline: allowed,
  },
])

function sysctl(...names: string[]) {
  return withPod({ sysctls: names.map((name) => ({ name, value: '1' })) })
}
