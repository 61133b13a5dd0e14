import { ActBar } from '../actions/act-bar.tsx'
import { EditView } from '../actions/edit-view.tsx'
import { useCluster, useObjects, useTable } from '../cluster/cluster.ts'
import { type Kind, listPath } from '../cluster/kind.ts'
import type { AnyObject } from '../cluster/object.ts'
import { hasLogs, ObjectLogs } from '../logs/object-logs.tsx'
import { groupOf, kindPlace, namespaceOf } from '../page/places.ts'
import { useRouter } from '../page/router.ts'
import { StateLine } from '../page/state-line.tsx'
import { Conditions } from './conditions.tsx'
import { EventTable } from './event-table.tsx'
import { Owners } from './owners.tsx'
import { References } from './references-list.tsx'
import { Summary } from './summary.tsx'
import { YamlView } from './yaml-view.tsx'

interface ObjectPageProps {
  readonly group: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

const TABS = ['summary', 'events', 'logs', 'yaml', 'edit'] as const

/** One object: what it says of itself, what it hangs together with, and what happened to it. */
export function ObjectPage({ group, resource, namespace, name }: ObjectPageProps) {
  const cluster = useCluster()
  if (cluster.kinds.value === undefined) return <p role="status">Loading…</p>
  const kind = cluster.find(groupOf(group), resource)
  if (!kind) return <p role="alert">{`The cluster serves no “${resource}” of the group “${group}”.`}</p>
  return <OneObject kind={kind} namespace={namespaceOf(namespace)} name={name} />
}

function OneObject({ kind, namespace, name }: { readonly kind: Kind; readonly namespace: string | undefined; readonly name: string }) {
  const router = useRouter()
  const path = `${listPath(kind, namespace)}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`
  const list = useObjects(path)
  void list.version.value
  const [object] = list.items.values()
  const tab = router.place.value.query.get('tab') ?? 'summary'
  const state = list.state.value
  return (
    <article class="object">
      <p class="crumbs">
        <a href={kindPlace(kind, namespace === undefined ? {} : { namespace })}>{kind.kind}</a>
        {namespace !== undefined && <> in {namespace}</>}
      </p>
      <h1>{name}</h1>
      {object?.metadata.deletionTimestamp !== undefined && <p class="bad">It is being deleted.</p>}
      <StateLine list={list} />
      {state.phase === 'live' && !object && <p role="alert">It is not there: it was deleted, or it never was.</p>}
      {object && (
        <>
          <nav class="tabs" aria-label="Parts">
            {TABS.filter((each) => each !== 'logs' || hasLogs(object)).map((each) => (
              <a key={each} href={`${location.pathname}?tab=${each}`} aria-current={tab === each ? 'page' : undefined}>
                {each}
              </a>
            ))}
          </nav>
          {tab === 'edit' ? (
            <EditView kind={kind} object={object} />
          ) : tab === 'logs' ? (
            <ObjectLogs object={object} />
          ) : tab === 'yaml' ? (
            <YamlView object={object} />
          ) : tab === 'events' ? (
            <ObjectEvents object={object} />
          ) : (
            <Parts {...{ kind, object, path }} />
          )}
        </>
      )}
    </article>
  )
}

function Parts({ kind, object, path }: { readonly kind: Kind; readonly object: AnyObject; readonly path: string }) {
  return (
    <>
      <ActBar kind={kind} object={object} />
      <Summary object={object} table={useTable(path)} />
      <Conditions object={object} />
      <Owners kind={kind} object={object} />
      <References object={object} />
    </>
  )
}

function ObjectEvents({ object }: { readonly object: AnyObject }) {
  const { namespace = 'default', uid = '' } = object.metadata
  const list = useTable(`/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent(`involvedObject.uid=${uid}`)}`)
  return <EventTable list={list} none="Nothing has happened to it lately." />
}
