import { useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'
import { type Kind, objectPath } from '../cluster/kind.ts'
import type { AnyObject } from '../cluster/object.ts'
import { RefusalNote } from './refusal-note.tsx'

const WAYS: readonly (readonly [string, string])[] = [
  ['Background', 'and then what is its own'],
  ['Foreground', 'after what is its own'],
  ['Orphan', 'alone: what is its own stays'],
]

/** Deletes the object, after saying what goes along. */
export function DeleteButton({ kind, object }: { readonly kind: Kind; readonly object: AnyObject }) {
  const cluster = useCluster()
  const isAsked = useSignal(false)
  const way = useSignal('Background')
  const problem = useSignal<unknown>(undefined)
  const { namespace, name, uid } = object.metadata
  const isNamespace = kind.group === '' && kind.kind === 'Namespace'
  const remove = async (event: Event) => {
    event.preventDefault()
    isAsked.value = false
    problem.value = undefined
    try {
      // This very object: one of the same name that came meanwhile is another.
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: way.value, ...(uid && { preconditions: { uid } }) }
      await cluster.ask(objectPath(kind, namespace, name), { method: 'DELETE', body })
    } catch (error) {
      problem.value = error
    }
  }
  return (
    <>
      <button type="button" class="bad" onClick={() => (isAsked.value = !isAsked.value)} aria-expanded={isAsked.value}>
        Delete…
      </button>
      {isAsked.value && (
        <form class="tools" onSubmit={(event) => void remove(event)}>
          <label>
            {`Delete ${kind.kind} ${name} `}
            <select value={way} onChange={(event) => (way.value = event.currentTarget.value)}>
              {WAYS.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
          {isNamespace && <strong class="bad">Everything in it goes along.</strong>}
          <button type="submit" class="bad">
            Delete
          </button>
        </form>
      )}
      <RefusalNote error={problem.value} />
    </>
  )
}
