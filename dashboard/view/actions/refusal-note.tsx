import { Refusal, sentenceOf } from '../cluster/refusal.ts'

/** Why something was not done, in the server's words, each cause at its field. */
export function RefusalNote({ error }: { readonly error: unknown }) {
  if (error === undefined) return null
  const causes = error instanceof Refusal ? (error.status.details?.causes ?? []) : []
  return (
    <div role="alert" class="problem">
      <p>{sentenceOf(error)}</p>
      {causes.length > 0 && (
        <ul>
          {causes.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              {field && <code>{field}</code>} {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
