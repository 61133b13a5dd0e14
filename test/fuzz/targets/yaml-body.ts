import { parseJson, parseYaml } from '../../../apiserver/http/body.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/** YAML bodies: what is read is JSON data. */
const target: FuzzTarget = {
  seeds: [
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: |\n    x\n    y\n  b: >-\n    z\n',
    'a: &x {b: [1, 0x1f, 0755, yes, ~, .5]}\nc: *x\nd:\n  <<: *x\n  e: !!str 1\n',
    "- \"a\\u00e9\"\n- 'it''s'\n- ? k\n  : v\n# comment\n--- \n",
    '%YAML 1.1\n---\na: 2020-01-01\nb: 1:30\n...\n',
  ],
  words: [
    '- ',
    '? ',
    ': ',
    '&a ',
    '*a',
    '<<: ',
    '|\n',
    '>\n',
    '[',
    ']',
    '{',
    '}',
    '!!str ',
    '!!int ',
    '!!map ',
    '"',
    "'",
    '---\n',
    '\n  ',
    '\t',
    '%YAML 1.2\n',
    '#',
    '.inf',
    '0b1',
    '1_0',
  ],
  run(input) {
    const { value } = parseYaml(input)
    const text = JSON.stringify(value) ?? 'null'
    const again = parseJson(Buffer.from(text))
    if (JSON.stringify(again.value) !== text) throw new Error(`as JSON it is another value: ${text}`)
  },
  isExpected: (error) => error instanceof StatusError && (error.code === 400 || error.code === 413),
}
export default target
