import { CHOSEN_SCHEMA, choiceNameOf } from '../../shared/openapi/schema-choices.ts'
import type { BackWriter } from './back-writer.ts'
import type { WireReader } from './wire-reader.ts'
import { BYTES, tagOf, VARINT, type WriteValue } from './wire-values.ts'

/** Writes a definition that is a schema or something simpler, without its length; undefined for all other definitions. */
export function chosenValue(name: string | undefined, messageWriter: (name: string) => WriteValue): WriteValue | undefined {
  const choice = choiceNameOf(name)
  if (!choice) return undefined
  const schema = messageWriter(CHOSEN_SCHEMA)
  const writeSchema = (out: BackWriter, value: unknown, number: number) => {
    const before = out.size
    schema(out, value)
    out.lengthSince(before)
    out.byte(tagOf(number, BYTES))
  }
  const isSchema = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
  switch (choice) {
    case 'JSONSchemaPropsOrArray':
      return (out, value) => {
        if (isSchema(value)) writeSchema(out, value, 1)
        for (const item of listOf(value).toReversed()) writeSchema(out, item, 2)
      }
    case 'JSONSchemaPropsOrBool':
      return (out, value) => {
        if (isSchema(value)) writeSchema(out, value, 2)
        out.byte(isSchema(value) || value === true ? 1 : 0)
        out.byte(tagOf(1, VARINT))
      }
    case 'JSONSchemaPropsOrStringArray':
      return (out, value) => {
        if (isSchema(value)) writeSchema(out, value, 1)
        for (const item of listOf(value).toReversed()) {
          out.text(String(item))
          out.byte(tagOf(2, BYTES))
        }
      }
  }
}

/** The JSON of such a definition; `undefined` for all other definitions. */
export function readChosen(name: string | undefined, message: () => WireReader, readSchema: (message: WireReader) => object): unknown {
  const choice = choiceNameOf(name)
  if (!choice) return undefined
  const list: unknown[] = []
  let schema: object | undefined
  let allows = false
  for (const field of message()) {
    if (choice === 'JSONSchemaPropsOrBool') {
      if (field.number === 1) allows = field.integer() !== 0
      if (field.number === 2) schema = readSchema(field.message())
    } else if (field.number === 1) schema = readSchema(field.message())
    else if (field.number === 2) list.push(choice === 'JSONSchemaPropsOrArray' ? readSchema(field.message()) : field.text())
  }
  return schema ?? (choice === 'JSONSchemaPropsOrBool' ? allows : list)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
