import { type AnyObject, listAt, textAt } from '../cluster/object.ts'
import { useNow } from '../page/now.ts'
import { ageOf } from '../tables/age.ts'

/** What controllers say of the object, each with its reason. */
export function Conditions({ object }: { readonly object: AnyObject }) {
  const now = useNow()
  const conditions = listAt(object, 'status', 'conditions')
  if (conditions.length === 0) return null
  return (
    <section aria-labelledby="conditions">
      <h2 id="conditions">Conditions</h2>
      <table class="plain">
        <thead>
          <tr>
            {['Condition', 'Status', 'Since', 'Reason', 'Message'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {conditions.map((condition) => (
            <tr key={textAt(condition, 'type')}>
              <td>{textAt(condition, 'type')}</td>
              <td>{textAt(condition, 'status')}</td>
              <td>{ageOf(textAt(condition, 'lastTransitionTime'), now)}</td>
              <td>{textAt(condition, 'reason')}</td>
              <td>{textAt(condition, 'message')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
