import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useCluster } from '../cluster/cluster.ts'
import { type Kind, objectPath } from '../cluster/kind.ts'
import type { AnyObject } from '../cluster/object.ts'
import { DiffView } from './diff-view.tsx'
import { RefusalNote } from './refusal-note.tsx'
import { saveEdited } from './save-edited.ts'

/** The object's text, to be changed: what others wish of it meanwhile is a conflict, and said. */
export function EditView({ kind, object }: { readonly kind: Kind; readonly object: AnyObject }) {
  const cluster = useCluster()
  const text = useSignal('')
  const begun = useSignal(object)
  const shown = useSignal<{ readonly before: string; readonly after: string } | undefined>(undefined)
  const problem = useSignal<unknown>(undefined)
  const done = useSignal('')
  const { namespace, name } = object.metadata
  const path = objectPath(kind, namespace, name)
  // What is being written is not written over by what comes: only another object is another text.
  useEffect(() => void load(), [path])
  const load = async () => {
    shown.value = undefined
    problem.value = undefined
    try {
      const { yamlText } = await import('../objects/yaml-text.ts')
      const { managedFields: _fields, ...metadata } = object.metadata
      text.value = yamlText({ ...object, metadata })
      begun.value = object
    } catch (error) {
      problem.value = error
    }
  }
  const send = async (isTrial: boolean) => {
    problem.value = undefined
    done.value = ''
    try {
      const { readable } = await import('./manifest.ts')
      const answer = await saveEdited(cluster, { path, text: text.value, begun: begun.value, isTrial })
      shown.value = isTrial ? { before: readable(object), after: readable(answer) } : undefined
      done.value = isTrial ? '' : 'Saved.'
    } catch (error) {
      shown.value = undefined
      problem.value = error
    }
  }
  return (
    <section aria-label="Edit" class="apply">
      <textarea
        {...{ rows: 24, spellcheck: false, 'aria-label': 'YAML' }}
        value={text}
        onInput={(event) => {
          text.value = event.currentTarget.value
          shown.value = undefined
        }}
      />
      <p class="tools">
        <button type="button" onClick={() => void send(true)}>
          Show what would change
        </button>
        <button type="button" disabled={shown.value === undefined} onClick={() => void send(false)}>
          Save
        </button>
        <button type="button" onClick={() => void load()}>
          Begin anew
        </button>
        <span role="status">{done.value}</span>
      </p>
      <RefusalNote error={problem.value} />
      {shown.value && <DiffView {...shown.value} />}
    </section>
  )
}
