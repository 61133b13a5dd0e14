/** Users and groups with a meaning of their own (apiserver's user package, bootstrap tokens, service accounts). */
export const systemGroup = {
  masters: 'system:masters',
  authenticated: 'system:authenticated',
  unauthenticated: 'system:unauthenticated',
  nodes: 'system:nodes',
  monitoring: 'system:monitoring',
  bootstrappers: 'system:bootstrappers',
  serviceAccounts: 'system:serviceaccounts',
} as const

export const systemUser = {
  anonymous: 'system:anonymous',
  controllerManager: 'system:kube-controller-manager',
  cloudControllerManager: 'system:cloud-controller-manager',
  scheduler: 'system:kube-scheduler',
  proxy: 'system:kube-proxy',
  /** What the API server itself acts as when it writes the objects that must exist. */
  apiserver: 'system:apiserver',
  /** Who serves Ingresses. */
  ingress: 'coxswain:ingress',
} as const

const SERVICE_ACCOUNT = 'system:serviceaccount:'
const NODE = 'system:node:'

export function serviceAccountUser(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT}${namespace}:${name}`
}

/** The groups of every service account of a namespace. */
export function serviceAccountGroups(namespace: string): string[] {
  return [systemGroup.serviceAccounts, `${systemGroup.serviceAccounts}:${namespace}`]
}

/** The account behind a user name, or undefined when the user is none. */
export function parseServiceAccountUser(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT)) return undefined
  const [namespace, name, ...rest] = user.slice(SERVICE_ACCOUNT.length).split(':')
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined
}

/**
 * The node that a user is: undefined for users that are no nodes, an empty name for members of the nodes' group whose
 * name does not say which one (those may do nothing).
 */
export function nodeNameOf(user: { readonly name: string; readonly groups: readonly string[] }): string | undefined {
  if (!user.groups.includes(systemGroup.nodes)) return undefined
  return user.name.startsWith(NODE) ? user.name.slice(NODE.length) : ''
}
