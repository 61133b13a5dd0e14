import type { Schema } from 'js-yaml'
import { tooMuch } from '../limits/too-much.ts'
import { isExact } from './exact-number.ts'

/**
 * What YAML 1.1 has that JSON has too, and merge keys: `yes` and `0755` are what Kubernetes' clients take them for, dates and 1:30 stay text.
 * @param yaml handed in, because those who read YAML load it each in their own way, and only then
 * @param repeat told of each key that comes twice, where the reading goes on after one (`json: true`)
 */
export function yamlSchema(yaml: typeof import('js-yaml'), repeat: () => void = () => {}): Schema {
  const { FAILSAFE_SCHEMA, NOT_RESOLVED, boolYaml11Tag, defineMappingTag, defineScalarTag, mapTag, mergeTag, nullYaml11Tag } = yaml
  const signs = ['-', '+', '.', ...'0123456789']
  const int = defineScalarTag('tag:yaml.org,2002:int', {
    implicit: true,
    implicitFirstChars: signs,
    resolve: (source) => (wholeNumber.test(source) ? exact(source) : NOT_RESOLVED),
    identify: () => false,
  })
  const float = defineScalarTag('tag:yaml.org,2002:float', {
    implicit: true,
    implicitFirstChars: signs,
    resolve: (source) => (fraction.test(source) ? exact(source) : NOT_RESOLVED),
    identify: () => false,
  })
  const map = defineMappingTag('tag:yaml.org,2002:map', {
    ...mapTag,
    addPair(carrier: Record<string, unknown>, key, value) {
      if (mapTag.has(carrier, key)) repeat()
      return mapTag.addPair(carrier, key, value)
    },
  })
  return FAILSAFE_SCHEMA.withTags(map, nullYaml11Tag, boolYaml11Tag, int, float, mergeTag)
}

const wholeNumber = /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$/
const fraction = /^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$/

function exact(source: string): number {
  const text = source.replaceAll('_', '').replace(/^\+/, '')
  const [, minus = '', digits = ''] = /^(-?)(.*)$/.exec(text) ?? []
  const prefixed = /^0[box]/.test(digits) ? digits : /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : undefined
  if (prefixed === undefined) {
    if (!isExact(text)) throw new Error(tooMuch.number(source))
    return Number(text)
  }
  const value = Number(prefixed)
  if (!Number.isSafeInteger(value)) throw new Error(tooMuch.number(source))
  return minus === '' ? value : -value
}
