import type { LiveList } from '../cluster/live-list.ts'

/** How far a list is, and what is wrong with it; nothing where it is live. */
export function StateLine({ list }: { readonly list: LiveList<unknown> }) {
  void list.version.value
  const { value: state } = list.state
  const count = list.items.size
  if (state.phase === 'live') return null
  if (state.phase === 'loading') {
    return (
      <p role="status" class="loading">
        {state.remaining > 0 ? `Loading: ${count} are here, about ${state.remaining} are still to come.` : 'Loading…'}
      </p>
    )
  }
  if (state.phase === 'lost') {
    return (
      <p role="alert" class="problem">
        {state.why} {count > 0 ? 'What is shown is what was last known; it is asked again.' : 'It is asked again.'}
      </p>
    )
  }
  return (
    <div role="alert" class="problem">
      <p>{state.refusal.message}</p>
      <button type="button" onClick={() => list.retry()}>
        Ask again
      </button>
    </div>
  )
}
