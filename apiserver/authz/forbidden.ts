import { StatusError } from '../../shared/errors/status-error.ts'
import type { AccessAttributes } from './authorizer.ts'

/** The refusal of a request, in the words that people know from `kubectl`. */
export function forbiddenRequest(attributes: AccessAttributes, reason: string): StatusError {
  const { user, verb, group, resource, subresource, namespace, name, path } = attributes
  const because = reason ? `: ${reason}` : ''
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  if (path !== undefined) return new StatusError('Forbidden', `forbidden: ${who} path ${JSON.stringify(path)}${because}`, { details: {} })
  const full = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return forbidden(
    { group, resource, name },
    `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}${because}`,
  )
}

/** `pods "x" is forbidden: <why>`, with details; also what admission rules refuse with. */
export function forbidden({ group, resource, name }: { group: string; resource: string; name: string }, why: string): StatusError {
  const qualified = group ? `${resource}.${group}` : resource
  return new StatusError('Forbidden', `${qualified}${name ? ` ${JSON.stringify(name)}` : ''} is forbidden: ${why}`, {
    details: { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource },
  })
}
