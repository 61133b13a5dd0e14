import { useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'
import { useRouter } from '../page/router.ts'
import { NamespaceField } from '../tables/namespace-field.tsx'
import { DiffView } from './diff-view.tsx'
import type { Preview, Wanted } from './manifest.ts'
import { RefusalNote } from './refusal-note.tsx'

type Checked = Wanted & ({ readonly preview: Preview } | { readonly error: unknown })

/** A manifest, written, pasted or dropped: first what it would change, then the change (server-side apply). */
export function ApplyPage() {
  const cluster = useCluster()
  const router = useRouter()
  const namespace = router.place.value.query.get('namespace') ?? 'default'
  const text = useSignal('')
  const force = useSignal(false)
  const checked = useSignal<readonly Checked[]>([])
  const problem = useSignal<unknown>(undefined)
  const done = useSignal('')
  const check = async () => {
    done.value = ''
    problem.value = undefined
    checked.value = []
    try {
      const { wantedOf, preview } = await import('./manifest.ts')
      const wanted = wantedOf(text.value, cluster, namespace)
      const look = async (each: Wanted): Promise<Checked> => {
        try {
          return { ...each, preview: await preview(cluster, each, force.value) }
        } catch (error) {
          return { ...each, error }
        }
      }
      checked.value = await Promise.all(wanted.map(look))
    } catch (error) {
      problem.value = error
    }
  }
  const carryOut = async () => {
    const all = checked.value
    checked.value = []
    try {
      const { apply } = await import('./manifest.ts')
      // In the order of the text: a namespace comes before what is in it.
      for (const each of all) {
        await apply(cluster, each, force.value)
        done.value = `${done.value} ${each.title}: applied.`
      }
    } catch (error) {
      problem.value = error
    }
  }
  const drop = async (event: DragEvent) => {
    event.preventDefault()
    const files = [...(event.dataTransfer?.files ?? [])]
    text.value = (await Promise.all(files.map((file) => file.text()))).join('\n---\n')
    await check()
  }
  const mayApply = checked.value.length > 0 && checked.value.every((each) => 'preview' in each)
  return (
    <section class="apply">
      <h1>Apply</h1>
      <div class="tools">
        <NamespaceField value={namespace} change={(value) => router.set({ namespace: value })} />
        <label>
          <input type="checkbox" checked={force} onChange={(event) => (force.value = event.currentTarget.checked)} /> take fields that
          others own
        </label>
      </div>
      <textarea
        {...{ rows: 16, spellcheck: false, placeholder: 'YAML or JSON: write, paste, or drop files', 'aria-label': 'Manifest' }}
        value={text}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => void drop(event)}
      />
      <p class="tools">
        <button type="button" onClick={() => void check()}>
          Show what would change
        </button>
        <button type="button" disabled={!mayApply} onClick={() => void carryOut()}>
          Apply
        </button>
      </p>
      <RefusalNote error={problem.value} />
      <p role="status">{done.value}</p>
      {checked.value.map((each) => (
        <section key={each.path} aria-label={each.title}>
          <h2>{each.title}</h2>
          {'preview' in each ? <DiffView {...each.preview} /> : <RefusalNote error={each.error} />}
        </section>
      ))}
    </section>
  )
}
