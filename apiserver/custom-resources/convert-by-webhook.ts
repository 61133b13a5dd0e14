import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceDefinition, WebhookConversion } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { type ConvertObjects, convertByName } from './convert.ts'

/** Puts a question to somebody's HTTPS server (`connect/hook-client.ts`). */
export interface ConverterClient {
  post(
    address: NonNullable<WebhookConversion['clientConfig']>,
    question: { readonly body: string; readonly timeout: number; readonly answerBytes: number },
  ): Promise<unknown>
}

/** Milliseconds for one question, as upstream. */
const TIMEOUT = 30_000
/** One question is about so many objects at most; a longer list is several. */
const OBJECTS = 500
/** Bytes of an answer for each byte that was asked, and for every answer. */
const GROWTH = 4
const ANSWER_BYTES = 1024 * 1024
const REVIEWS = ['v1', 'v1beta1']

/** How objects of a definition change their version. */
export function conversionOf(
  { spec }: CustomResourceDefinition,
  tools: { readonly client: ConverterClient; readonly random: Random },
): ConvertObjects {
  const { webhook, strategy } = spec.conversion ?? {}
  if (strategy !== 'Webhook' || !webhook?.clientConfig) return convertByName
  const { clientConfig, conversionReviewVersions } = webhook
  const review = conversionReviewVersions.find((version) => REVIEWS.includes(version)) ?? 'v1'
  return async (objects, apiVersion) => {
    const converted: KubeObject[] = []
    for (let at = 0; at < objects.length; at += OBJECTS) {
      const asked = objects.slice(at, at + OBJECTS)
      const uid = tools.random.uuid()
      const request = { uid, desiredAPIVersion: apiVersion, objects: asked }
      const body = writeExactJson({ kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${review}`, request })
      try {
        const answer = await tools.client.post(clientConfig, { body, timeout: TIMEOUT, answerBytes: ANSWER_BYTES + GROWTH * body.length })
        converted.push(...readReview(answer, { uid, asked, apiVersion }))
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        const what = `conversion webhook for ${asked[0]!.apiVersion}, Kind=${spec.names.kind} failed: ${why}`
        throw new StatusError('InternalError', what, { cause: error })
      }
    }
    return converted
  }
}

interface Asked {
  readonly uid: string
  readonly asked: readonly KubeObject[]
  readonly apiVersion: string
}

/** What a converter answered, taken for what it may say: everything but who the objects are. @throws Error in a sentence for its author */
export function readReview(answer: unknown, { uid, asked, apiVersion }: Asked): KubeObject[] {
  const response = field(answer, 'response')
  if (response === undefined) throw new Error('the answer has no response')
  if (field(response, 'uid') !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${writeExactJson(field(response, 'uid'))}`)
  const result = field(response, 'result')
  if (field(result, 'status') !== 'Success') {
    const message = field(result, 'message')
    throw new Error(
      typeof message === 'string' && message !== ''
        ? message
        : `response.result.status was '${String(field(result, 'status'))}', not 'Success'`,
    )
  }
  const objects = field(response, 'convertedObjects')
  if (!Array.isArray(objects) || objects.length !== asked.length) {
    throw new Error(`expected ${asked.length} converted objects, got ${Array.isArray(objects) ? objects.length : 0}`)
  }
  return objects.map((object: unknown, index) => converted(object, asked[index]!, apiVersion, index))
}

function converted(object: unknown, original: KubeObject, apiVersion: string, index: number): KubeObject {
  const at = `response.convertedObjects[${index}]`
  if (field(object, 'apiVersion') !== apiVersion)
    throw new Error(`${at}: wrong apiVersion ${writeExactJson(field(object, 'apiVersion'))}, wanted ${apiVersion}`)
  if (field(object, 'kind') !== original.kind)
    throw new Error(`${at}: wrong kind ${writeExactJson(field(object, 'kind'))}, wanted ${original.kind}`)
  const metadata = field(object, 'metadata')
  if (typeof metadata !== 'object' || metadata === null) throw new Error(`${at}: metadata is missing`)
  const { name, namespace, uid } = original.metadata
  for (const [key, value] of Object.entries({ name, namespace, uid })) {
    if ((field(metadata, key) ?? '') !== (value ?? '')) throw new Error(`${at}: metadata.${key} may not change`)
  }
  const labels = texts(field(metadata, 'labels'), `${at}: metadata.labels`)
  const annotations = texts(field(metadata, 'annotations'), `${at}: metadata.annotations`)
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = object as Record<string, unknown>
  return { apiVersion, kind: original.kind, metadata: { ...original.metadata, labels, annotations }, ...rest }
}

function texts(value: unknown, what: string): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value) || Object.values(value).some((each) => typeof each !== 'string')) {
    throw new Error(`${what} must be texts by name`)
  }
  return value as Record<string, string>
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}
