import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageProblem } from './page-guard.ts'

const host = '127.0.0.1:8080'
const json = 'application/json'

const letThrough: [what: string, method: string, headers: Record<string, string>][] = [
  ['kubectl reads', 'GET', { host }],
  ['curl deletes without a body', 'DELETE', { host }],
  ['kubectl creates', 'POST', { host, 'content-type': json }],
  ['with parameters of the type', 'POST', { host, 'content-type': 'application/json; charset=utf-8' }],
  ['protobuf', 'POST', { host, 'content-type': 'application/vnd.kubernetes.protobuf' }],
  ['a patch', 'PATCH', { host, 'content-type': 'application/merge-patch+json' }],
  ['kubectl exec', 'POST', { host, connection: 'Upgrade', upgrade: 'SPDY/3.1' }],
  ['a WebSocket client that is no browser', 'GET', { host, upgrade: 'websocket' }],
  ['a page of this very address', 'GET', { host, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }],
  ['an address typed by the person', 'GET', { host, 'sec-fetch-site': 'none' }],
  ['by name', 'GET', { host: 'LocalHost' }],
  ['by IPv6', 'GET', { host: '[::1]:8080' }],
]
for (const [what, method, headers] of letThrough)
  test(`lets through: ${what}`, () => assert.equal(pageProblem({ method, headers }), undefined))

const refused: [what: string, method: string, headers: Record<string, string>, why: RegExp][] = [
  ['no host', 'GET', {}, /not called ""/],
  ['a rebound name', 'GET', { host: 'evil.example:8080' }, /not called "evil.example:8080"/],
  ['a name that begins like an address', 'GET', { host: '127.0.0.1.evil.example' }, /not called/],
  ['an address with a name before it', 'GET', { host: 'x@127.0.0.1' }, /not called/],
  ['another page', 'GET', { host, origin: 'https://evil.example' }, /no pages of "https:\/\/evil.example"/],
  ['a page without an address', 'GET', { host, origin: 'null' }, /no pages of "null"/],
  ['a page of another port of this machine', 'GET', { host, origin: 'http://127.0.0.1:3000' }, /no pages/],
  ['a page of another name of this machine', 'GET', { host, origin: 'http://localhost:8080' }, /no pages/],
  ['a WebSocket of another page', 'GET', { host, upgrade: 'websocket', origin: 'http://evil.example' }, /no pages/],
  ['an image on another page', 'GET', { host, 'sec-fetch-site': 'cross-site' }, /other sites/],
  ['an image on a page of another port', 'GET', { host, 'sec-fetch-site': 'same-site' }, /other sites/],
  ['a form', 'POST', { host, 'content-type': 'application/x-www-form-urlencoded' }, /takes no application\/x-www-form-urlencoded/],
  ['a form with a file', 'POST', { host, 'content-type': 'multipart/form-data; boundary=x' }, /takes no multipart/],
  ['text', 'POST', { host, 'content-type': 'Text/Plain;charset=utf-8' }, /takes no text\/plain/],
  ['a POST of nothing', 'POST', { host }, /needs a Content-Type/],
  ['a PUT of text', 'PUT', { host, 'content-type': 'text/plain' }, /takes no text\/plain/],
]
for (const [what, method, headers, why] of refused)
  test(`refuses: ${what}`, () => assert.match(pageProblem({ method, headers }) ?? '', why))
