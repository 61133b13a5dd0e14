import { systemUser } from '../../authn/system-names.ts'
import { account, EVENTS, named, READ, type Roles, rule, user } from './rule.ts'

const LEADING = [
  rule('create get list update watch', 'coordination.k8s.io', 'leases'),
  rule('create get list update watch', 'coordination.k8s.io', 'leasecandidates'),
]

/** Roles of single namespaces: namespace → name → rules. */
export const namespaceRoles: Readonly<Record<string, Roles>> = {
  'kube-system': {
    'extension-apiserver-authentication-reader': [named('extension-apiserver-authentication', READ, 'core', 'configmaps')],
    'system::leader-locking-kube-controller-manager': LEADING,
    'system::leader-locking-kube-scheduler': LEADING,
    'system:controller:bootstrap-signer': [rule(READ, 'core', 'secrets')],
    'system:controller:cloud-provider': [rule(`create ${READ}`, 'core', 'configmaps')],
    'system:controller:token-cleaner': [rule(`delete ${READ}`, 'core', 'secrets'), EVENTS],
  },
  'kube-public': {
    'system:controller:bootstrap-signer': [rule(READ, 'core', 'configmaps'), named('cluster-info', 'update', 'core', 'configmaps'), EVENTS],
  },
}

/** A binding to a role of its namespace, when its name is not the role's. */
interface NamespaceBinding {
  readonly role: string
  readonly name?: string
  readonly subjects: readonly ReturnType<typeof user>[]
}

/** Who holds them. */
export const namespaceBindings: Readonly<Record<string, readonly NamespaceBinding[]>> = {
  'kube-system': [
    {
      role: 'extension-apiserver-authentication-reader',
      name: 'system::extension-apiserver-authentication-reader',
      subjects: [user(systemUser.controllerManager), user(systemUser.scheduler)],
    },
    {
      role: 'system::leader-locking-kube-controller-manager',
      subjects: [user(systemUser.controllerManager), account('kube-controller-manager'), account('leader-election-controller')],
    },
    { role: 'system::leader-locking-kube-scheduler', subjects: [user(systemUser.scheduler), account('kube-scheduler')] },
    { role: 'system:controller:bootstrap-signer', subjects: [account('bootstrap-signer')] },
    { role: 'system:controller:cloud-provider', subjects: [account('cloud-provider')] },
    { role: 'system:controller:token-cleaner', subjects: [account('token-cleaner')] },
  ],
  'kube-public': [{ role: 'system:controller:bootstrap-signer', subjects: [account('bootstrap-signer')] }],
}
