import { signal } from '@preact/signals'
import { createContext } from 'preact'

const KEY = 'coxswain.theme'
const NEXT = { auto: 'dark', dark: 'light', light: 'auto' } as const

export type Shade = keyof typeof NEXT

/** Dark, light, or as the machine is set. */
export class Theme {
  readonly shade = signal<Shade>('auto')
  readonly #storage: Storage
  readonly #root: HTMLElement

  constructor(storage: Storage, root: HTMLElement) {
    this.#storage = storage
    this.#root = root
  }

  apply(): void {
    const kept = this.#storage.getItem(KEY)
    if (kept === 'dark' || kept === 'light') this.shade.value = kept
    this.#root.dataset['theme'] = this.shade.value
  }

  next(): void {
    this.shade.value = NEXT[this.shade.value]
    this.#storage.setItem(KEY, this.shade.value)
    this.#root.dataset['theme'] = this.shade.value
  }
}

export const ThemeContext = createContext<Theme | undefined>(undefined)
