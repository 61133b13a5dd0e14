import * as yaml from 'js-yaml'
import { yamlSchema } from '../../../shared/text/yaml-schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { objectPath } from '../cluster/kind.ts'
import { type AnyObject, listAt, textAt } from '../cluster/object.ts'
import { Refusal } from '../cluster/refusal.ts'
import { yamlText } from '../objects/yaml-text.ts'

/** One object of a manifest, and where it goes. */
export interface Wanted {
  readonly title: string
  readonly path: string
  readonly object: unknown
}

/** What applying an object would change. */
export interface Preview {
  readonly before: string
  readonly after: string
}

/** Whose fields they are that are applied here. */
const MANAGER = 'fieldManager=coxswain-dashboard'
/** Documents of one text; more are a mistake, or work for kubectl. */
const MOST = 200

/** The objects of a text in YAML or JSON, read by the server's own rules. @throws Error that says what is wrong with it */
export function wantedOf(text: string, cluster: Pick<Cluster, 'findKind'>, namespace: string): readonly Wanted[] {
  const documents = yaml.loadAll(text, { schema: yamlSchema(yaml) }).filter((document) => document !== null && document !== undefined)
  const objects = documents.flatMap((document) => (textAt(document, 'kind') === 'List' ? listAt(document, 'items') : [document]))
  if (objects.length === 0) throw new Error('There is no object in it.')
  if (objects.length > MOST) throw new Error(`There are more than ${MOST} objects in it.`)
  return objects.map((object, index) => wantedObject(object, index, cluster, namespace))
}

function wantedObject(object: unknown, index: number, cluster: Pick<Cluster, 'findKind'>, namespace: string): Wanted {
  const place = `Object ${index + 1}`
  const [apiVersion, kindName, name] = [textAt(object, 'apiVersion'), textAt(object, 'kind'), textAt(object, 'metadata', 'name')]
  if (apiVersion === '' || kindName === '') throw new Error(`${place} has no apiVersion or no kind.`)
  if (name === '') throw new Error(`${place}, a ${kindName}, has no metadata.name.`)
  const kind = cluster.findKind(apiVersion, kindName)
  if (!kind) throw new Error(`The cluster serves no ${kindName} of ${apiVersion}.`)
  const version = apiVersion.split('/').at(-1)!
  const its = kind.isNamespaced ? textAt(object, 'metadata', 'namespace') || namespace : undefined
  return { title: `${kindName} ${name}`, path: objectPath({ ...kind, version }, its, name), object }
}

/** Asks the server what would be. @throws Refusal, Lost */
export async function preview({ ask }: Cluster, { path, object }: Wanted, force: boolean): Promise<Preview> {
  const before = await ask<AnyObject>(path).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 404) return undefined
    throw error
  })
  const after = await patch({ ask }, path, object, `dryRun=All&force=${force}`)
  return { before: before ? readable(before) : '', after: readable(after) }
}

/** @throws Refusal, Lost */
export async function apply({ ask }: Pick<Cluster, 'ask'>, { path, object }: Wanted, force: boolean): Promise<void> {
  await patch({ ask }, path, object, `force=${force}`)
}

function patch({ ask }: Pick<Cluster, 'ask'>, path: string, object: unknown, query: string): Promise<AnyObject> {
  const contentType = 'application/apply-patch+yaml'
  return ask(`${path}?${MANAGER}&fieldValidation=Strict&${query}`, { method: 'PATCH', contentType, body: JSON.stringify(object) })
}

/** Without what only the server keeps: it would hide the change. */
export function readable(object: AnyObject): string {
  const { managedFields: _fields, resourceVersion: _revision, generation: _generation, ...metadata } = object.metadata
  return yamlText({ ...object, metadata })
}
