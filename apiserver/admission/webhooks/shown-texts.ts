import type { KubeObject } from '../../../shared/objects/object.ts'
import { writeExactJson } from '../../../shared/text/exact-json.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { shownAs, type Versions } from './shown-object.ts'

/** Both states of the object of a request as JSON (`null` where there is none), made once for each version that webhooks want. */
export class ShownTexts {
  readonly #request: AdmissionRequest
  readonly #objects = new Map<Resource, string>()
  readonly #oldObjects = new Map<Resource, string>()

  constructor(request: AdmissionRequest) {
    this.#request = request
  }

  async of(versions: Versions): Promise<{ readonly object: string; readonly oldObject: string }> {
    const { object, previous } = this.#request
    return {
      object: await this.#textOf(this.#objects, versions, object),
      oldObject: await this.#textOf(this.#oldObjects, versions, previous),
    }
  }

  objectChanged(): void {
    this.#objects.clear()
  }

  async #textOf(known: Map<Resource, string>, versions: Versions, state: KubeObject | undefined): Promise<string> {
    const text = known.get(versions.target) ?? writeExactJson(await shownAs(this.#request, versions, state))
    known.set(versions.target, text)
    return text
  }
}
