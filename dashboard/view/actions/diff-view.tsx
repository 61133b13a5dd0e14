import { changesOf, diffOf } from './diff.ts'

/** What changes between two texts; signs say it to those who see no colours. */
export function DiffView({ before, after }: { readonly before: string; readonly after: string }) {
  if (before === after) return <p>Nothing would change.</p>
  return (
    <pre class="diff" tabIndex={0}>
      {changesOf(diffOf(before, after)).map((line, index) =>
        line === '…' ? (
          <span key={index}>{'…\n'}</span>
        ) : (
          <span key={index} class={line.sign === '+' ? 'good' : line.sign === '-' ? 'bad' : ''}>
            {`${line.sign} ${line.text}\n`}
          </span>
        ),
      )}
    </pre>
  )
}
