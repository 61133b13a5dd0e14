import { pipeline, type Readable, Transform } from 'node:stream'
import { constants, createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import { LinkRewriter, type ProxiedPlace } from './link-rewriter.ts'

/** How the codings of HTTP are undone and done again; each piece goes out at once, because pages are read while they are written. */
const codings = {
  identity: [],
  gzip: [createGunzip, () => createGzip({ flush: constants.Z_SYNC_FLUSH })],
  deflate: [createInflateRaw, () => createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })],
} as const

/** Whether the addresses in a body are rewritten: whole pages in a coding we know. */
export function hasLinks(code: number, headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  return mediaTypeOf(headers['content-type']?.toString()) === 'text/html' && code !== 206 && Object.hasOwn(codings, codingOf(headers))
}

/** The page with its addresses rewritten, as it comes. A broken one ends with an error. */
export function withRewrittenLinks(
  page: Readable,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  place: ProxiedPlace,
  scope: StreamScope,
): Readable {
  const [undo, redo] = codings[codingOf(headers) as keyof typeof codings]
  const rewriter = new LinkRewriter(place)
  const rewrite = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.from(rewriter.push(chunk.toString('latin1')), 'latin1')),
    flush: (done) => done(null, Buffer.from(rewriter.end(), 'latin1')),
  })
  const stages = [...(undo ? [undo()] : []), rewrite, ...(redo ? [redo()] : [])].map((stage) => scope.own(stage))
  // How it ends is seen by whoever reads the last stage.
  pipeline([page, ...stages], () => {})
  return stages.at(-1) ?? page
}

function codingOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  return String(headers['content-encoding'] ?? 'identity').toLowerCase()
}
