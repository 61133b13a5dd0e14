/** Which attributes of which elements hold one address, as upstream's proxy knows them. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  ...{ a: ['href'], applet: ['codebase'], area: ['href'], audio: ['src'], base: ['href'], blockquote: ['cite'], body: ['background'] },
  ...{ button: ['formaction'], command: ['icon'], del: ['cite'], embed: ['src'], form: ['action'], frame: ['longdesc', 'src'] },
  ...{ head: ['profile'], html: ['manifest'], iframe: ['longdesc', 'src'], img: ['longdesc', 'src', 'usemap'] },
  ...{ input: ['src', 'formaction', 'usemap'], ins: ['cite'], link: ['href'], object: ['classid', 'codebase', 'data', 'usemap'] },
  ...{ q: ['cite'], script: ['src'], source: ['src'], video: ['src', 'poster'] },
}
/** Elements whose content is text, whatever it looks like. */
const TEXT_ONLY = new Set(['script', 'style', 'textarea', 'title', 'noscript', 'iframe', 'xmp', 'noembed', 'noframes', 'plaintext'])
/** A tag or comment that is longer is passed on as it is: what is held stays small. Characters. */
const MOST_HELD = 16 * 1024

/** Where the proxied page lives for its reader, and where it thinks it lives. */
export interface ProxiedPlace {
  /** The path in front of the page's own, without a slash at its end. */
  readonly prefix: string
  /** `host:port` of the page's server, and the name under which its reader asked: addresses of both are the page's own. */
  readonly hosts: readonly string[]
}

/** An address of a proxied answer, as its reader must follow it. Addresses elsewhere and relative ones stay as they are. */
export function rewrittenAddress(address: string, { prefix, hosts }: ProxiedPlace): string {
  const own = /^(?:https?:)?\/\/([^/?#]*)(.*)$/is.exec(address)
  const isOwnHost = own !== null && hosts.includes((own[1] ?? '').toLowerCase())
  if (own && !isOwnHost) return address
  const path = own ? own[2] || '/' : address
  if (!path.startsWith('/')) return own ? `${prefix}/${path}` : address
  return path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path
}

/**
 * Rewrites the addresses in an HTML page as it passes, piece by piece. Text goes in and out as Latin-1, which keeps the bytes of every encoding
 * whose tags are ASCII.
 */
export class LinkRewriter {
  readonly #place: ProxiedPlace
  #held = ''
  /** The element whose end is waited for, because its content is only text. */
  #within: string | undefined

  constructor(place: ProxiedPlace) {
    this.#place = place
  }

  /** What is certain after this piece. */
  push(piece: string): string {
    this.#held += piece
    return this.#take()
  }

  /** What is left at the end. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #take(): string {
    const text = this.#held
    let out = ''
    let at = 0
    while (at < text.length) {
      const start = this.#within === undefined ? text.indexOf('<', at) : endOf(this.#within, text, at)
      if (start < 0) {
        // A closing tag may have begun at the very end.
        const keep = this.#within === undefined ? text.length : Math.max(at, text.length - this.#within.length - 2)
        out += text.slice(at, keep)
        at = keep
        break
      }
      out += text.slice(at, start)
      at = start
      this.#within = undefined
      const end = endOfMarkup(text, start)
      if (end < 0) break
      out += this.#markup(text.slice(start, end))
      at = end
    }
    if (text.length - at > MOST_HELD) {
      out += text.slice(at)
      at = text.length
    }
    this.#held = text.slice(at)
    return out
  }

  #markup(tag: string): string {
    const name = /^<([a-z][^\s/>]*)/i.exec(tag)?.[1]?.toLowerCase()
    if (name === undefined) return tag
    if (TEXT_ONLY.has(name)) this.#within = name
    const wanted = LINKS[name]
    if (!wanted || !Object.hasOwn(LINKS, name)) return tag
    return tag.replace(
      /(\s|["'/])([^\s"'>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g,
      (all: string, before: string, attribute: string, equals: string, value: string) => {
        if (!wanted.includes(attribute.toLowerCase())) return all
        return `${before}${attribute}${equals}${this.#value(value)}`
      },
    )
  }

  #value(value: string): string {
    const quote = value.startsWith('"') || value.startsWith("'") ? value.charAt(0) : ''
    const bare = quote ? value.slice(1, -1) : value
    return `${quote}${rewrittenAddress(bare.trim(), this.#place)}${quote}`
  }
}

/** Where `</name` is, or -1. */
function endOf(name: string, text: string, from: number): number {
  for (let at = text.indexOf('</', from); at >= 0; at = text.indexOf('</', at + 2)) {
    if (text.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at
  }
  return -1
}

/** The index after a tag, comment or declaration that begins at `start`; -1 when it is not all there. */
function endOfMarkup(text: string, start: number): number {
  if (text.startsWith('<!--', start)) {
    const end = text.indexOf('-->', start + 4)
    return end < 0 ? -1 : end + 3
  }
  if (text.length - start < 4 && '<!--'.startsWith(text.slice(start))) return -1
  // A lone `<` is text.
  if (!/[a-z/!?]/i.test(text.charAt(start + 1))) return start + 1
  let quote = ''
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === '>') return at + 1
    else if ((character === '"' || character === "'") && /[=\s]/.test(text.charAt(at - 1))) quote = character
  }
  return -1
}
