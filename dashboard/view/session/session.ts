import { signal } from '@preact/signals'
import type { Clock } from '../../../shared/time/clock.ts'
import { Refusal } from '../cluster/refusal.ts'

const KEY = 'coxswain.token'
/** What the server makes (`server/sign-in-links.ts`); anything else behind the `#` is a place in the page. */
const CODE = /^#([\w-]{32})$/
/** How long another page of this browser is waited for that may be signed in. */
const NEIGHBOUR_MILLISECONDS = 150

type Word = { readonly say: 'who' } | { readonly say: 'here'; readonly token: string } | { readonly say: 'out' }

/**
 * Who looks. The token is kept for as long as this tab is: in its session storage, which belongs to this server and this port alone
 * (a cookie would go to every port of the machine, Ingresses' too, and with every request that any page makes). Other tabs of this server
 * hand it to a new one.
 */
export class Session {
  readonly token = signal<string | undefined>(undefined)
  /** Why nobody is signed in any more. */
  readonly why = signal('')
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #neighbours = new BroadcastChannel('coxswain.session')

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage
    this.#clock = clock
  }

  /** Takes a link's code out of the address, this tab's token, or that of another tab. */
  async begin(location: Location): Promise<void> {
    this.#neighbours.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data)
    // A link that is opened where the page is already loads nothing anew.
    addEventListener('hashchange', () => void this.#takeCode(location))
    if (await this.#takeCode(location)) return
    this.token.value = this.#storage.getItem(KEY) ?? undefined
    if (this.token.value === undefined) await this.#askNeighbours()
  }

  /** Whether there was a code in the address: who opens a link wants to be whom it is for. */
  async #takeCode(location: Location): Promise<boolean> {
    const code = CODE.exec(location.hash)?.[1]
    if (code === undefined) return false
    // Before anything else: neither history nor bookmarks shall have it.
    history.replaceState(undefined, '', location.pathname + location.search)
    this.token.value = undefined
    await this.#redeem(code)
    return true
  }

  signIn(token: string): void {
    this.#storage.setItem(KEY, token)
    this.why.value = ''
    this.token.value = token
  }

  /** @param why empty when it was asked for: then all tabs are signed out */
  signOut(why = ''): void {
    this.#forget(why)
    if (why === '') this.#say({ say: 'out' })
  }

  async #redeem(code: string): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    try {
      const answer = await fetch('/session', { method: 'POST', headers, body: JSON.stringify({ code }) })
      const text = await answer.text()
      if (answer.ok) this.signIn((JSON.parse(text) as { token: string }).token)
      else this.why.value = Refusal.of(answer.status, text).message
    } catch {
      // Why is in the browser's console; to the person it is all the same.
      this.why.value = 'The dashboard’s server does not answer.'
    }
  }

  async #askNeighbours(): Promise<void> {
    const heard = Promise.withResolvers<void>()
    const unfollow = this.token.subscribe((token) => token !== undefined && heard.resolve())
    this.#say({ say: 'who' })
    await Promise.race([heard.promise, this.#clock.sleep(NEIGHBOUR_MILLISECONDS)])
    unfollow()
  }

  #hear(word: Word): void {
    const { value: token } = this.token
    if (word.say === 'who' && token !== undefined) this.#say({ say: 'here', token })
    if (word.say === 'here' && token === undefined && this.why.value === '') this.signIn(word.token)
    if (word.say === 'out') this.#forget('')
  }

  #forget(why: string): void {
    this.#storage.removeItem(KEY)
    this.why.value = why
    this.token.value = undefined
  }

  #say(word: Word): void {
    this.#neighbours.postMessage(word)
  }
}
