import type { Subject } from '../../../shared/openapi/generated/rbac-v1.ts'
import { systemGroup, systemUser } from '../../authn/system-names.ts'
import { controllerAccounts, controllerRoleName } from './controller-roles.ts'
import { account, group, user } from './rule.ts'

const everybodyKnown = group(systemGroup.authenticated)

/** Who holds the cluster roles: a binding has its role's name. */
export const clusterRoleBindings: Readonly<Record<string, readonly Subject[]>> = {
  'cluster-admin': [group(systemGroup.masters)],
  'system:discovery': [everybodyKnown],
  'system:basic-user': [everybodyKnown],
  'system:public-info-viewer': [everybodyKnown, group(systemGroup.unauthenticated)],
  'system:monitoring': [group(systemGroup.monitoring)],
  'system:service-account-issuer-discovery': [group(systemGroup.serviceAccounts)],
  'system:kube-controller-manager': [user(systemUser.controllerManager)],
  'system:kube-scheduler': [user(systemUser.scheduler)],
  'system:volume-scheduler': [user(systemUser.scheduler)],
  'system:node-proxier': [user(systemUser.proxy)],
  'system:kube-dns': [account('kube-dns')],
  // Empty on purpose: what nodes may do is the node authoriser's decision.
  'system:node': [],
  ...Object.fromEntries(Object.keys(controllerAccounts).map((name) => [controllerRoleName(name), [account(name)]])),
}
