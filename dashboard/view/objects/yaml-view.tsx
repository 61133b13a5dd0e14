import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { AnyObject } from '../cluster/object.ts'
import { sentenceOf } from '../cluster/refusal.ts'

/** The object as YAML; the writer of YAML is loaded when somebody looks. */
export function YamlView({ object }: { readonly object: AnyObject }) {
  const text = useSignal('')
  const problem = useSignal('')
  const showsFields = useSignal(false)
  useEffect(() => {
    const { managedFields: _fields, ...metadata } = object.metadata
    const shown = showsFields.value ? object : { ...object, metadata }
    import('./yaml-text.ts').then(
      ({ yamlText }) => (text.value = yamlText(shown)),
      (error: unknown) => (problem.value = sentenceOf(error)),
    )
  }, [object, showsFields.value])
  return (
    <section aria-label="YAML">
      <p>
        <label>
          <input type="checkbox" checked={showsFields} onChange={(event) => (showsFields.value = event.currentTarget.checked)} /> managed
          fields
        </label>{' '}
        <button type="button" onClick={() => void navigator.clipboard.writeText(text.value)}>
          Copy
        </button>
      </p>
      {problem.value !== '' && <p role="alert">{problem.value}</p>}
      <pre tabIndex={0}>{text.value}</pre>
    </section>
  )
}
