import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useCluster, useTable } from '../cluster/cluster.ts'
import { type Kind, listPath } from '../cluster/kind.ts'
import type { AnyObject, OwnerReference } from '../cluster/object.ts'
import { objectPlace } from '../page/places.ts'
import { childKindsOf } from './child-kinds.ts'
import { type OwnerChain, ownerChain } from './owner-chain.ts'

/** Whose the object is, up to the first cause, and what is its own. */
export function Owners({ kind, object }: { readonly kind: Kind; readonly object: AnyObject }) {
  const cluster = useCluster()
  const chain = useSignal<OwnerChain>({ owners: [] })
  // Owners of an object hardly change; another object is another uid.
  const uid = object.metadata.uid ?? ''
  useEffect(() => {
    const left = new AbortController()
    void ownerChain(cluster, object, left.signal).then((found) => !left.signal.aborted && (chain.value = found))
    return () => left.abort()
  }, [cluster, uid])
  const { namespace } = object.metadata
  const children = childKindsOf(kind).flatMap(([group, resource]) => cluster.find(group, resource) ?? [])
  return (
    <section aria-labelledby="owners">
      <h2 id="owners">Owners and own</h2>
      <ol class="tree">
        {chain.value.owners.toReversed().map((owner, index) => (
          <li key={owner.uid}>
            <Reference owner={owner} namespace={namespace} />
            {index === 0 && chain.value.why !== undefined && <span class="bad">{` ${chain.value.why}`}</span>}
          </li>
        ))}
        <li aria-current="true">
          {kind.kind} <strong>{object.metadata.name}</strong>
          <ul>
            {children.map((child) => (
              <Children key={child.resource} kind={child} namespace={namespace} uid={uid} />
            ))}
          </ul>
        </li>
      </ol>
    </section>
  )
}

function Reference({ owner, namespace }: { readonly owner: OwnerReference; readonly namespace: string | undefined }) {
  const kind = useCluster().findKind(owner.apiVersion, owner.kind)
  if (!kind) return <>{`${owner.kind} ${owner.name}`}</>
  const place = objectPlace(kind, { name: owner.name, ...(kind.isNamespaced && namespace !== undefined && { namespace }) })
  return (
    <>
      {owner.kind} <a href={place}>{owner.name}</a>
    </>
  )
}

interface ChildrenProps {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly uid: string
}

/** Objects of a kind that belong to the one shown, as they come and go. */
function Children({ kind, namespace, uid }: ChildrenProps) {
  const list = useTable(listPath(kind, namespace))
  void list.version.value
  const rows = [...list.items.values()].filter(({ object }) => object.metadata.ownerReferences?.some((owner) => owner.uid === uid))
  if (list.state.value.phase === 'refused') return <li>{list.state.value.refusal.message}</li>
  return (
    <>
      {rows.slice(0, 100).map(({ object, cells }) => (
        <li key={object.metadata.uid}>
          {kind.kind} <a href={objectPlace(kind, object.metadata)}>{object.metadata.name}</a> {cells.slice(1, 3).map(String).join(' ')}
        </li>
      ))}
      {rows.length > 100 && <li>{`and ${rows.length - 100} more`}</li>}
    </>
  )
}
