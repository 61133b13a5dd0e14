import { useCluster } from '../cluster/cluster.ts'
import type { AnyObject } from '../cluster/object.ts'
import { kindPlace, objectPlace } from '../page/places.ts'
import { podSelectorOf, referencesOf } from './references.ts'

/** What the object names, and the pods that it chooses. */
export function References({ object }: { readonly object: AnyObject }) {
  const cluster = useCluster()
  const { namespace } = object.metadata
  const references = referencesOf(object)
  const labels = podSelectorOf(object)
  if (references.length === 0 && labels === '') return null
  return (
    <section aria-labelledby="related">
      <h2 id="related">Related</h2>
      <ul>
        {labels !== '' && (
          <li>
            <a href={kindPlace({ group: '', resource: 'pods' }, { namespace: namespace ?? '', labels })}>Pods with {labels}</a>
          </li>
        )}
        {references.map((reference) => {
          const kind = cluster.find(reference.group, reference.resource)
          const names = { name: reference.name, ...(kind?.isNamespaced && namespace !== undefined && { namespace }) }
          return (
            <li key={`${reference.resource}/${reference.name}`}>
              {kind?.kind ?? reference.resource} {kind ? <a href={objectPlace(kind, names)}>{reference.name}</a> : reference.name}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
