import { signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/** Where the page is: the parts of the path, and the query. */
export interface Place {
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

/** The address is the state: going back, reloading and sending a link just work. */
export class Router {
  readonly place = signal<Place>(placeOf(location.pathname + location.search))

  /** Follows the browser, and clicks on links to this page's own places. */
  start(): void {
    addEventListener('popstate', () => this.#read())
    document.addEventListener('click', (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
      if (!link || !isPlain || event.defaultPrevented || link.origin !== location.origin || link.target !== '' || link.hash !== '') return
      event.preventDefault()
      this.go(link.pathname + link.search)
    })
  }

  go(href: string): void {
    history.pushState(undefined, '', href)
    this.#read()
    scrollTo(0, 0)
  }

  /** Sets parts of the query; empty ones go. Typing is no step to go back to. */
  set(changes: Readonly<Record<string, string>>): void {
    const query = new URLSearchParams(location.search)
    for (const [name, value] of Object.entries(changes)) value === '' ? query.delete(name) : query.set(name, value)
    history.replaceState(undefined, '', `${location.pathname}${query.size > 0 ? `?${query}` : ''}`)
    this.#read()
  }

  #read(): void {
    this.place.value = placeOf(location.pathname + location.search)
  }
}

export function placeOf(href: string): Place {
  const [path = '', query = ''] = href.split('?', 2)
  return {
    parts: path
      .split('/')
      .filter((part) => part !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // not written by us; shown as it is
  }
}

export const RouterContext = createContext<Router | undefined>(undefined)

export function useRouter(): Router {
  const router = useContext(RouterContext)
  if (!router) throw new Error('nothing is shown without an address')
  return router
}
