import { useTable } from '../cluster/cluster.ts'

interface NamespaceFieldProps {
  /** Empty: all. */
  readonly value: string
  readonly change: (value: string) => void
}

/** Names of namespaces to choose from; who may not list them writes one. */
export function NamespaceField({ value, change }: NamespaceFieldProps) {
  const list = useTable('/api/v1/namespaces')
  void list.version.value
  const names = [...list.items.values()].map(({ object }) => object.metadata.name).sort()
  if (list.state.value.phase === 'refused') {
    return (
      <input
        {...{ type: 'text', placeholder: 'Namespace', 'aria-label': 'Namespace', autocomplete: 'off' }}
        value={value}
        onChange={(event) => change(event.currentTarget.value.trim())}
      />
    )
  }
  return (
    <select aria-label="Namespace" value={value} onChange={(event) => change(event.currentTarget.value)}>
      <option value="">all namespaces</option>
      {(names.includes(value) || value === '' ? names : [value, ...names]).map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}
