import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { type ApiOptions, startApi, type TestApi } from './api.ts'
import { type HookServer, hookServer, machineAddress, serverPapers } from './hook-server.ts'

/** What a webhook was asked (the `request` of an AdmissionReview), as a test looks into it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into requests of every kind; a wrong guess fails the test and nothing else
export type Asked = any

/** What a webhook says: a response without its uid, or the answer by its own hands. */
export type Answering = (request: Asked, response: ServerResponse) => object | undefined

/** A patch as webhooks send it. */
export const patched = (...operations: object[]) => ({
  ...{ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') },
})

export const refused = (message: string, status: object = {}) => ({ allowed: false, status: { message, ...status } })

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1'

/** An API server and a real webhook server beside it, asked under the path that is the webhook's name. */
export interface WebhookScene {
  readonly api: TestApi
  readonly hooks: HookServer
  /** Every request that was asked about, with the name of the webhook. */
  readonly asked: { readonly by: string; readonly request: Asked }[]
  /** What the webhook of a name answers from now on; without it everything is allowed. */
  answer(name: string, answering: Answering): void
  /** A webhook that is asked about the creation of ConfigMaps, unless `more` says otherwise. */
  webhook(name: string, more?: object): object
  /** Stores a configuration, which is obeyed from then on. */
  install(kind: 'Mutating' | 'Validating', name: string, ...webhooks: object[]): Promise<void>
  remove(kind: 'Mutating' | 'Validating', name: string): Promise<void>
}

const host = machineAddress()
const papers = await serverPapers({ dns: ['hook.default.svc'], ip: [host] })

export async function webhookScene(context: TestContext, options: ApiOptions = {}): Promise<WebhookScene> {
  const answers = new Map<string, Answering>()
  const asked: WebhookScene['asked'] = []
  const hooks = await hookServer(papers, (request, response) => void answer(request, response))
  context.after(() => hooks.close())
  const api = await startApi(options, context)

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = new URL(message.url ?? '', 'https://hook').pathname.slice(1)
    const { request, apiVersion } = (await json(message)) as Asked
    asked.push({ by: name, request })
    const said = (answers.get(name) ?? (() => ({ allowed: true })))(request, response)
    if (said) response.end(JSON.stringify({ apiVersion, kind: 'AdmissionReview', response: { uid: request.uid, ...said } }))
  }

  return {
    ...{ api, hooks, asked },
    answer: (name, answering) => void answers.set(name, answering),
    webhook: (name, more = {}) => ({
      ...{ name: `${name}.example.com`, sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 20 },
      clientConfig: { url: `https://${host}:${hooks.port}/${name}`, caBundle: hooks.caBundle },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      ...more,
    }),
    async install(kind, name, ...webhooks) {
      const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name }, webhooks }
      const answered = await api.request('POST', `${CONFIGURATIONS}/${kind.toLowerCase()}webhookconfigurations`, body)
      assert.equal(answered.status, 201, answered.text)
    },
    async remove(kind, name) {
      const answered = await api.request('DELETE', `${CONFIGURATIONS}/${kind.toLowerCase()}webhookconfigurations/${name}`)
      assert.equal(answered.status, 200, answered.text)
    },
  }
}
