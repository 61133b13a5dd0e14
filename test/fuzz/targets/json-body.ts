import { parseJson } from '../../../apiserver/http/body.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/** JSON bodies: what is read means the same when it is written and read again. */
const target: FuzzTarget = {
  seeds: [
    '{"a":{"b":[{"c":"x:\\"y\\\\"},{}]},"d":null,"e":-1.5e3}',
    '{"a":1,"a":2,"\\u0061":3,"__proto__":{"x":[]}}',
    '["\\ud83d\\ude00",true,false,9007199254740991]',
  ],
  words: [
    '{"a":',
    '[',
    ']',
    '}',
    '"',
    '\\u',
    '\\ud800',
    '\\udfff',
    ',',
    ':',
    'true',
    'null',
    '1e308',
    '"__proto__":',
    '\\\\',
    '\u00ff',
    '\ufeff',
  ],
  run(input) {
    const { value, duplicates } = parseJson(input)
    const text = JSON.stringify(value)
    const again = parseJson(Buffer.from(text))
    if (JSON.stringify(again.value) !== text) throw new Error(`read twice it is another value: ${text}`)
    if (again.duplicates.length > 0) throw new Error(`what was written has doubled keys: ${again.duplicates}`)
    if (duplicates.some((sentence) => sentence.length > 2000)) throw new Error('a sentence is too long')
  },
  isExpected: (error) => error instanceof StatusError && error.code === 400,
}
export default target
