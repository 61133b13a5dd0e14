/**
 * What the page and its server say on the one socket that carries all watches and logs of a page. Browsers open six connections to a server and
 * no more, sockets aside, and cannot set headers on a socket: so there is one, the token comes in its first message, and each stream is a GET.
 */
export type LiveRequest =
  | { readonly say: 'token'; readonly token: string }
  | { readonly say: 'open'; readonly id: number; readonly path: string; readonly accept: string }
  | { readonly say: 'close'; readonly id: number }

/** `begin`: the status; `data`: part of the body; `end`: why, where it broke. */
export interface LiveAnswer {
  readonly say: 'begin' | 'data' | 'end'
  readonly id: number
  readonly text: string
}

const SIGNS = { begin: 'b', data: 'd', end: 'e' } as const

/** A sign, the stream's number, a line end, the text: most messages are large, and JSON in JSON would be larger. */
export function encodeAnswer({ say, id, text }: LiveAnswer): string {
  return `${SIGNS[say]}${id}\n${text}`
}

/** @throws Error for what encodeAnswer did not make */
export function decodeAnswer(message: string): LiveAnswer {
  const end = message.indexOf('\n')
  const say = (['begin', 'data', 'end'] as const).find((each) => message.startsWith(SIGNS[each]))
  const id = Number(message.slice(1, end))
  if (say === undefined || end < 2 || !Number.isSafeInteger(id))
    throw new Error('the dashboard’s server says something that this page does not know')
  return { say, id, text: message.slice(end + 1) }
}
