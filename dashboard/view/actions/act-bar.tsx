import { useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'
import type { Kind } from '../cluster/kind.ts'
import type { AnyObject } from '../cluster/object.ts'
import { type Act, actsFor } from './acts.ts'
import { DeleteButton } from './delete-button.tsx'
import { RefusalNote } from './refusal-note.tsx'
import { RollBack } from './roll-back.tsx'

/** What can be done to the object shown. Who may not is told so by the server. */
export function ActBar({ kind, object }: { readonly kind: Kind; readonly object: AnyObject }) {
  const cluster = useCluster()
  const asked = useSignal<Act | undefined>(undefined)
  const number = useSignal(0)
  const said = useSignal('')
  const problem = useSignal<unknown>(undefined)
  const run = async (act: Act) => {
    asked.value = undefined
    problem.value = undefined
    try {
      said.value = await act.run(cluster, number.value, (line) => (said.value = line))
    } catch (error) {
      problem.value = error
    }
  }
  const press = (act: Act) => {
    number.value = act.number ?? 0
    if (act.question === undefined) void run(act)
    else asked.value = act
  }
  const { value: act } = asked
  return (
    <section aria-label="Actions">
      <div class="tools">
        {actsFor(kind, object).map((each) => (
          <button key={each.title} type="button" onClick={() => press(each)}>
            {each.title}
          </button>
        ))}
        {kind.group === 'apps' && kind.kind === 'Deployment' && <RollBack kind={kind} deployment={object} />}
        <DeleteButton kind={kind} object={object} />
        <span role="status">{said.value}</span>
      </div>
      {act && (
        <form
          class="tools"
          onSubmit={(event) => {
            event.preventDefault()
            void run(act)
          }}
        >
          <span id="question">{act.question}</span>
          {act.number !== undefined && (
            <input
              {...{ type: 'number', min: 0, required: true, 'aria-labelledby': 'question' }}
              value={number}
              onInput={(event) => (number.value = event.currentTarget.valueAsNumber)}
            />
          )}
          <button type="submit">{act.title}</button>
          <button type="button" onClick={() => (asked.value = undefined)}>
            Leave it
          </button>
        </form>
      )}
      <RefusalNote error={problem.value} />
    </section>
  )
}
