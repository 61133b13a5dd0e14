import { type AnyObject, at, textsAt } from '../cluster/object.ts'

/** Another object that one names. */
export interface Reference {
  readonly group: string
  readonly resource: string
  readonly name: string
}

/** Fields whose text is the name of an object: group and plural of it. */
const NAMES: Readonly<Record<string, readonly [string, string]>> = {
  nodeName: ['', 'nodes'],
  serviceAccountName: ['', 'serviceaccounts'],
  secretName: ['', 'secrets'],
  claimName: ['', 'persistentvolumeclaims'],
  volumeName: ['', 'persistentvolumes'],
  storageClassName: ['storage.k8s.io', 'storageclasses'],
  ingressClassName: ['networking.k8s.io', 'ingressclasses'],
  priorityClassName: ['scheduling.k8s.io', 'priorityclasses'],
  serviceName: ['', 'services'],
}

/** Fields that hold an object with a `name`. */
const HOLDERS: Readonly<Record<string, readonly [string, string]>> = {
  configMap: ['', 'configmaps'],
  configMapRef: ['', 'configmaps'],
  configMapKeyRef: ['', 'configmaps'],
  secret: ['', 'secrets'],
  secretRef: ['', 'secrets'],
  secretKeyRef: ['', 'secrets'],
  service: ['', 'services'],
}

/** Kinds whose selector is a plain map of labels. */
const PLAIN = new Set(['Service', 'ReplicationController'])

/** More is no reading matter. */
const MOST = 100
const DEEPEST = 20

/** The objects that a spec names, each once, in the order in which they stand there. */
export function referencesOf(object: AnyObject): readonly Reference[] {
  const found = new Map<string, Reference>()
  const add = ([group, resource]: readonly [string, string], name: unknown) => {
    if (typeof name === 'string' && name !== '' && found.size < MOST) found.set(`${group}/${resource}/${name}`, { group, resource, name })
  }
  const visit = (value: unknown, depth: number) => {
    if (typeof value !== 'object' || value === null || depth > DEEPEST) return
    for (const [field, part] of Object.entries(value)) {
      if (Object.hasOwn(NAMES, field)) add(NAMES[field]!, part)
      if (Object.hasOwn(HOLDERS, field)) add(HOLDERS[field]!, at(part, 'name'))
      visit(part, depth + 1)
    }
  }
  visit(object['spec'], 0)
  return [...found.values()]
}

/** The labels by which the object chooses pods, as a query has them; empty where it chooses none, or not by labels alone. */
export function podSelectorOf(object: AnyObject): string {
  // A claim's selector chooses volumes.
  if (object.kind === 'PersistentVolumeClaim') return ''
  // Labels alone would choose more than both do.
  if (at(object, 'spec', 'selector', 'matchExpressions') !== undefined) return ''
  const isPlain = PLAIN.has(object.kind ?? '')
  return textsAt(object, 'spec', 'selector', ...(isPlain ? [] : ['matchLabels']))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}
