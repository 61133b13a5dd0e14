import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Router, useRouter } from './router.ts'

const KEYS: readonly (readonly [string, string])[] = [
  ['k', 'find a kind'],
  ['/', 'filter the table'],
  ['j k ↓ ↑', 'next and previous row, in a table'],
  ['Enter', 'open the row'],
  ['o', 'overview'],
  ['?', 'this help'],
]

/** Keys that work wherever nothing is being written. */
export function useKeys(helps: Signal<boolean>): void {
  const router = useRouter()
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => press(event, router, helps)
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [router, helps])
}

function press(event: KeyboardEvent, router: Router, helps: Signal<boolean>): void {
  const { target, key } = event
  const isWriting = target instanceof HTMLElement && target.matches('input, textarea, select')
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return
  const isInTable = target instanceof HTMLElement && target.closest('tbody') !== null
  const focus = (id: string) => {
    const field = document.getElementById(id)
    if (!field) return
    event.preventDefault()
    field.focus()
  }
  if (key === 'k' && !isInTable) focus('find-kind')
  else if (key === '/') focus('filter')
  else if (key === 'o') router.go('/')
  else if (key === '?') helps.value = true
}

export function KeyHelp({ close }: { readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
