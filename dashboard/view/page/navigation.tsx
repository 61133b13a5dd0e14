import { type Signal, useComputed, useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'
import type { Kind } from '../cluster/kind.ts'
import { groupOf, kindPlace } from './places.ts'
import { useRouter } from './router.ts'
import { sectionsOf } from './sections.ts'

/** Every kind that the cluster serves, and a field that finds one. */
export function Navigation({ isOpen }: { readonly isOpen: Signal<boolean> }) {
  const { kinds } = useCluster()
  const router = useRouter()
  const wanted = useSignal('')
  const sections = useComputed(() =>
    sectionsOf(kinds.value ?? []).map((section) => ({ ...section, kinds: section.kinds.filter((kind) => matches(kind, wanted.value)) })),
  )
  const { parts, query } = router.place.value
  const here = parts[0] === 'kinds' || parts[0] === 'objects' ? `${groupOf(parts[1])}/${parts[2]}` : ''
  const namespace = query.get('namespace') ?? ''
  const open = (event: Event) => {
    event.preventDefault()
    const [first] = sections.value.flatMap((section) => section.kinds)
    if (!first) return
    wanted.value = ''
    router.go(kindPlace(first, first.isNamespaced ? { namespace } : {}))
  }
  return (
    <nav id="navigation" aria-label="Kinds" class={isOpen.value ? 'open' : ''}>
      <search>
        <form onSubmit={open}>
          <input
            {...{ id: 'find-kind', type: 'search', placeholder: 'Find a kind (k)', 'aria-label': 'Find a kind', autocomplete: 'off' }}
            value={wanted}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
          />
        </form>
      </search>
      <ul>
        <li>
          <a href="/" aria-current={parts.length === 0 ? 'page' : undefined}>
            Overview
          </a>
        </li>
        <li>
          <a href="/apply" aria-current={parts[0] === 'apply' ? 'page' : undefined}>
            Apply
          </a>
        </li>
      </ul>
      {sections.value.map(({ title, kinds: listed }) =>
        listed.length === 0 ? null : (
          <details key={title} open={wanted.value !== '' || title !== 'Others'}>
            <summary>{title}</summary>
            <ul>
              {listed.map((kind) => (
                <li key={`${kind.group}/${kind.resource}`}>
                  <a
                    href={kindPlace(kind, kind.isNamespaced ? { namespace } : {})}
                    aria-current={here === `${kind.group}/${kind.resource}` ? 'page' : undefined}
                  >
                    {kind.kind}
                  </a>
                </li>
              ))}
            </ul>
          </details>
        ),
      )}
    </nav>
  )
}

function matches({ kind, resource, shortNames }: Kind, wanted: string): boolean {
  const text = wanted.toLowerCase()
  return text === '' || kind.toLowerCase().includes(text) || resource.includes(text) || shortNames.includes(text)
}
