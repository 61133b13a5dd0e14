import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import { encodeObject } from '../registry/encode-object.ts'
import type { ObjectFacts, StoredEntry } from '../registry/object-facts.ts'
import type { RunTimeShape } from '../registry/run-time-shape.ts'
import type { ConvertObjects } from './convert.ts'
import type { VersionForm } from './version-form.ts'

interface Parts {
  /** Every version of the definition, by apiVersion. */
  readonly forms: ReadonlyMap<string, VersionForm>
  /** The apiVersion that is stored from now on. */
  readonly storage: string
  readonly convert: ConvertObjects
  /** Selectable fields of all versions. */
  readonly paths: ReadonlyMap<string, (object: KubeObject) => string>
}

const none: readonly string[] = []

/**
 * Between what is stored and the versions that are served. What one compilation of a definition wrote in its storage version is passed on as
 * bytes; everything else is brought into the form of the version it is stored in, converted, and brought into the form that was asked for.
 */
export function storedForms({ forms, storage, convert, paths }: Parts): { shapeOf(form: VersionForm): RunTimeShape } {
  const compilation = {}
  const storedForm = forms.get(storage)!

  const factsOf = (object: KubeObject, isRead: boolean): ObjectFacts => {
    const { name = '', namespace = '', labels } = object.metadata
    const named = new Map([...paths].map(([field, textOf]) => [field, textOf(object)]))
    return { namespace, name, labels, fields: none, named, writtenBy: isRead ? undefined : compilation }
  }

  /** Objects as parsed from the store, which belong to the caller, in another version. */
  const convertAll = (objects: readonly KubeObject[], to: VersionForm, areWhole: boolean): KubeObject[] | Promise<KubeObject[]> => {
    if (!areWhole) for (const object of objects) (forms.get(object.apiVersion) ?? storedForm).settle(object)
    if (objects.every(({ apiVersion }) => apiVersion === to.apiVersion)) return [...objects]
    const strangers = objects.filter(({ apiVersion }) => apiVersion !== to.apiVersion)
    const join = (converted: readonly KubeObject[]): KubeObject[] => {
      const next = converted[Symbol.iterator]()
      return objects.map((object) => (object.apiVersion === to.apiVersion ? object : to.settle(next.next().value!)))
    }
    const converted = convert(strangers, to.apiVersion)
    return converted instanceof Promise ? converted.then(join) : join(converted)
  }

  const one = (object: KubeObject, to: VersionForm, isWhole: boolean): KubeObject | Promise<KubeObject> => {
    const converted = convertAll([object], to, isWhole)
    return converted instanceof Promise ? converted.then(([first]) => first!) : converted[0]!
  }

  const shapeOf = (form: VersionForm): RunTimeShape => ({
    schema: form.schema,
    decode: (value, options) => form.decode(value, options),
    shown(entries) {
      const isOurs = ({ facts }: StoredEntry) => form === storedForm && facts.writtenBy === compilation
      const others = entries.filter((entry) => !isOurs(entry))
      if (others.length === 0) return entries
      const converted = convertAll(others.map(parsed), form, false)
      const join = (objects: readonly KubeObject[]) => {
        const next = objects[Symbol.iterator]()
        return entries.map((entry) => (isOurs(entry) ? entry : withValue(entry, next.next().value!)))
      }
      return converted instanceof Promise ? converted.then(join) : join(converted)
    },
    shownObject: (object) => one(object, form, false),
    toStored: (object) => (object.apiVersion === storage ? object : one(structuredClone(object), storedForm, true)),
    factsOf,
  })
  return { shapeOf }
}

const parsed = ({ value }: StoredEntry) => readExactJson(value.toString()) as KubeObject

function withValue({ key, revision, createRevision, facts }: StoredEntry, object: KubeObject): StoredEntry {
  return { key, revision, createRevision, facts, value: encodeObject(object)(revision) }
}
