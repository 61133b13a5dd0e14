/**
 * Reads bodies in Kubernetes' protobuf encoding, which Go clients of built-in kinds send. The schema says what a field is, the generated field
 * numbers say which; unknown numbers are skipped, as protobuf wants: there is no strict reading of it, upstream has none either.
 */
import { StatusError } from '../../shared/errors/status-error.ts'
import { definition } from '../../shared/openapi/document.ts'
import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import type { Decodable } from '../registry/schema-check.ts'
import { MAGIC } from './encode-protobuf.ts'
import { messageReader } from './read-message.ts'
import { WireReader } from './wire-reader.ts'

/** @param expected what a body is that does not say it. @throws StatusError BadRequest */
export function parseProtobuf(bytes: Buffer, expected?: Decodable): unknown {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw unreadable('it does not begin with the magic number of Kubernetes')
  try {
    let apiVersion = ''
    let kind = ''
    let raw = new WireReader(Buffer.alloc(0))
    for (const field of new WireReader(bytes.subarray(4))) {
      if (field.number === 2) raw = field.message()
      if (field.number !== 1) continue
      for (const part of field.message()) {
        if (part.number === 1) apiVersion = part.text()
        if (part.number === 2) kind = part.text()
      }
    }
    apiVersion ||= expected?.apiVersion ?? ''
    kind ||= expected?.kind ?? ''
    if (expected?.formerVersions?.includes(apiVersion)) apiVersion = expected.apiVersion
    const name = definitionNameOf(apiVersion, kind)
    if (name === undefined || !definition(name)) {
      throw unreadable(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
    }
    return { ...messageReader(name)(raw), apiVersion, kind }
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw unreadable(error instanceof Error ? error.message : String(error), error)
  }
}

function unreadable(reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized: ${reason}`, { cause })
}
