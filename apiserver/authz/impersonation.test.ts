import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { AccessAttributes } from './authorizer.ts'
import { impersonatedUser, wantsImpersonation } from './impersonation.ts'

const jane = { name: 'jane', groups: ['system:authenticated'] }

/** Acts with everything allowed; answers the user and what was asked. */
function act(headers: Record<string, string | string[]>) {
  const asked: string[] = []
  const require = ({ verb, group, resource, subresource, namespace, name }: AccessAttributes) => {
    asked.push(`${verb} ${group}/${resource}${subresource ? `/${subresource}` : ''} ${namespace ? `${namespace}/` : ''}${name}`)
  }
  return { user: impersonatedUser(jane, headers, require), asked }
}

describe('acting as someone else', () => {
  it('is noticed, whichever header says so', () => {
    assert.equal(wantsImpersonation({ authorization: 'Bearer x', 'x-impersonate-user': 'y' }), false)
    for (const name of ['impersonate-user', 'impersonate-group', 'impersonate-uid', 'impersonate-extra-scopes'])
      assert.ok(wantsImpersonation({ [name]: 'x' }))
  })

  it('asks about the user, each group, the uid and each extra', () => {
    const { user, asked } = act({
      ...{ 'impersonate-user': 'joe', 'impersonate-group': ['dev', 'ops, all'], 'impersonate-uid': '7' },
      'impersonate-extra-acme%2fscopes': ['view', 'edit'],
    })
    assert.deepEqual(user, {
      name: 'joe',
      uid: '7',
      groups: ['dev', 'ops, all', 'system:authenticated'],
      extra: { 'acme/scopes': ['view', 'edit'] },
    })
    assert.deepEqual(asked, [
      ...['impersonate /users joe', 'impersonate /groups dev', 'impersonate /groups ops, all', 'impersonate authentication.k8s.io/uids 7'],
      ...['impersonate authentication.k8s.io/userextras/acme/scopes view', 'impersonate authentication.k8s.io/userextras/acme/scopes edit'],
    ])
  })

  it('knows the groups of service accounts, and nobody', () => {
    const { user, asked } = act({ 'impersonate-user': 'system:serviceaccount:ci:builder' })
    assert.deepEqual(user.groups, ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'])
    assert.deepEqual(asked, ['impersonate /serviceaccounts ci/builder'])
    assert.deepEqual(act({ 'impersonate-user': 'system:anonymous' }).user.groups, ['system:unauthenticated'])
    assert.deepEqual(act({ 'impersonate-user': 'system:serviceaccount:ci:builder', 'impersonate-group': 'x' }).user.groups, [
      'x',
      'system:authenticated',
    ])
  })

  it('needs somebody to be, and every part allowed', () => {
    for (const headers of [
      { 'impersonate-group': 'dev' },
      { 'impersonate-uid': '7' },
      { 'impersonate-extra-a': 'b' },
      { 'impersonate-user': '' },
    ]) {
      assert.throws(
        () => act(headers),
        (error) => error instanceof StatusError && error.code === 400,
      )
    }
    const refuse = ({ resource }: AccessAttributes) => {
      if (resource === 'groups') throw new StatusError('Forbidden', 'no')
    }
    assert.throws(() => impersonatedUser(jane, { 'impersonate-user': 'joe', 'impersonate-group': 'system:masters' }, refuse), /no/)
  })
})
