import { dump } from 'js-yaml'

/** An object as people write it: nothing folded, nothing referred to. */
export function yamlText(object: unknown): string {
  return dump(object, { lineWidth: -1, noRefs: true })
}
