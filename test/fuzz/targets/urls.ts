import { requestInfo } from '../../../apiserver/http/request-info.ts'
import { decodeContinue } from '../../../apiserver/registry/continue-token.ts'
import { deleteOptions } from '../../../apiserver/registry/delete-options.ts'
import { listOptions } from '../../../apiserver/registry/list-options.ts'
import { keyOf } from '../../../apiserver/storage/keys.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const methods = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'constructor', '__proto__']

/** Request URLs with their parameters: what is named can be a key, and nothing that tricks gets through. */
const target: FuzzTarget = {
  seeds: [
    'G/api/v1/namespaces/a/pods/b/log?container=c&follow=true',
    'G/apis/apps/v1/deployments?labelSelector=a%3Db&limit=5&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiJhXHUwMDAwIn0',
    'D/api/v1/namespaces/a/pods/b?gracePeriodSeconds=5&propagationPolicy=Orphan&preconditions.uid=x&dryRun=All',
    'P/api/v1/watch/namespaces/a/secrets/%F0%9F%98%80?resourceVersionMatch=Exact&resourceVersion=1&timeoutSeconds=9',
    'C/%2e%2e//version',
  ],
  words: [
    '%2F',
    '%00',
    '%5C',
    '..',
    '//',
    '/',
    '?',
    '&',
    '=',
    '%',
    '%ff',
    '%C3%A9',
    'namespaces/',
    'watch/',
    'watch=true',
    'resourceVersion=',
    'limit=',
    '%ED%A0%80',
    'api/v1/',
    'apis/',
  ],
  run(input) {
    const method = methods[(input[0] ?? 0) % methods.length]!
    const info = requestInfo(method, input.subarray(1).toString('latin1'))
    if (info.isResource) {
      const { group, resource, name, namespace } = info
      if (name !== '') keyOf({ group, resource, name, ...(namespace ? { namespace } : {}) })
      for (const part of [info.name, info.namespace, info.resource])
        if (part === '..' || part.includes('/')) throw new Error(`a trick got through: ${part}`)
    }
    for (const read of [
      () => listOptions(info.query, false),
      () => listOptions(info.query, true),
      () => deleteOptions(undefined, info.query),
    ])
      expected(read)
    expected(() => decodeContinue(info.query.get('continue') ?? '', 'core/pods/'))
  },
  isExpected: isRefusal,
}
export default target

function expected(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof StatusError && error.code < 500
}
