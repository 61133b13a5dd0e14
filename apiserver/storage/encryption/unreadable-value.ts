import { StatusError } from '../../../shared/errors/status-error.ts'
import { parseKey } from '../keys.ts'

/** A stored value that does not open: 500 for whoever asks for the object or for a list that it belongs to. */
export class UnreadableValue extends StatusError {
  constructor(key: string, cause: unknown) {
    const { group, resource, namespace, name } = parseKey(key)
    const kind = group === '' ? resource : `${resource}.${group}`
    const place = namespace === undefined ? '' : ` in namespace ${JSON.stringify(namespace)}`
    const why = cause instanceof Error ? cause.message : String(cause)
    super('InternalError', `Internal error occurred: unable to read ${kind} ${JSON.stringify(name)}${place} from storage: ${why}`, {
      cause,
      details: { name, group: group || undefined, kind: resource, causes: [{ message: why }] },
    })
  }
}
