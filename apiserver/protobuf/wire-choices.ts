import { CHOSEN_SCHEMA, choiceNameOf } from '../../shared/openapi/schema-choices.ts'
import type { BackWriter } from './back-writer.ts'
import type { ReadValue } from './read-values.ts'
import type { WireReader } from './wire-reader.ts'
import { BYTES, tagOf, VARINT } from './wire-types.ts'
import type { WriteValue } from './write-values.ts'

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

/** Reads such a definition; undefined for all other definitions. */
export function chosenReader(name: string | undefined, readSchema: (message: WireReader) => object): ReadValue | undefined {
  const choice = choiceNameOf(name)
  if (!choice) return undefined
  const isBool = choice === 'JSONSchemaPropsOrBool'
  return (field) => {
    const list: unknown[] = []
    let schema: object | undefined
    let allows = false
    const message = field.message()
    while (message.next()) {
      if (message.number === (isBool ? 2 : 1)) schema = readSchema(message.message())
      else if (isBool && message.number === 1) allows = message.integer() !== 0
      else if (!isBool && message.number === 2)
        list.push(choice === 'JSONSchemaPropsOrArray' ? readSchema(message.message()) : message.text())
    }
    return schema ?? (isBool ? allows : list)
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
