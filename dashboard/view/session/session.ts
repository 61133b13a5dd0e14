import { signal } from '@preact/signals'
import type { Clock } from '../../../shared/time/clock.ts'

const KEY = 'coxswain.token'
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
    const code = location.hash.slice(1)
    if (code !== '') {
      // Before anything else: neither history nor bookmarks shall have it.
      history.replaceState(undefined, '', location.pathname + location.search)
      await this.#redeem(code)
    } else {
      this.token.value = this.#storage.getItem(KEY) ?? undefined
      if (this.token.value === undefined) await this.#askNeighbours()
    }
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
    const answer = await fetch('/session', { method: 'POST', headers, body: JSON.stringify({ code }) }).catch(() => undefined)
    const body: { token?: string; message?: string } = (await answer?.json().catch(() => undefined)) ?? {}
    if (answer?.ok && body.token !== undefined) this.signIn(body.token)
    else this.why.value = body.message ?? 'The dashboard’s server does not answer.'
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
